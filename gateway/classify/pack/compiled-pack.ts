/** What a loaded route pack looks like to the classifier: everything worked out that can be. */
import type { Method } from '../../domain/request.ts'
import type { Action, ResourceKind } from '../../domain/vocabulary.ts'
import type { FieldTree } from '../body/body-fields.ts'
import type { Matcher } from './matcher.ts'

/** Shape of refusals. */
export type ErrorShape = 'problem' | 'openai'

/** Where a value is read; `path` by index of the capture. */
export type Origin =
  | { readonly kind: 'path'; readonly capture: number }
  | { readonly kind: 'query' | 'body' | 'header' | 'form'; readonly name: string }
  /** The name of the upstream. */
  | { readonly kind: 'upstream' }

/** A test on one value of the request; several values mean any of them. */
export type Test =
  | { readonly kind: 'in'; readonly values: readonly string[] }
  | { readonly kind: 'prefix'; readonly values: readonly string[] }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }

/** A condition of a row. */
export interface Predicate {
  readonly origin: Origin
  readonly test: Test
}

/** One meaning of a method and path. */
export interface CompiledRow {
  readonly routeId: string
  readonly when: readonly Predicate[]
  /** The first is the primary one; all on each named resource. */
  readonly actions: readonly [Action, ...Action[]]
  /** Further actions on the upstream itself. */
  readonly serverActions: readonly Action[]
  readonly resource: ResourceKind
  readonly names: readonly Origin[]
  readonly versions: readonly Origin[]
  readonly required: 'any' | 'all'
  readonly combine: 'agree' | 'each'
  readonly upgrade: boolean
  readonly errorShape: ErrorShape
  readonly refused: boolean
}

/** The rows of one method and path, and what must be read before they can be told apart. */
export interface MethodGroup {
  readonly rows: readonly CompiledRow[]
  readonly body: 'none' | 'json' | 'multipart' | 'any'
  /** Exact names of query parameters by folded name; those that the body names included. */
  readonly queryNames: ReadonlyMap<string, string>
  /** Names that may not be in the query, because the body says them. */
  readonly bodyOnlyNames: readonly string[]
  readonly bodyTree: FieldTree | undefined
  readonly formNames: ReadonlyMap<string, string>
  readonly headerNames: ReadonlySet<string>
}

/** The methods of one path shape. */
export interface CompiledPath {
  readonly methods: ReadonlyMap<Method, MethodGroup>
  /** For `Allow`. */
  readonly allow: readonly Method[]
}

/** One route for listings and generated documentation. */
export interface RouteSummary {
  readonly method: Method
  readonly path: string
  readonly row: CompiledRow
}

/** A route pack, merged, checked and ready. */
export interface CompiledPack {
  readonly name: string
  readonly title: string
  readonly errorShape: ErrorShape
  /** When false the upstream matches raw bytes, and any `%` in a path is refused. */
  readonly decodesPath: boolean
  readonly ignoresContentType: boolean
  readonly matcher: Matcher<CompiledPath>
  readonly routes: readonly RouteSummary[]
}
