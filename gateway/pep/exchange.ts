import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type {
  ClientAddress,
  DecidedOperation,
  Decision,
  Environment,
  Grant,
} from '../domain/access.ts'
import type { BudgetName, OpenBudget } from '../domain/budget.ts'
import { GatewayError } from '../domain/errors.ts'
import type { ChangingTreatment } from '../domain/data-classes.ts'
import type { ExtractionWatch } from '../detect/subject-window.ts'
import type { IncidentKind } from '../domain/incidents.ts'
import type { AnswerJudge, TunnelMeter, ForwardOutcome, ResponseGuard } from '../domain/ports.ts'
import type {
  BodyFraming,
  Classification,
  HeaderBag,
  Method,
  RequestTarget,
} from '../domain/request.ts'
import type { Stage } from '../domain/reasons.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'
import type { PeekableBody } from './body.ts'
import type { ClassesTaken } from './classes/class-duties.ts'
import type { GrantWatch, Transfer } from './exports/in-progress.ts'
import type { PolicySnapshot, Runtime } from './runtime.ts'
import type { OpenRegistration, OpenTraining } from './training/open-training.ts'
import type { UpstreamRoute } from './upstream-table.ts'

/** What admit established: one meaning for every part of the request. */
export interface AdmittedRequest {
  readonly method: Method
  readonly target: RequestTarget
  /** Lower-case host without port. */
  readonly host: string
  readonly headers: HeaderBag
  readonly framing: BodyFraming
  readonly client: ClientAddress
  /** The caller's request id when well formed, else ours. */
  readonly requestId: string
  /** The upstream this host and path belong to, with the target as that upstream sees it. */
  readonly route: UpstreamRoute | undefined
  readonly body: PeekableBody
}

/** Duties on an answer that were taken up before it began. */
export interface AnswerLimits {
  /** Most body bytes. */
  readonly bytesMax: number | undefined
  /** JSON fields that do not leave. */
  readonly redact: ReadonlySet<string>
  /** Tagged fields that are treated. */
  readonly classes?: ClassesTaken
}

/** The raw socket of a request that asks to become a WebSocket. */
export interface UpgradeSocket {
  readonly socket: Duplex
  /** First bytes after the head. */
  readonly head: Buffer
}

/**
 * One request on its way through the stages. Each stage writes what it established and reads what
 * the stages before it wrote; reading something not yet established is a programmer's error and
 * fails the request closed. The runtime is the snapshot taken on arrival; the policy is taken when
 * the request is about to be decided, so that a slow body cannot hold on to a revoked rule.
 */
export type Exchange = HttpExchange | CallExchange

/** A request over HTTP/1.1. */
export interface HttpExchange extends ExchangeState {
  readonly transport: 'http'
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly upgrade: UpgradeSocket | undefined
  /** The client waits for `100 Continue` before it sends its body. */
  awaitsContinue: boolean
}

/** A gRPC call over HTTP/2. */
export interface CallExchange extends ExchangeState {
  readonly transport: 'grpc'
  /** Pseudo-fields and fields as received: name, value, name, value … */
  readonly fields: readonly string[]
  readonly stream: ServerHttp2Stream
  readonly peer: CallPeer
  readonly upgrade: undefined
  /** Monotonic milliseconds at which the client's time for this call is over (`grpc-timeout`). */
  deadlineMs?: number
}

/** Who is at the other end of a connection of the gRPC listener. */
export interface CallPeer {
  readonly address: string
  /** Names in its client certificate, when it proved one: `URI:…`, `DNS:…`. */
  readonly names: readonly string[]
}

/** What every exchange has. */
interface ExchangeState {
  /** Names this decision in the answer, the ledger and the log. */
  readonly id: string
  readonly runtime: Runtime
  /** The runtime in force now: a body may have been waited for since arrival. */
  readonly latest: () => Runtime
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number
  /** The stage at work, for records and metrics of a refusal or failure. */
  stage: Stage
  admitted?: AdmittedRequest
  subject?: Subject
  classification?: Classification
  /** The policy in force when the environment was gathered: what this request is decided under. */
  policy?: PolicySnapshot
  environment?: Environment
  /** The grant that the request makes use of. */
  grant?: Grant
  /** Why a grant that the caller holds does not fit: a sentence for the caller. */
  grantHint?: string
  grantWatch?: GrantWatch
  /** The answer as it is metered, where it is an export or uses a grant up. */
  transfer?: Transfer
  /** What is known of the training that it begins. */
  training?: OpenTraining
  /** The registration that it asks for, until it is known what came of it. */
  registration?: OpenRegistration
  decisions?: readonly DecidedOperation[]
  /** The same as if the shadow rules were enforced too; never acted on. */
  shadow?: readonly DecidedOperation[]
  /** Milliseconds the decision took. */
  decisionMs?: number
  /** Whether the decision record is in the ledger. */
  recorded: boolean
  /** The body as limits leave it, when they changed it: what goes upstream in its place. */
  limitedBody?: Buffer
  guard?: ResponseGuard
  /** Judges what the upstream says on a WebSocket, where its caller may not export. */
  answers?: AnswerJudge
  /** The trailers of a gRPC call that may leave, or a refusal in their place; pairs. */
  trailers?: (received: readonly string[]) => readonly string[] | Refusal
  /** Count what leaves on a WebSocket, where the guard sees nothing. */
  meters?: TunnelMeter[]
  /** What is counted of it, from its permit to its end. */
  budget?: OpenBudget
  /** What its answer turned out to have used. */
  use?: { charge(): void }
  /** The budget that it was refused or cut for. */
  exhausted?: BudgetName
  /** What the answer is limited to. */
  answerLimits?: AnswerLimits
  /** How many values of tokens were given to the caller. */
  revealed?: number
  /** Values of the answer that were treated, by treatment. */
  treated?: Map<ChangingTreatment, number>
  /** Elements of lists in the answer that the caller got, and that were left out. */
  listing?: { readonly listed: number; readonly hidden: number }
  /** What the guard found, when it cut the response. */
  incident?: Refusal
  /** The decision whose incident, or the lock that, ended what was under way. */
  lockedBy?: string
  /** How old what is known of locks and grants was, where that is too old to be relied on. */
  staleMs?: number
  /** What it was taken for, and how many body bytes had left before. */
  finding?: { readonly found: string; readonly bytesBefore: number }
  /** What its requests are watched for. */
  watches?: readonly ExtractionWatch[]
  /** Incidents raised, and until when each keeps the subject out, if it does. */
  raised?: Map<IncidentKind, number | undefined>
  /** Milliseconds spent before the upstream was asked. */
  overheadMs?: number
  /** Status of the upstream and the milliseconds until its head came. */
  upstreamHead?: { readonly status: number; readonly durationMs: number }
  outcome?: ForwardOutcome
  /** The policy under which it was last found permitted while it was forwarded. */
  standing?: PolicySnapshot
  /** What it was found permitted by then, where that is not what was decided at first. */
  standsBy?: readonly DecidedOperation[]
  /** The decision that ended it while it was forwarded. */
  revoked?: Decision | undefined
  /** Ends it from outside, once it is being forwarded; does nothing when it is over. */
  cut?: (refusal: Refusal) => void
}

/** The value a stage before this one must have established. @throws ERR_INTERNAL */
export function established<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new GatewayError('ERR_INTERNAL', `${name} is not established yet`)
  return value
}
