/**
 * Interfaces that one room needs from another. Leaf rooms are strangers: they meet only here and
 * are introduced by the composition root.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import type { AccessRequest, Decision, Grant, ResourceAttributes } from './access.ts'
import type { Classification, HeaderBag, Method, RequestTarget, Transport } from './request.ts'
import type { Reason } from './reasons.ts'
import type { Refusal } from './refusal.ts'
import type { Operation, Resource } from './vocabulary.ts'
import type { Subject } from './subject.ts'

/** Verifies credentials. Never throws: a failure of its dependencies is a refusal too. */
export interface Authenticator {
  /**
   * Turns the value of the one `Authorization` header into a subject. Synchronous when the token
   * was verified before and is still good, so that the hot path does not wait.
   */
  authenticate(authorization: string | undefined): Subject | Refusal | Promise<Subject | Refusal>
}

/** Decides. Pure, synchronous, never throws: an exception inside is `indeterminate`. */
export interface DecisionPoint {
  /** `sha256:<hex>` over the rule files. */
  readonly revision: string
  decide(request: AccessRequest): Decision
  /**
   * As `decide`, as if the shadow rules of the revision were enforced too. Absent when it has none.
   * Never enforced: what it says is recorded and counted.
   */
  readonly decideShadow?: (request: AccessRequest) => Decision
}

/** Knows the attributes of resources. */
export interface ResourceCatalog {
  attributesOf(resource: Resource): ResourceAttributes | undefined
}

/** A request that may make use of a grant. */
export interface GrantAsk {
  readonly subject: Subject
  readonly operations: readonly Operation[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The id of the one that the caller wants to make use of; any that fits when absent. */
  readonly named?: string | undefined
  /** Canonical text of the client's address; unknown when absent. */
  readonly client?: string | undefined
  /** Id of the device, where its posture is known. */
  readonly device?: string | undefined
  /** Why the grant of that id is of no use to this subject: a sentence for the caller. */
  readonly withheld?: (id: string) => string | undefined
}

/** The answer to a {@link GrantAsk}. */
export interface GrantFound {
  /** Of several that fit, the one that ends first. */
  readonly grant?: Grant
  /** Why one that the caller holds does not fit: a sentence for the caller. */
  readonly hint?: string
}

/** Knows the grants that were given; asks nobody. */
export interface GrantCatalog {
  find(ask: GrantAsk): GrantFound
}

/** What the classifier looks at. */
export interface ClassifiableRequest {
  readonly transport: Transport
  readonly method: Method
  readonly target: RequestTarget
  readonly headers: HeaderBag
  /** Whether the request asks to become a WebSocket. */
  readonly upgrade: boolean
  readonly hasBody: boolean
  /**
   * Reads at most `bytesMax` of the body without consuming it: the same bytes go on. Resolves to
   * the bytes and whether they are the whole body. Bounded in time by the request timeout.
   */
  peekBody(
    bytesMax: number,
  ): Promise<{ readonly bytes: Buffer; readonly complete: boolean } | Refusal>
}

/** Works out what a request really does, by the route pack of its upstream. */
export interface Classifier {
  classify(
    request: ClassifiableRequest,
  ): Classification | Refusal | Promise<Classification | Refusal>
}

/** Pools are separate per privilege class, so that one class cannot poison another (I15). */
export type PrivilegeClass = 'ordinary' | 'privileged'

/** A permitted request, ready to leave. Headers are already cleaned and carry our identity. */
export interface OutboundRequest {
  readonly upstream: string
  readonly privilege: PrivilegeClass
  readonly method: Method
  /** Origin-form target, canonical. */
  readonly path: string
  /** Name, value, name, value …; no hop-by-hop, no Host (the upstream's own is set). */
  readonly headers: string[]
  /** The body, or `null`; a stream is read with back-pressure; a buffer is the whole body. */
  readonly body: Readable | Buffer | null
  /** Declared length of the body when known. */
  readonly contentLength: number | undefined
}

/** The head of an upstream response: final status, and name, value, name, value … */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly string[]
}

