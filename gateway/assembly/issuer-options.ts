import { issuerProfile, type IssuerOptions } from '../authn/issuer.ts'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { readPemFile } from '../settings/secret-file.ts'
import type { IssuerSettings, Settings } from '../settings/settings.ts'

/**
 * Turns the `issuers` of the configuration into what the authenticator takes. What the operator did
 * not write is left to the preset.
 * @throws ERR_CONFIG_UNREADABLE when a certificate file cannot be read
 */
export async function issuerOptions(issuer: IssuerSettings): Promise<IssuerOptions> {
  const options = optionsOf(issuer)
  if (issuer.caFile === undefined) return options
  return { ...options, keys: { ...options.keys, ca: await pem(issuer.caFile) } }
}

/** What the authenticator would refuse of the issuers, without reading any of their files. */
export function issuerProblems(settings: Settings): readonly Diagnostic[] {
  return settings.issuers.flatMap((issuer, index): readonly Diagnostic[] => {
    try {
      issuerProfile(optionsOf(issuer))
      return []
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const place = settings.provenance.positionOf(['issuers', index])
      const remedy = 'Correct this issuer; see docs/reference/configuration.md.'
      return [{ ...place, severity: 'error', code: 'unusable-issuer', message, remedy }]
    }
  })
}

function optionsOf(issuer: IssuerSettings): IssuerOptions {
  const { keys } = issuer
  return {
    issuer: issuer.issuer,
    name: issuer.name,
    preset: issuer.preset,
    audience: issuer.audience,
    algorithms: issuer.algorithms,
    maxLifetimeMs: issuer.maxTokenLifetime,
    clockSkewMs: issuer.clockTolerance,
    tokenTypes: issuer.tokenType,
    requiredValues: issuer.requiredClaims,
    clientId: issuer.clientIdClaim === undefined ? undefined : [issuer.clientIdClaim],
    groups: issuer.groupsClaims,
    roles: issuer.rolesClaims,
    roleNames: issuer.roles,
    claims: issuer.conditionClaims.length === 0 ? undefined : issuer.conditionClaims,
    mfa: issuer.mfa,
    posture: issuer.postureClaims,
    person: issuer.personClaim,
    sessionId: issuer.sessionClaim === undefined ? undefined : [issuer.sessionClaim],
    keys: {
      refreshMs: keys.refresh,
      maxStaleMs: keys.maxStale,
      timeoutMs: keys.timeout,
      bytesMax: keys.bytesMax,
      jwksUri: issuer.jwksUri,
      jwksFile: issuer.jwksFile,
    },
  }
}

/** The PEM text of a file. @throws ERR_CONFIG_UNREADABLE */
export async function pem(path: string): Promise<string> {
  return required(await readPemFile(path))
}

/** The value of a load, as an error when there is none. @throws ERR_CONFIG_UNREADABLE */
export function required<T>(loaded: Loaded<T>): T {
  if (loaded.ok) return loaded.value
  const [first] = loaded.diagnostics
  const message = first === undefined ? 'unreadable' : `${first.file}: ${first.message}`
  throw new GatewayError('ERR_CONFIG_UNREADABLE', message)
}
