import type { IssuerOptions } from '../authn/issuer.ts'
import type { Authenticator } from '../domain/ports.ts'
import { createAssertionReader, type AssertionReader } from '../pip/posture-assertion.ts'
import type { Settings } from '../settings/settings.ts'
import { pem } from './issuer-options.ts'

type AssertionSettings = NonNullable<Settings['devicePosture']['assertion']>

/**
 * The signer of posture assertions, as an authenticator takes it. It is one of its own: what it
 * accepts is no token of a caller, and no caller's token is an assertion (I11).
 * @throws ERR_CONFIG_UNREADABLE when the certificate file cannot be read
 */
export async function assertionIssuer(assertion: AssertionSettings): Promise<IssuerOptions> {
  const { subjectClaim, caFile } = assertion
  return {
    issuer: assertion.issuer,
    name: assertion.name,
    preset: 'generic',
    audience: assertion.audience,
    algorithms: assertion.algorithms,
    maxLifetimeMs: assertion.maxLifetime,
    clockSkewMs: assertion.clockTolerance,
    tokenTypes: assertion.tokenType,
    typOptional: true,
    requiredClaims: ['exp', 'iat', 'sub'],
    idTokenClaims: [],
    groups: [],
    roles: [],
    claims: subjectClaim === 'sub' ? undefined : [subjectClaim],
    posture: assertion.claims,
    keys: {
      jwksUri: assertion.jwksUri,
      jwksFile: assertion.jwksFile,
      ...(caFile === undefined ? {} : { ca: await pem(caFile) }),
    },
  }
}

/** Reads assertions with `verifier`; `undefined` where none are configured. */
export function assertionReader(
  settings: Settings,
  verifier: Authenticator | undefined,
): AssertionReader | undefined {
  const { assertion } = settings.devicePosture
  if (assertion === undefined || verifier === undefined) return undefined
  const { header, subjectClaim, callerClaim } = assertion
  const callerIssuers = new Set(assertion.callers ?? settings.issuers.map(({ name }) => name))
  return createAssertionReader({ header, verifier, subjectClaim, callerClaim, callerIssuers })
}

/** Fields the gateway reads by configuration: they go to no upstream (I3). */
export function managedHeaders(settings: Settings): ReadonlySet<string> {
  const { header, assertion } = settings.devicePosture
  const names = [header, assertion?.header, settings.geo?.header]
  return new Set(names.filter((name) => name !== undefined))
}
