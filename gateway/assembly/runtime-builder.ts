import { createChallengeWriter, protectedResourceMetadataUrl } from '../authn/challenge.ts'
import {
  parseHost,
  parseRequestTarget,
  type RequestTargetLimits,
} from '../classify/target/request-target.ts'
import type {
  AssertionSigner,
  Authenticator,
  CallForwarder,
  Forwarder,
  UpgradeForwarder,
} from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { RequestTarget } from '../domain/request.ts'
import { createDecisionPoint } from '../pdp/decision/decision-point.ts'
import { createAddressResolver } from '../pip/client-address.ts'
import { createPostureReader } from '../pip/device-posture.ts'
import { createEnvironmentGatherer } from '../pip/environment.ts'
import type { Runtime } from '../pep/runtime.ts'
import { createUpstreamTable } from '../pep/upstream-table.ts'
import type { SecretFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { countryReader, type OpenDatabase } from './country-database.ts'
import { tokensWith } from './data-key.ts'
import { knownNames, type LoadedRules } from './load-rules.ts'
import { ownDocuments, publicUrl } from './own-documents.ts'
import { assertionReader, managedHeaders } from './posture-assertion.ts'
import { createUsersOf } from './reviews/used-rules.ts'
import { upstreamEntry } from './upstream-parts.ts'

/** What a runtime is built from. */
export interface RuntimeParts {
  readonly settings: Settings
  /** The settings of the start, for what a reload does not change: listeners and ledger. */
  readonly fixed: Settings
  readonly rules: LoadedRules
  readonly configRevision: string
  /** Credentials by position in `settings.upstreams`. */
  readonly secrets: readonly (SecretFile | undefined)[]
  /** The key of tokens of data, where one is configured. */
  readonly dataKey: SecretFile | undefined
  readonly authenticator: Authenticator
  /** Verifies assertions of posture, where they are configured. */
  readonly postureVerifier: Authenticator | undefined
  /** Looks up the countries of addresses, where a database is configured. */
  readonly countries: OpenDatabase | undefined
  /** Told when the decision point itself failed; the request is refused as indeterminate. */
  readonly onDecisionFailure: (error: unknown) => void
  readonly assertions: AssertionSigner
  readonly forwarder: Forwarder
  readonly upgrades: UpgradeForwarder
  readonly calls: CallForwarder
}

/** Bounds on the shape of a target that no operator has asked to change. */
const TARGET_SHAPE = { segmentsMax: 256, segmentBytesMax: 1024, queryParametersMax: 256 } as const

/**
 * What some configured upstream takes is let pass for all, and refused by the classifiers of the
 * others; what none of them takes is refused before anything else is looked at.
 */
function targetLimitsOf(settings: Settings, rules: LoadedRules): RequestTargetLimits {
  const packs = settings.upstreams.flatMap(({ pack }) => rules.packs.get(pack) ?? [])
  return {
    ...TARGET_SHAPE,
    targetBytesMax: settings.limits.targetBytes,
    encodable: packs.map(({ encodable }) => encodable).join(''),
    emptySegments: packs.some(({ emptySegments }) => emptySegments),
  }
}

/** Puts one immutable {@link Runtime} together. Pure: starts nothing, reads no file. */
export function buildRuntime(parts: RuntimeParts): Runtime {
  const { settings, rules } = parts
  const targetLimits = targetLimitsOf(settings, rules)
  const parseTarget = (raw: string): RequestTarget | Refusal =>
    parseRequestTarget(raw, targetLimits)
  const entries = settings.upstreams.map((upstream, index) =>
    upstreamEntry(upstream, { settings, rules, secret: parts.secrets[index] }),
  )
  return Object.freeze({
    limits: {
      headerCountMax: settings.limits.headerCount,
      bodyBytesMax: settings.limits.bodyBytes,
      peekBytesMax: settings.limits.peekBytes,
      bodyIdleTimeoutMs: settings.limits.bodyIdleTimeout,
      concurrentRequestsMax: settings.limits.concurrentRequests,
    },
    recordWhenFull: parts.fixed.audit.whenFull,
    whenStale: parts.fixed.store.whenStale,
    policy: {
      decisionPoint: createDecisionPoint(rules.policy, { onFailure: parts.onDecisionFailure }),
      resources: rules.resources,
      holdingsOf: rules.policy.holdingsOf,
      usersOf: createUsersOf(rules.policy, knownNames(settings)),
      ...(rules.grants === undefined ? {} : { grants: rules.grants }),
    },
    training: {
      zone: new Set(settings.training.zone),
      classifications: new Set(settings.training.classifications),
      required: settings.training.required,
    },
    configRevision: parts.configRevision,
    upstreams: createUpstreamTable(entries, parseTarget),
    authenticator: parts.authenticator,
    assertions: parts.assertions,
    ...tokensWith(parts.dataKey),
    forwarder: parts.forwarder,
    upgrades: parts.upgrades,
    ...grpcOf(parts),
    secure: parts.fixed.listen.data.tls !== undefined,
    parseTarget,
    acceptHost: hostGate(settings),
    clientAddress: createAddressResolver({
      trustedProxies: settings.trustedProxies,
      headerKind: settings.forwardedHeader,
    }),
    environment: createEnvironmentGatherer({
      readPosture: createPostureReader({
        trustedProxies: settings.trustedProxies,
        header: settings.devicePosture.header,
        mtlsHops: settings.devicePosture.mtlsHops,
      }),
      readAssertion: assertionReader(settings, parts.postureVerifier),
      readCountry: countryReader(settings, parts.countries),
      postureAgeMaxMs: settings.devicePosture.maxAge,
    }),
    managedHeaders: managedHeaders(settings),
    ownDocument: ownDocuments(settings),
    challenge: challengeWriter(settings),
  })
}

function grpcOf({ fixed, calls }: RuntimeParts): Pick<Runtime, 'grpc'> {
  const { grpc } = fixed.listen
  return grpc === undefined ? {} : { grpc: { forwarder: calls, secure: grpc.tls !== undefined } }
}

/** Spellings of accepted hosts that are remembered; the answer depends on nothing else. */
const HOSTS_MAX = 256

/**
 * Exactly the hosts that lead somewhere (I5): those of `hosts` and of every upstream. An upstream
 * without a host is for all of them, so that any well-formed one is accepted unless `hosts` says
 * which.
 */
function hostGate(settings: Settings): (raw: string) => string | Refusal {
  const named = settings.upstreams.map(({ match }) => match.host)
  const isOpen = settings.hosts.length === 0 && named.includes(undefined)
  const known = [...settings.hosts, ...named].filter((host) => host !== undefined)
  const accepted = new Set(known.map((host) => host.toLowerCase()))
  const hosts = new Map<string, string>()
  return (raw) => {
    const host = hosts.get(raw)
    if (host !== undefined) return host
    const parsed = parseHost(raw)
    if (isRefusal(parsed)) return parsed
    if (!isOpen && !accepted.has(parsed.host)) return refuse('host_invalid')
    if (hosts.size >= HOSTS_MAX) hosts.clear()
    hosts.set(raw, parsed.host)
    return parsed.host
  }
}

function challengeWriter(settings: Settings): (refusal: Refusal) => string {
  const resource = publicUrl(settings)
  const write = createChallengeWriter({
    realm: 'modelgate',
    resourceMetadata: resource === undefined ? undefined : protectedResourceMetadataUrl(resource),
  })
  return (refusal) => write(refusal.challenge)
}
