/** `upstreams[]` of config/gateway.yaml: what stands behind the gateway. */
import { z } from 'zod'
import {
  count,
  durationBetween,
  filePath,
  headerName,
  hostName,
  isLoopbackHost,
  isReservedHeader,
  parseWebUrl,
  shortName,
  webUrl,
} from './fields.ts'

const pathPrefix = z
  .string()
  .max(1024)
  .regex(
    /^(?:\/[A-Za-z0-9._~-]+)+$/,
    'expected a path such as /mlflow: segments of letters, digits and . _ ~ -, no slash at the end',
  )
  .refine(
    (path) => path.split('/').every((segment) => segment !== '.' && segment !== '..'),
    'expected a path without . and .. segments',
  )

const match = z
  .strictObject({
    host: hostName.optional().describe('Host name (without port) whose requests go here.'),
    path_prefix: pathPrefix
      .optional()
      .describe('Path whose requests go here, compared by whole segments.'),
  })
  .prefault({})
  .describe('Which requests go here; the most specific match wins, none matches everything.')

const credential = z.strictObject({
  header: headerName
    .refine(
      (name) => !isReservedHeader(name),
      'this header belongs to the protocol or to the gateway',
    )
    .prefault('authorization')
    .describe('Header in which the upstream expects its credential.'),
  scheme: z
    .string()
    .regex(/^[A-Za-z0-9-]{0,32}$/, 'expected a scheme such as Bearer, or "" for the bare value')
    .prefault('Bearer')
    .describe('Word before the value; "" for the bare value.'),
  value_file: filePath.describe('File with the secret; re-read when it changes.'),
})

const tls = z.strictObject({
  ca_file: filePath.optional().describe('PEM file with the CAs to verify the upstream with.'),
  cert_file: filePath.optional().describe('PEM file with the client certificate chain.'),
  key_file: filePath.optional().describe('PEM file with the key of the client certificate.'),
  server_name: hostName.optional().describe('Name to verify instead of the host of the url.'),
})

const timeouts = z
  .strictObject({
    connect: durationBetween('50ms', '5m').prefault('5s').describe('Time to connect, with TLS.'),
    headers: durationBetween('50ms', '1d').prefault('60s').describe('Time to the response head.'),
    idle: durationBetween('50ms', '1d')
      .prefault('5m')
      .describe('Longest pause of the upstream within a response body.'),
  })
  .prefault({})
  .describe('How long the upstream is waited for.')

const shape = z.strictObject({
  name: shortName.describe('Short name: server:<name> in rules, a label in metrics.'),
  url: webUrl.describe('Origin of the upstream, optionally with a base path.'),
  pack: shortName.describe('Route pack that says what its routes do, such as vllm or mlflow.'),
  protocol: z
    .enum(['http', 'grpc'])
    .prefault('http')
    .describe(
      'http: reached from the data listener. grpc: from the gRPC listener alone, and spoken to over ' +
        'HTTP/2 (http:// with prior knowledge, https:// with ALPN h2).',
    ),
  match,
  strip_prefix: z
    .boolean()
    .prefault(false)
    .describe('Whether match.path_prefix is removed before forwarding.'),
  credential: credential.optional().describe('Credential the gateway presents to the upstream.'),
  assertion: z
    .boolean()
    .prefault(true)
    .describe('Whether the upstream is told who calls (X-Modelgate-Assertion).'),
  websocket: z.boolean().prefault(false).describe('Whether routes may become a WebSocket.'),
  tls: tls.optional().describe('How an https upstream is verified and spoken to.'),
  connections: count(1, 10_000)
    .prefault(64)
    .describe('Connections open to the upstream for ordinary actions.'),
  privileged_connections: count(1, 1_000)
    .prefault(4)
    .describe('Connections open to the upstream for privileged actions, in a pool of their own.'),
  timeouts,
  queue: count(0, 1_000_000)
    .prefault(1024)
    .describe('Requests that wait for a connection; more are refused with 503.'),
})

/** One upstream, its keys checked against each other. */
export const upstream = shape.superRefine((value, context) => {
  const issue = (path: string[], message: string): void => {
    context.addIssue({ code: 'custom', path, message })
  }
  const url = parseWebUrl(value.url)
  if (url === undefined) return
  if (value.strip_prefix && value.match.path_prefix === undefined) {
    issue(['strip_prefix'], 'strip_prefix needs match.path_prefix; there is nothing to remove')
  }
  if (value.tls !== undefined && url.protocol !== 'https:') {
    issue(['tls'], 'tls is for https upstreams; change the url to https:// or remove tls')
  }
  if (value.protocol === 'grpc') {
    for (const { path, message } of callFaults(value, url)) issue(path, message)
  }
  const { cert_file: cert, key_file: key } = value.tls ?? {}
  if ((cert === undefined) !== (key === undefined)) {
    issue(['tls'], 'cert_file and key_file go together; write both or none')
  }
})

/** What a gRPC upstream cannot have: the path of a call is the name of its method. */
function callFaults(
  { strip_prefix: strips, websocket }: z.output<typeof shape>,
  { pathname }: URL,
): { readonly path: string[]; readonly message: string }[] {
  const faults = [
    { is: pathname !== '/', key: 'url', message: 'a gRPC upstream has no base path; remove it' },
    { is: strips, key: 'strip_prefix', message: 'the path of a gRPC call cannot be changed' },
    { is: websocket, key: 'websocket', message: 'a gRPC upstream has no WebSockets; remove it' },
  ]
  return faults.flatMap(({ is, key, message }) => (is ? [{ path: [key], message }] : []))
}

/** Whether requests to `url` cross a network in the clear. */
export function isPlainRemote(url: string): boolean {
  const parsed = parseWebUrl(url)
  return parsed?.protocol === 'http:' && !isLoopbackHost(parsed.hostname)
}

/** How many upstreams are accepted; the number bounds metric labels. */
export const UPSTREAMS_MAX = 256

/** `upstreams`. */
export const upstreams = z
  .array(upstream)
  .min(1, 'expected at least one upstream; there is nothing to stand in front of')
  .max(UPSTREAMS_MAX)
  .describe('The model servers and registries behind the gateway.')