/**
 * Judges one response as it streams (stage 9). Called in order: `head` once, `chunk` per chunk
 * before it leaves, `end` once. A refusal cuts the stream.
 */
export interface ResponseGuard {
  /** The head to send to the client, or a refusal sent in its place. */
  head(head: ResponseHead): ResponseHead | Refusal
  /**
   * `hold`: not enough bytes to judge yet. Held chunks leave, or not, with the next verdict; the
   * forwarder holds at most 4 KiB. A buffer leaves instead of the chunk; an empty one is nothing
   * for now. Whoever gives buffers takes the length out of the head.
   */
  chunk(chunk: Buffer): Refusal | 'hold' | Buffer | undefined
  /** A buffer leaves last. */
  end(): Refusal | Buffer | undefined
  /**
   * Asked after every chunk that may leave: a promise when no more can be judged before it settles,
   * and the upstream is read no further until then. It never rejects; whatever it waited for, the
   * next `chunk` tells.
   */
  ready?(): Promise<void> | undefined
  /**
   * Whether bytes that were judged are kept until {@link ResponseGuard.ready}: `chunk` is then asked
   * for them with an empty buffer, and `end` once more when it was asked before.
   */
  keeps?(): boolean
}

/** How an exchange with the upstream ended. */
export interface ForwardOutcome {
  /** Status sent to the client, or 0 when none was. */
  readonly status: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly endedBy: 'upstream' | 'client' | 'gateway'
  /** Set when it did not end well. */
  readonly reason?: Reason
  /** Set where it is certain that no byte of the request was sent. */
  readonly isUnsent?: true
  /** Of a gRPC call: the status its trailers gave. */
  readonly grpcStatus?: number
}

/** Where a forwarded response goes. */
export interface ForwardClient {
  readonly response: ServerResponse
  readonly guard: ResponseGuard
  /** The answer is read to its end though the client has left: for at most so long, so many bytes. */
  readonly readsOn?: { readonly ms: number; readonly bytes: number }
  /** Called once when the upstream's final status is known, before anything is sent. */
  onHead?(status: number): void
  /**
   * Hands out, before the request leaves, the function that ends this exchange from outside (a
   * lock, an expired token or grant). Calling it when the exchange is over does nothing.
   */
  onCuttable?(cut: (refusal: Refusal) => void): void
}

/** Carries permitted requests to upstreams, streaming both ways with back-pressure. */
export interface Forwarder {
  /**
   * Resolves when the exchange is over. A refusal means that nothing was sent to the client and the
   * caller must answer; an outcome means that the response was begun and how it ended.
   */
  forward(request: OutboundRequest, client: ForwardClient): Promise<ForwardOutcome | Refusal>
}

/** Judges the messages of a client before any byte of them goes upstream. */
export interface MessageJudge {
  /** Longest message, bytes: a longer one ends the connection. */
  readonly bytesMax: number
  /** A whole message, masking undone; a text is valid UTF-8. A refusal ends the connection. */
  judge(
    kind: 'text' | 'binary',
    payload: Buffer,
  ): Refusal | undefined | Promise<Refusal | undefined>
}

/** The client's side of a gRPC call. */
export interface CallClient {
  readonly stream: ServerHttp2Stream
  readonly guard: ResponseGuard
  /** The trailers of the answer that may leave, or a refusal in their place; pairs. */
  trailers(received: readonly string[]): readonly string[] | Refusal
  /** The trailers that say why a call that has begun to be answered ends; pairs. */
  refusalTrailers(refusal: Refusal): readonly string[]
  /** As in {@link ForwardClient}. */
  onHead?(status: number): void
  /** As in {@link ForwardClient}; a call that has begun to be answered ends with trailers. */
  onCuttable?(cut: (refusal: Refusal) => void): void
}

/** Carries permitted gRPC calls over HTTP/2, streaming both ways with flow control. */
export interface CallForwarder {
  /** As {@link Forwarder.forward}. */
  call(request: OutboundRequest, client: CallClient): Promise<ForwardOutcome | Refusal>
}

