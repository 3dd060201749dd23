/**
 * How the servers behind the gateway read a request target and a body, each as its own code does and
 * not as the gateway does: what they decode, merge, cut off, compare without regard to case; which
 * of two parameters or members counts. Where one of them answers with a redirect to a cleaned path,
 * it is taken to serve it, which is the worse for the gateway.
 */

/** One family of servers. */
export interface Dialect {
  /** Percent-decodes the path before it is cut into segments. */
  readonly decodesFirst?: boolean
  /** Percent-decodes each segment after it was cut out. */
  readonly decodesSegments?: boolean
  readonly decodesTwice?: boolean
  readonly mergesSlashes?: boolean
  readonly resolvesDots?: boolean
  readonly cutsPathParameters?: boolean
  readonly dropsTrailingSlash?: boolean
  readonly matchesTrailingNewline?: boolean
  readonly ignoresCase?: boolean
  readonly backslashIsSlash?: boolean
  readonly semicolonSeparates?: boolean
  /** Which of two query parameters or members of an object counts. */
  readonly query: 'first' | 'last'
  readonly member: 'first' | 'last'
  readonly membersIgnoreCase?: boolean
  /** Takes `runId` for `run_id`. */
  readonly membersFold?: boolean
  readonly readsBodyOfGet?: boolean
  readonly takesUtf16?: boolean
  readonly inflates?: boolean
  readonly overridesMethod?: boolean
}

const starlette: Dialect = {
  decodesFirst: true,
  matchesTrailingNewline: true,
  dropsTrailingSlash: true,
  query: 'last',
  member: 'last',
  takesUtf16: true,
  readsBodyOfGet: true,
}
const werkzeug: Dialect = {
  decodesFirst: true,
  mergesSlashes: true,
  dropsTrailingSlash: true,
  query: 'first',
  member: 'last',
  membersFold: true,
  takesUtf16: true,
  readsBodyOfGet: true,
}
const gin: Dialect = {
  decodesFirst: true,
  dropsTrailingSlash: true,
  query: 'first',
  member: 'last',
  membersIgnoreCase: true,
  readsBodyOfGet: true,
}
const goMux: Dialect = {
  decodesFirst: true,
  mergesSlashes: true,
  resolvesDots: true,
  query: 'first',
  member: 'last',
  membersIgnoreCase: true,
}
const evhtp: Dialect = { query: 'first', member: 'first', inflates: true }
const libevent: Dialect = {
  decodesSegments: true,
  ignoresCase: true,
  query: 'first',
  member: 'last',
  inflates: true,
}
const netty: Dialect = {
  decodesFirst: true,
  dropsTrailingSlash: true,
  query: 'first',
  member: 'last',
}
const httplib: Dialect = { decodesFirst: true, query: 'last', member: 'last', readsBodyOfGet: true }
const axum: Dialect = { decodesSegments: true, query: 'last', member: 'last' }
const aiohttp: Dialect = { decodesSegments: true, query: 'first', member: 'last' }
/** Frameworks behind cloud services, of which nobody has read the source: the worst of each. */
const servlet: Dialect = {
  decodesFirst: true,
  cutsPathParameters: true,
  dropsTrailingSlash: true,
  resolvesDots: true,
  query: 'first',
  member: 'last',
  membersFold: true,
  overridesMethod: true,
}
const cloud: Dialect = {
  decodesSegments: true,
  query: 'first',
  member: 'last',
  membersFold: true,
  overridesMethod: true,
}
const iis: Dialect = {
  decodesFirst: true,
  ignoresCase: true,
  backslashIsSlash: true,
  mergesSlashes: true,
  dropsTrailingSlash: true,
  resolvesDots: true,
  query: 'first',
  member: 'last',
  membersIgnoreCase: true,
}
const objectStore: Dialect = { decodesSegments: true, query: 'first', member: 'last' }

/** The servers that speak what a route pack describes; those without an entry read as `cloud`. */
const BY_PACK: Readonly<Record<string, readonly Dialect[]>> = {
  vllm: [starlette],
  sglang: [starlette],
  kserve: [starlette],
  mlserver: [starlette],
  bentoml: [starlette],
  feast: [starlette],
  tgi: [axum],
  tei: [axum],
  llamacpp: [httplib],
  'llamacpp-python': [starlette],
  ollama: [gin],
  'ollama-registry': [goMux],
  triton: [evhtp],
  tfserving: [libevent],
  torchserve: [netty],
  seldon: [goMux, servlet],
  mlflow: [werkzeug, starlette],
  'mlflow-deployments': [starlette],
  'ray-dashboard': [aiohttp],
  'bentoml-cloud': [cloud, servlet],
  'mlflow-pyfunc': [werkzeug, starlette],
  ray: [aiohttp, starlette],
  oci: [goMux],
  kubeflow: [goMux],
  azureml: [iis],
  // Names that hold a slash are one segment there: nothing can be decoded before it is cut.
  huggingface: [cloud],
  'bedrock-runtime': [cloud],
  'bedrock-api': [cloud],
  s3: [objectStore],
}

/** Every way in which what stands behind a pack may read a request. */
export function dialectsOf(pack: string): readonly Dialect[] {
  return BY_PACK[pack] ?? [cloud, servlet]
}
