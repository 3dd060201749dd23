/**
 * Request headers by which a client could make an upstream do something else than the request line
 * says. The admit stage asks {@link headerDisposition} for every header; the classifier refuses
 * the ones that select a model unless the route authorises by them.
 */

/**
 * `refuse`: the request is refused (`header_invalid`), because dropping the header would change
 * what the client meant. `strip`: removed, never consulted: set by proxies in good faith. `select`:
 * names a model; only a route that lists the header as a source takes it. `pass`: none of these.
 */
export type HeaderDisposition = 'refuse' | 'strip' | 'select' | 'pass'

/** Lower-case names, `_` written as `-`, and what becomes of a request that carries them. */
export const FORBIDDEN_REQUEST_HEADERS: ReadonlyMap<string, HeaderDisposition> = new Map([
  // Method overrides: the method that was judged must be the method that is executed (I22).
  ['x-http-method-override', 'refuse'],
  ['x-http-method', 'refuse'],
  ['x-method-override', 'refuse'],
  // Rewrites of the target that some frameworks obey (Symfony, IIS, Zend).
  ['x-original-url', 'refuse'],
  ['x-rewrite-url', 'refuse'],
  // Set by proxies to tell what they received; never consulted here.
  ['x-original-uri', 'strip'],
  ['x-original-method', 'strip'],
  ['x-forwarded-uri', 'strip'],
  ['x-forwarded-path', 'strip'],
  ['x-forwarded-prefix', 'strip'],
  ['x-forwarded-method', 'strip'],
  ['x-replaced-path', 'strip'],
  ['x-envoy-original-path', 'strip'],
  ['x-envoy-original-method', 'strip'],
  ['x-accel-redirect', 'strip'],
  ['x-sendfile', 'strip'],
  // Selection of a model, a variant or another endpoint, past the path and the body.
  ['x-vertex-ai-triton-redirect', 'select'],
  ['seldon-model', 'select'],
  // Set by Seldon's own mesh; an agent behind it takes the model from here.
  ['seldon-internal-model', 'select'],
  ['x-amzn-sagemaker-target-model', 'select'],
  ['x-amzn-sagemaker-target-variant', 'select'],
  ['x-amzn-sagemaker-target-container-hostname', 'select'],
  ['x-amzn-sagemaker-inference-component', 'select'],
  ['x-amzn-sagemaker-adapter-identifier', 'select'],
  ['x-amzn-sagemaker-adapter-alias', 'select'],
  ['azureml-model-deployment', 'select'],
  ['serve-multiplexed-model-id', 'select'],
  ['multiplexed-model-id', 'select'],
  ['x-mlflow-workspace', 'select'],
  ['x-api-base', 'select'],
  // ModelMesh takes the model from these, and not from the message or the path.
  ['mm-model-id', 'select'],
  ['mm-model-id-bin', 'select'],
  ['mm-vmodel-id', 'select'],
  ['mm-vmodel-id-bin', 'select'],
  // Object stores: the header makes a copy or a publication of what would be an upload.
  ['x-amz-copy-source', 'select'],
  ['x-amz-rename-source', 'select'],
  ['x-amz-acl', 'select'],
  ['x-amz-bypass-governance-retention', 'select'],
  // An upload that is unpacked over keys which it does not name.
  ['x-amz-meta-snowball-auto-extract', 'select'],
])

// MinIO: reads within an archive, deletes by prefix, writes as a replica.
const SELECTING_PREFIXES = ['x-tensorzero-', 'x-portkey-', 'x-amz-grant-', 'x-minio-'] as const

/**
 * What becomes of a request header.
 *
 * @param name lower case. `_` counts as `-`, since CGI-style servers do not tell them apart.
 */
export function headerDisposition(name: string): HeaderDisposition {
  const folded = name.includes('_') ? name.replaceAll('_', '-') : name
  const known = FORBIDDEN_REQUEST_HEADERS.get(folded)
  if (known !== undefined) return known
  if (!folded.startsWith('x-')) return 'pass'
  return SELECTING_PREFIXES.some((prefix) => folded.startsWith(prefix)) ? 'select' : 'pass'
}

/** Whether a header overrides the method or the target. @param name lower case */
export function isRewriteHeader(name: string): boolean {
  const disposition = headerDisposition(name)
  return disposition === 'refuse' || disposition === 'strip'
}

/** Whether the admit stage refuses a request that carries this header. @param name lower case */
export function isRefusedRequestHeader(name: string): boolean {
  return headerDisposition(name) === 'refuse'
}