/** Judges what an upstream says on a WebSocket before it leaves. Called in order, never after a refusal. */
export interface AnswerJudge {
  /** The fields of the 101 that may leave, or a refusal sent in its place. */
  head(head: ResponseHead): ResponseHead | Refusal
  /** A message begins; `control`: a ping, pong or close, which may come between two pieces. */
  begin(kind: AnswerKind): void
  /**
   * Payload of the message of this kind that was begun last. `hold`: not enough to judge yet; what
   * is held, at most 4 KiB, leaves or not with the next verdict on this message.
   */
  piece(kind: AnswerKind, bytes: Buffer): Refusal | 'hold' | undefined
  /** The message of this kind is whole; what was held of it leaves. */
  end(kind: AnswerKind): Refusal | undefined
}

/** What frames of an upstream carry. */
export type AnswerKind = 'text' | 'binary' | 'control'

/** Counts the bytes of one answer as they leave: on a WebSocket, with the headers of its frames. */
export interface ByteMeter {
  /** Asked before so many bytes leave; they stay, and the answer ends, on a refusal. */
  take(bytes: number): Refusal | undefined
  /** As {@link ResponseGuard.ready}; what it waited for, the next `take` tells. */
  ready?(): Promise<void> | undefined
  /** Told once that the answer is over, by whoever made it. */
  close?(): void
}

/** As {@link ByteMeter}, for one that may not know yet, and that reads what leaves. */
export interface TunnelMeter extends Pick<ByteMeter, 'ready' | 'close'> {
  /** `bytes` are those of `pieces`. On `wait` the same is asked again once `ready` has settled. */
  take(bytes: number, pieces: readonly Buffer[]): Refusal | 'wait' | undefined
}

/** The client's side of a WebSocket upgrade. */
export interface UpgradeClient {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Bytes that followed the request head. */
  readonly head: Buffer
  /** Present when messages decide: each is assembled and judged; else frames pass as they come. */
  readonly messages?: MessageJudge
  /** Present when what the upstream says is judged; else its frames pass as they come. */
  readonly answers?: AnswerJudge
  /** Asked for everything that leaves towards the client, in this order, behind the judge. */
  readonly meters?: readonly TunnelMeter[]
  /** Called for every relayed piece, before it leaves. */
  onBytes?(direction: 'to-upstream' | 'to-client', count: number): void
  /** As in {@link ForwardClient}; an open tunnel is closed with 1008, or 1001 when draining. */
  onCuttable?(cut: (refusal: Refusal) => void): void
}

/** Carries permitted WebSocket upgrades (RFC 6455 §4). Resolves when both sides are closed. */
export interface UpgradeForwarder {
  upgrade(request: OutboundRequest, client: UpgradeClient): Promise<ForwardOutcome | Refusal>
}

/** Writes hash-linked records. @throws ERR_AUDIT_UNAVAILABLE */
export interface Ledger {
  /**
   * Appends one record. `disk`: resolves after `fdatasync`. `kernel`: resolves once the bytes have
   * been handed to the operating system. Rejects when neither can be had; nothing may then be
   * forwarded.
   */
  append(record: LedgerRecord, durability: 'kernel' | 'disk'): Promise<void>
  /** Whether the last write succeeded; when false, new requests are refused before any work. */
  readonly healthy: boolean
}

/** Values a record may hold; keys keep their insertion order. */
export type LedgerValue =
  | string
  | number
  | boolean
  | null
  | readonly LedgerValue[]
  | { readonly [key: string]: LedgerValue | undefined }

/** The type of a record and its fields; the ledger adds `v`, `log`, `seq`, `ts`, `boot`, `prev`. */
export interface LedgerRecord {
  readonly type: string
  readonly fields: Readonly<Record<string, LedgerValue | undefined>>
}

/** Mints the signed identity assertion for upstreams (`X-Modelgate-Assertion`). */
export interface AssertionSigner {
  /** A compact JWS for `subject`, audience `upstream`, alive for at most 30 s. */
  assert(subject: Subject, upstream: string, claims: AssertionClaims): string | Promise<string>
  /** The public keys, as a JWK set (RFC 7517). */
  jwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

/** What the assertion says besides the subject. */
export interface AssertionClaims {
  readonly decisionId: string
  readonly action: string
  readonly resource: string
}
