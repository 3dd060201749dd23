import type { RegistrationReader, TrainingRoute } from './training.ts'
import type { Operation } from './vocabulary.ts'
import type { BodyWatch, ListingShape, MessageWatch } from './watch.ts'

/** Methods the gateway knows (I22); every other is refused at admit. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** One of {@link METHODS}. */
export type Method = (typeof METHODS)[number]

/**
 * The one request target (I1): router, policy, audit, metrics and the bytes sent upstream all come
 * from this object. Built only by `parseRequestTarget`.
 */
export interface RequestTarget {
  /** The path exactly as received, which is known to be canonical; starts with `/`. */
  readonly path: string
  /** The query exactly as received, without `?`; `undefined` when there is no `?`. */
  readonly query: string | undefined
  /**
   * Path segments after the first `/`, percent-decoded once, none `.` or `..`. A last `''` says that the path ends in `/` (`/` alone is `['']`).
   */
  readonly segments: readonly string[]
  /**
   * Which of `/ \ ; : # ?` the segments hold percent-encoded; `''` in almost every request. Only an
   * upstream that takes them so is sent such a target: the classifier refuses it for every other.
   */
  readonly encoded: string
  /** Whether there are empty segments before the last: the same holds for them. */
  readonly emptySegments: boolean
}

/** Header fields as received, lower-case names, in order; the only form headers travel in. */
export interface HeaderBag {
  /** The single value, or `undefined` when absent. Names repeated in the request were refused. */
  get(name: string): string | undefined
  /** Name, value, name, value … in received order, lower-case names. */
  readonly pairs: readonly string[]
}

/** What a request came as: HTTP/1.1, or a gRPC call over HTTP/2. */
export type Transport = 'http' | 'grpc'

/** How a request body is framed. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }

/** Shapes of refusals: RFC 9457, and what clients of some systems parse instead. */
export const ERROR_SHAPES = ['problem', 'openai', 's3', 'oci'] as const

/** One of {@link ERROR_SHAPES}. */
export type ErrorShape = (typeof ERROR_SHAPES)[number]

/** What a request really does, as its route pack says. */
export interface Classification {
  /** Pack name: bounded, for labels. */
  readonly pack: string
  /** Route id within the pack, `POST /v2/models/{model}/infer`: bounded, for labels and records. */
  readonly route: string
  /** One or more; every one must be permitted. The first is the primary one. */
  readonly operations: readonly [Operation, ...Operation[]]
  /** Whether the route may become a WebSocket. */
  readonly upgrade: boolean
  /** Shape of refusals on this route. */
  readonly errorShape: ErrorShape
  /** Media types it answers with besides JSON and text, `image/*` or exact; absent: the action tells. */
  readonly answers?: readonly string[]
  /** Present when the answer lists models, of which the caller gets those it may read. */
  readonly listing?: readonly ListingShape[]
  /** What it is to trainings; absent for routes of which that is unknown. */
  readonly training?: TrainingRoute
  /** Present when it registers a version of the model it is on. */
  readonly registers?: RegistrationReader
  /** Present when more of the body decides than was peeked at. Belongs to this request alone. */
  readonly watch?: BodyWatch
  /** Present when the messages of a WebSocket decide. Belongs to this request alone. */
  readonly frames?: MessageWatch
}
