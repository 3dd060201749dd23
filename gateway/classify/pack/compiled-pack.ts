/** What a loaded route pack looks like to the classifier: everything worked out that can be. */
import type { Classification, Method, Transport } from '../../domain/request.ts'
import type { Action, ResourceKind } from '../../domain/vocabulary.ts'
import type { FieldTree } from '../body/body-fields.ts'
import type { ProtoTree } from '../grpc/proto-tree.ts'
import type { ListingShape } from '../../domain/watch.ts'
import type { TrainingRoute } from '../../domain/training.ts'
import type { CompiledRegistration } from './registration.ts'
import type { NameForm } from '../name-forms.ts'
import type { Matcher } from './matcher.ts'

/** Shape of refusals. */
export type ErrorShape = Classification['errorShape']

/** Where a value is read; `path` by index of the captures, which are joined by `/`. */
export type Origin =
  | { readonly kind: 'path'; readonly captures: readonly number[] }
  | { readonly kind: 'query' | 'body' | 'header' | 'form' | 'proto'; readonly name: string }
  /** The name of the upstream. */
  | { readonly kind: 'upstream' }

/** Where a name is read, and how it is written there. */
export interface NameSource {
  readonly origin: Origin
  readonly form: NameForm
  /** Put before the name with a `/`. */
  readonly under?: string | undefined
}

/** Which resources are named, and where. */
export interface NamedResource {
  readonly resource: ResourceKind
  readonly names: readonly NameSource[]
  readonly versions: readonly NameSource[]
  readonly required: 'any' | 'all'
  readonly combine: 'agree' | 'each'
}

/** What is done to another model than that of the row. */
export interface CompiledEffect extends NamedResource {
  readonly action: Action
}

/** A test on one value of the request; several values mean any of them. */
export type Test =
  | { readonly kind: 'in'; readonly values: readonly string[] }
  | { readonly kind: 'prefix'; readonly values: readonly string[] }
  | { readonly kind: 'suffix'; readonly values: readonly string[] }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' }

/** A condition of a row. */
export interface Predicate {
  readonly origin: Origin
  readonly test: Test
}

/** One meaning of a method and path. */
export interface CompiledRow extends NamedResource {
  readonly routeId: string
  readonly when: readonly Predicate[]
  /** The first is the primary one; all on each named resource. */
  readonly actions: readonly [Action, ...Action[]]
  /** Further actions on the upstream itself. */
  readonly serverActions: readonly Action[]
  /** On other models that the request names. */
  readonly effects: readonly CompiledEffect[]
  readonly upgrade: boolean
  readonly errorShape: ErrorShape
  readonly refused: boolean
  /** Whether somebody has seen in the source of the upstream what the route does. */
  readonly verified: boolean
  /** Media types of answers besides JSON and text. */
  readonly answers: readonly string[] | undefined
  readonly listing: readonly ListingShape[] | undefined
  readonly frames: CompiledFrames | undefined
  /** What it is to trainings; absent where nobody has said. */
  readonly training: TrainingRoute | undefined
  readonly registers: CompiledRegistration | undefined
  /** Fields of the body that these two read. */
  readonly trainingPaths: readonly string[]
  /** Parameters of the query that name what it registers. */
  readonly registeredQuery: readonly string[]
}

/** What the messages of a WebSocket do. */
export interface CompiledFrames {
  readonly action: Action
  readonly tree: FieldTree
  readonly paths: readonly string[]
  readonly form: NameForm
  /** Whether the connection has its model already: the request names it, or an id stands for it. */
  readonly isNamed: boolean
}

/** The rows that can hold, by the value of one field, when many rows ask for it first. */
export interface RowIndex {
  readonly origin: Origin
  readonly byValue: ReadonlyMap<string, readonly CompiledRow[]>
  /** Those for every other value, and for none. */
  readonly others: readonly CompiledRow[]
}

/** How the body of a route is read, if it is. */
export type BodyKind = 'none' | 'json' | 'ndjson' | 'multipart' | 'form' | 'proto' | 'any'

/** The messages of a gRPC method. */
export interface CompiledMessages {
  /** The fields that decide; absent when none does. */
  readonly tree: ProtoTree | undefined
  /** Whether a client may send several. */
  readonly clientStreams: boolean
}

/** The rows of one method and path, and what must be read before they can be told apart. */
export interface MethodGroup {
  readonly rows: readonly CompiledRow[]
  readonly index: RowIndex | undefined
  /** The only row, when it holds whatever a request says: found without looking at the others. */
  readonly soleRow?: CompiledRow | undefined
  readonly body: BodyKind
  /** Exact names of query parameters by folded name; those that the body names included. */
  readonly queryNames: ReadonlyMap<string, string>
  /** Names that may not be in the query, because the body says them. */
  readonly bodyOnlyNames: readonly string[]
  readonly bodyTree: FieldTree | undefined
  readonly formNames: ReadonlyMap<string, string>
  /** How the messages of a gRPC method are read; absent for HTTP. */
  readonly messages: CompiledMessages | undefined
  readonly headerNames: ReadonlySet<string>
  /** Captures in which nothing of what the upstream takes encoded may stand. */
  readonly plainCaptures: readonly number[]
}

/** The methods of one path shape. */
export interface CompiledPath {
  /** Any one of `methods`, which most paths have one of: found without looking into the map. */
  readonly firstMethod: Method | undefined
  readonly firstGroup: MethodGroup | undefined
  readonly methods: ReadonlyMap<Method, MethodGroup>
  /** For `Allow`. */
  readonly allow: readonly Method[]
}

/** One route for listings and generated documentation. */
export interface RouteSummary {
  readonly method: Method
  readonly path: string
  readonly transport: Transport
  readonly row: CompiledRow
}

/** A content coding of a request body (RFC 9110 §8.4.1). */
export type RequestCoding = 'gzip' | 'deflate' | 'zstd'

/** A route pack, merged, checked and ready. */
export interface CompiledPack {
  readonly name: string
  readonly title: string
  /** Of the upstream, when its routes were read. */
  readonly versionRead: string
  readonly errorShape: ErrorShape
  /** When false the upstream matches raw bytes, and any `%` in a path is refused. */
  readonly decodesPath: boolean
  readonly ignoresContentType: boolean
  /** Which of `/ \\ ; : # ?` it takes percent-encoded within a segment. */
  readonly encodable: string
  readonly emptySegments: boolean
  /** Content codings of request bodies that it undoes. */
  readonly requestCodings: readonly RequestCoding[]
  /** The only query parameters it is sent, by their decoded names; `undefined` when any. */
  readonly knowsQuery: ((name: string) => boolean) | undefined
  /** Query parameters of which a request may have one, by folded name. */
  readonly exclusiveQuery: ReadonlyMap<string, string>
  /** Whether `:` in the last segment begins a verb, and is no part of a name. */
  readonly verbs: boolean
  readonly matcher: Matcher<CompiledPath>
  /** gRPC methods by path. */
  readonly calls: ReadonlyMap<string, MethodGroup>
  readonly routes: readonly RouteSummary[]
}
