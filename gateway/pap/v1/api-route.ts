/** The routes of the control API as data: what is served, documented and tested is one table. */
import type { Command, Declined } from '../../access/command.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { AccessState } from '../../access/state.ts'
import type {
  ApiAnswer,
  ApiAnswerName,
  ApiBody,
  ApiBodyName,
  ApiQuery,
  ApiQueryName,
} from '../../settings/schemas/api.ts'
import type { Problem } from '../problem.ts'
import type { ApiArea } from './api-areas.ts'
import type { ApiCaller } from './api-caller.ts'
import type { ApiParts } from './api-parts.ts'

/** What a route that only reads works with: nothing here can change anything (threats §2.H 286). */
export interface ReadContext<Q extends ApiQueryName = ApiQueryName> {
  readonly caller: ApiCaller
  /** Of the path, decoded: 1 to 512 characters, no control characters. */
  readonly params: Readonly<Record<string, string>>
  readonly query: ApiQuery<Q>
  readonly state: AccessState
  /** The store's time, as far as it is known here. */
  readonly now: number
  readonly replica: Pick<AccessReplica, 'fresh' | 'stalenessMs' | 'replicas'>
  readonly parts: ApiParts
  /** The part of `entries` that was asked for; each is known by `idOf`, in whose order they come. */
  readonly page: <T>(entries: Iterable<T>, idOf: (entry: T) => string) => Paged<T>
}

/** Part of a list, or why there is none. */
export type Paged<T> = { readonly entries: readonly T[]; readonly next?: string } | Problem

/** What a route that changes something works with besides. */
export interface ChangeContext<B extends ApiBodyName = ApiBodyName> extends Omit<
  ReadContext<'none'>,
  'state' | 'page'
> {
  readonly body: ApiBody<B>
  /**
   * Runs `command` as this call: repeated with its Idempotency-Key it is answered alike, and with
   * If-Match only when `change.document` still is what the caller saw. What it comes to is the id of
   * what it made or changed; the answer is built from the state that follows.
   */
  readonly change: (command: Command<{ readonly id: string }>, change: Change) => Promise<ApiResult>
}

/** Why the caller may neither be told of `id` nor do anything about it; `undefined` when they may. */
export type ChangeRefusal = (state: AccessState, id: string, now: number) => Declined | undefined

/** How a change is answered. */
export interface Change {
  /**
   * Asked before everything else, on the state that is decided on: of what is to be changed, and of
   * what a repeated call did once. Absent where whoever may call may see all there is.
   */
  readonly refusal?: ChangeRefusal
  /** What the caller sees of `id`; `undefined` when there is no such thing. */
  readonly document: (state: AccessState, id: string, now: number) => object | undefined
  /** 200 when absent. */
  readonly status?: 200 | 201 | 202
  /** Path of what was made. */
  readonly location?: (id: string) => string
}

/** What a route comes to. A document is answered with its ETag. */
export type ApiResult =
  | { readonly document: object; readonly status?: 200 | 201 | 202; readonly location?: string }
  | { readonly text: string; readonly type: string; readonly status?: 200 }
  | { readonly problem: Problem }
  | Declined

interface RouteBase {
  /** `/v1/…`, with `{name}` for one segment. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly area: ApiArea
  /** What the rules must permit on `server:gate:<area>`. */
  readonly action: 'read' | 'admin'
  /** A document, or a text of this media type. */
  readonly answer: ApiAnswerName | { readonly text: string }
}

/** One route. */
export type ApiRoute = ReadRoute | ChangeRoute

/** What the description says of a route. */
export type DescribedRoute = RouteBase &
  (
    | { readonly method: 'GET'; readonly query: ApiQueryName }
    | {
        readonly method: 'POST' | 'PUT'
        readonly body: ApiBodyName
        readonly status?: 200 | 201 | 202
      }
  ) & {
    /** Knows neither keys of calls nor ETags: what it is about is not in the journal. */
    readonly isPlain?: true
  }

/** A route of GET and HEAD. */
export interface ReadRoute extends RouteBase {
  readonly method: 'GET'
  readonly query: ApiQueryName
  readonly run: (context: ReadContext) => ApiResult | Promise<ApiResult>
}

/** A route of POST or PUT. */
export interface ChangeRoute extends RouteBase {
  readonly method: 'POST' | 'PUT'
  readonly body: ApiBodyName
  /** What is answered when it is done; 200 when absent. */
  readonly status?: 200 | 201 | 202
  readonly run: (context: ChangeContext) => Promise<ApiResult>
}

/** A {@link ReadRoute} whose `run` takes the parameters that `query` names. */
export function readRoute<Q extends ApiQueryName>(
  route: Omit<ReadRoute, 'method' | 'query' | 'run'> & {
    readonly query: Q
    readonly run: (context: ReadContext<Q>) => ApiResult | Promise<ApiResult>
  },
): ReadRoute {
  // Parameters are read by the schema of this name before the route runs.
  return { ...route, method: 'GET', run: route.run }
}

/** A {@link ChangeRoute} whose `run` takes the body that `body` names. */
export function changeRoute<B extends ApiBodyName>(
  route: Omit<ChangeRoute, 'body' | 'run'> & {
    readonly body: B
    readonly run: (context: ChangeContext<B>) => Promise<ApiResult>
  },
): ChangeRoute {
  // The body is read by the schema of this name before the route runs.
  return { ...route, run: route.run }
}

/** `document`, which is of the kind that the route's `answer` names. */
export function answered<N extends ApiAnswerName>(
  _name: N,
  document: ApiAnswer<N>,
): { readonly document: object } {
  return { document }
}
