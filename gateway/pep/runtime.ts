import type { AccessReplica } from '../access/replica.ts'
import type { LivingRegistrations } from '../access/versions/living.ts'
import type { UnwrittenVersions } from '../access/versions/unwritten.ts'
import type { ClientAddress, Environment } from '../domain/access.ts'
import type { Budgets } from '../domain/budget.ts'
import type { Clock } from '../domain/clock.ts'
import type {
  AssertionSigner,
  Authenticator,
  CallForwarder,
  DecisionPoint,
  Forwarder,
  GrantCatalog,
  Ledger,
  ResourceCatalog,
  UpgradeForwarder,
} from '../domain/ports.ts'
import type { HeaderBag, RequestTarget } from '../domain/request.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import type { Subject } from '../domain/subject.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { DataTokens } from '../egress/tokens/data-tokens.ts'
import type { ExtractionDetector } from '../detect/detector.ts'
import type { AccessView } from '../access/view.ts'
import type { Lockouts } from './watching/lockouts.ts'
import type { Answer } from './result.ts'
import type { TrainingRules } from './training/terms.ts'
import type { UpstreamTable } from './upstream-table.ts'

/** Bounds of one request. */
export interface RequestLimits {
  readonly headerCountMax: number
  /** Largest request body in bytes; `undefined` streams any size. */
  readonly bodyBytesMax: number | undefined
  /** Most bytes of a body that are held to be read. */
  readonly peekBytesMax: number
  /** Longest wait for the next bytes of a request body, milliseconds. */
  readonly bodyIdleTimeoutMs: number
  readonly concurrentRequestsMax: number
}

/** The policy in force: swapped whole, never changed in place (I28). */
export interface PolicySnapshot {
  readonly decisionPoint: DecisionPoint
  readonly resources: ResourceCatalog
  /** Everything that a subject holds by this policy: its id, groups, roles, and roles by way of these. */
  readonly holdingsOf: (subject: Subject) => ReadonlySet<string>
  /** Names in a subject's token by which it comes to a rule as written; absent where nobody asks. */
  readonly usersOf?: (subject: Subject, rule: string) => readonly string[]
  /** What was granted; absent where nothing is. */
  readonly grants?: GrantCatalog
}

/**
 * Everything a request needs, as one immutable snapshot. A reload builds a new one and swaps the
 * reference; requests in flight keep the one they arrived under.
 */
export interface Runtime {
  readonly limits: RequestLimits
  readonly upstreams: UpstreamTable
  readonly policy: PolicySnapshot
  /** What read, infer and data:read do when the ledger cannot be written (design §8). */
  readonly recordWhenFull: 'refuse' | 'continue'
  /**
   * What read, infer and data:read do when locks, grants and reviews cannot be kept fresh
   * (design §4); everything privileged is refused then.
   */
  readonly whenStale: 'refuse' | 'continue'
  /** Whether the data listener speaks TLS. */
  readonly secure: boolean
  /** What is said of trainings. */
  readonly training: TrainingRules
  /** `sha256:<hex>` of the effective configuration. */
  readonly configRevision: string
  readonly authenticator: Authenticator
  parseTarget(raw: string): RequestTarget | Refusal
  /** Lower-case host of a Host header when well formed and accepted here. */
  acceptHost(raw: string): string | Refusal
  clientAddress(peer: string, headers: HeaderBag): ClientAddress | Refusal
  environment(input: EnvironmentInput): Environment | Refusal | Promise<Environment | Refusal>
  /** Lower-case names of the fields that `environment` reads: they go to no upstream (I3). */
  readonly managedHeaders: ReadonlySet<string>
  /** The documents the gateway publishes on the data listener, by exact target (RFC 9728 §3). */
  ownDocument(target: RequestTarget): Answer | undefined
  /** The challenge of a 401 (RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1). */
  challenge(refusal: Refusal): string
  readonly forwarder: Forwarder
  readonly upgrades: UpgradeForwarder
  /** Present when there is a gRPC listener. */
  readonly grpc?: {
    readonly forwarder: CallForwarder
    /** Whether its listener speaks TLS. */
    readonly secure: boolean
  }
  readonly assertions: AssertionSigner
  /** Tokens in the place of data; absent where no key is configured. */
  readonly dataTokens?: DataTokens
}

/** What the environment is gathered from. */
export interface EnvironmentInput {
  readonly now: number
  readonly peer: string
  readonly client: ClientAddress
  readonly headers: HeaderBag
  readonly subject: Subject
  /** Names in the client certificate of the TCP peer, when it proved one: `URI:…`, `DNS:…`. */
  readonly peerNames: readonly string[]
}

/** What outlives a reload. */
export interface Services {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly metrics: Metrics
  readonly log: Logger
  /** What replicas share. Nothing on the hot path waits for it. */
  readonly state: SharedStore
  /** The journal that this process works with. */
  readonly replica: AccessReplica
  /** Versions that the journal has yet to be told of. */
  readonly unwritten?: Pick<UnwrittenVersions, 'hold'>
  /** Registrations that are sent on, until it is known what came of them. */
  readonly registrations: Pick<LivingRegistrations, 'began' | 'left' | 'ended'>
  /** Counts what callers use, from memory. */
  readonly budgets: Budgets
  /** Locks, grants and reviews of the journal, from memory. */
  readonly access: AccessView
  /** Who is kept out, from memory. */
  readonly lockouts: Lockouts
  /** Counts what looks like taking a model apart. */
  readonly extraction: ExtractionDetector
}
