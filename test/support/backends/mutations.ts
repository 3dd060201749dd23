/** Ways in which a request can be made to say one thing to a gateway and another to a backend. */
import { gzipSync } from 'node:zlib'
import { headerValues, type RequestParts } from './request-text.ts'

/** Changes a request. `n` picks a place or a kind; `other` is a request of the same upstream. */
export type Mutation = (parts: RequestParts, n: number, other: RequestParts) => RequestParts

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'post', 'Get', 'TRACE']
const EVIL = 'crown-jewels'

function pick<T>(of: readonly T[], n: number): T {
  const found = of[n % of.length]
  if (found === undefined) throw new Error('nothing to pick from')
  return found
}

/** Changes the path alone. */
function onPath(change: (path: string, n: number, other: string) => string): Mutation {
  return (parts, n, other) => {
    const [path = '', ...query] = parts.target.split('?')
    const [otherPath = ''] = other.target.split('?')
    return { ...parts, target: [change(path, n, otherPath), ...query].join('?') }
  }
}

function at(path: string, n: number): number {
  return path.length < 2 ? 1 : 1 + (n % (path.length - 1))
}

function hex(code: number, n: number): string {
  const digits = code.toString(16).padStart(2, '0')
  return n % 2 === 0 ? `%${digits.toUpperCase()}` : `%${digits}`
}

function slashAt(path: string, n: number): number {
  const slashes = [...path.matchAll(/\//g)].map(({ index }) => index)
  return pick(slashes.length === 0 ? [0] : slashes, n)
}

const put = (path: string, index: number, text: string, cut = 0): string =>
  path.slice(0, index) + text + path.slice(index + cut)

const PATHS: Readonly<Record<string, Mutation>> = {
  'an encoded character': onPath((path, n) =>
    put(path, at(path, n), hex(path.charCodeAt(at(path, n)), n), 1),
  ),
  'a character encoded twice': onPath((path, n) =>
    put(path, at(path, n), `%25${path.charCodeAt(at(path, n)).toString(16)}`, 1),
  ),
  'an encoded slash': onPath((path, n) => put(path, slashAt(path, n), n % 3 ? '%2F' : '%2f', 1)),
  'two slashes': onPath((path, n) => put(path, slashAt(path, n), '/')),
  'a dot segment': onPath((path, n) => put(path, slashAt(path, n), '/.')),
  'a way up': onPath((path, n) =>
    put(path, slashAt(path, n), pick(['/x/..', '/x/%2e%2e', '/x/.%2E', '/..;'], n)),
  ),
  'a way to another route': onPath(
    (path, n, other) => `${path}${pick(['/..', '/%2e%2e', '/..%2f', '/.%2e'], n)}${other}`,
  ),
  'a slash at the end': onPath((path) => `${path}/`),
  'no slash at the end': onPath((path) => path.replace(/\/$/, '')),
  'a newline at the end': onPath(
    (path, n) => `${path}${pick(['%0A', '%0a', '%0D%0A', '%00', '%20', '%09'], n)}`,
  ),
  'a path parameter': onPath((path, n) =>
    put(path, slashAt(path, n), pick([';x=1', ';jsessionid=a', ';'], n)),
  ),
  'another case': onPath((path, n) => {
    const index = at(path, n)
    const one = path.charAt(index)
    return put(path, index, one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase(), 1)
  }),
  'all in capitals': onPath((path) => path.toUpperCase()),
  'a backslash': onPath((path, n) => put(path, slashAt(path, n), pick(['\\', '%5C', '%5c'], n), 1)),
  'a suffix': onPath(
    (path, n) => `${path}${pick(['.json', ':predict', ':export', '.', '~', '%3Apredict'], n)}`,
  ),
  'a fragment': onPath((path, n) => put(path, at(path, n), pick(['#', '%23', '?', '%3F'], n))),
  'a wide character': onPath((path, n) =>
    put(path, at(path, n), pick(['%EF%BC%8F', '%C0%AF', '%E2%80%A5', '%C2%85'], n)),
  ),
  'another route': (parts, _, other) => ({ ...parts, target: other.target }),
  'an absolute target': (parts, n) => ({
    ...parts,
    target: `${pick(['http://a.test', '//a.test', 'https://b'], n)}${parts.target}`,
  }),
}

const QUERIES: readonly string[] = [
  `model=${EVIL}`,
  `name=${EVIL}`,
  `run_id=${EVIL}`,
  `model=a&model=${EVIL}`,
  `name=a;name=${EVIL}`,
  `mod%65l=${EVIL}`,
  `Model=${EVIL}`,
  `runId=${EVIL}`,
  '_method=DELETE',
  '_method=GET',
  'action=save',
  'action=erase&action=save',
  'acl',
  'tagging&acl',
  'uploads',
  'service=git-receive-pack',
  'purpose=fine-tune',
  'versionId=7',
  `path=${EVIL}`,
  `model_name=${EVIL}`,
]

const addQuery: Mutation = (parts, n) => {
  const mark = parts.target.includes('?') ? '&' : '?'
  return { ...parts, target: `${parts.target}${mark}${pick(QUERIES, n)}` }
}

const firstQuery: Mutation = (parts, n) => {
  const [path = '', ...query] = parts.target.split('?')
  return { ...parts, target: `${path}?${[pick(QUERIES, n), ...query].join('&')}` }
}

const repeatQuery: Mutation = (parts) => {
  const [path = '', query = ''] = parts.target.split('?')
  const twins = query.split('&').map((one) => `${one}&${one.split('=')[0] ?? ''}=${EVIL}`)
  return { ...parts, target: `${path}?${twins.join('&')}` }
}

const HEADERS: readonly (readonly [string, string])[] = [
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-HTTP-Method', 'PUT'],
  ['X_HTTP_Method_Override', 'DELETE'],
  ['X-Original-URL', '/admin'],
  ['X-Rewrite-URL', '/admin'],
  ['X-Forwarded-Prefix', '/v2'],
  ['X-Forwarded-Host', 'evil.test'],
  ['X-Vertex-Ai-Triton-Redirect', `v2/repository/models/${EVIL}/load`],
  ['Seldon-Model', EVIL],
  ['X-Amzn-SageMaker-Target-Model', EVIL],
  ['X-Amzn-SageMaker-Inference-Component', EVIL],
  ['azureml-model-deployment', EVIL],
  ['serve_multiplexed_model_id', EVIL],
  ['X-Amz-Target', 'SageMaker.DeleteModel'],
  ['x-amz-copy-source', `/${EVIL}/weights`],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'x-gzip, identity'],
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'application/json; charset=utf-16'],
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['Content-Type', 'multipart/form-data; boundary=xx'],
  ['Range', 'bytes=4-'],
  ['Upgrade', 'h2c'],
  ['Upgrade', 'websocket'],
  ['Expect', '100-continue'],
  ['Transfer-Encoding', 'chunked'],
  ['Content-Length', '0'],
  ['Connection', 'close, x-modelgate-assertion'],
]

const addHeader: Mutation = (parts, n) => {
  const header = pick(HEADERS, n)
  const others = parts.headers.filter(([name]) => name.toLowerCase() !== header[0].toLowerCase())
  return { ...parts, headers: n % 5 === 0 ? [...parts.headers, header] : [...others, header] }
}

const otherMethod: Mutation = (parts, n) => ({ ...parts, method: pick(METHODS, n) })

/** Changes the text of a JSON body. */
function onJson(change: (text: string, n: number, name: string) => string | Buffer): Mutation {
  return (parts, n) => {
    const text = parts.body.toString('utf8')
    const names = [...text.matchAll(/"([A-Za-z_@-]+)":/g)].map(([, name = '']) => name)
    if (names.length === 0) return parts
    const changed = change(text, n, pick(names, n))
    return { ...parts, body: Buffer.isBuffer(changed) ? changed : Buffer.from(changed) }
  }
}

const front = (text: string, member: string): string => text.replace(/^\{/, `{${member},`)
const back = (text: string, member: string): string => text.replace(/\}$/, `,${member}}`)
const escaped = (name: string): string =>
  name.replace(/^./, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

const BODIES: Readonly<Record<string, Mutation>> = {
  'a member before': onJson((text, _, name) => front(text, `"${name}":"${EVIL}"`)),
  'a member behind': onJson((text, _, name) => back(text, `"${name}":"${EVIL}"`)),
  'an escaped twin': onJson((text, n, name) =>
    (n % 2 ? front : back)(text, `"${escaped(name)}":"${EVIL}"`),
  ),
  'a twin in capitals': onJson((text, n, name) =>
    (n % 2 ? front : back)(text, `"${name.toUpperCase()}":"${EVIL}"`),
  ),
  'a camel twin': onJson((text, n, name) =>
    (n % 2 ? front : back)(text, `"${camel(name)}":"${EVIL}"`),
  ),
  'a twin with NUL': onJson((text, _, name) => back(text, `"${name}\\u0000":"${EVIL}"`)),
  'a byte order mark': onJson((text) => `\ufeff${text}`),
  'UTF-16': onJson((text) => Buffer.from(text, 'utf16le')),
  'a string that holds it': onJson((text) => JSON.stringify(text)),
  'an array around it': onJson((text) => `[${text}]`),
  'two documents': onJson((text, n, name) => `${text}${n % 2 ? '\n' : ' '}{"${name}":"${EVIL}"}`),
  NaN: onJson((text) => back(text, '"temperature":NaN')),
  'a comment': onJson((text) => `/* */${text}`),
  'the member of a prototype': onJson((text, _, name) =>
    back(text, `"__proto__":{"${name}":"${EVIL}"}`),
  ),
  'an array for a value': onJson((text, _, name) =>
    text.replace(new RegExp(`"${name}":("[^"]*")`), `"${name}":["${EVIL}",$1]`),
  ),
  'null for a value': onJson((text, _, name) =>
    text.replace(new RegExp(`"${name}":"[^"]*"`), `"${name}":null`),
  ),
  'an empty value': onJson((text, _, name) =>
    text.replace(new RegExp(`"${name}":"[^"]*"`), `"${name}":""`),
  ),
  'an evil value': onJson((text, _, name) =>
    text.replace(new RegExp(`"${name}":"[^"]*"`), `"${name}":"${EVIL}"`),
  ),
  gzip: (parts) => ({
    ...parts,
    headers: [...parts.headers, ['Content-Encoding', 'gzip']],
    body: gzipSync(parts.body),
  }),
  'a body': (parts, n) => ({
    ...parts,
    headers: [
      ...parts.headers.filter(([name]) => name !== 'Content-Type'),
      ['Content-Type', 'application/json'],
    ],
    body: Buffer.from(
      JSON.stringify({ [pick(['model', 'name', 'run_id', 'path', 'operation'], n)]: EVIL }),
    ),
  }),
  'no body': (parts) => ({ ...parts, body: Buffer.alloc(0) }),
  'another body': (parts, _, other) => ({ ...parts, body: other.body }),
  'a part more': (parts, n) => {
    const boundary = /boundary=(\S+)/.exec(headerValues(parts, 'content-type')[0] ?? '')?.[1]
    if (boundary === undefined) return parts
    const name = pick(['model', 'purpose', 'model"; x="', 'Model'], n)
    const part = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${EVIL}\r\n`
    const text = parts.body.toString('latin1')
    const body = n % 2 ? part + text : text.replace(`--${boundary}--`, `${part}--${boundary}--`)
    return { ...parts, body: Buffer.from(body, 'latin1') }
  },
}

/** All of them, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...PATHS,
  ...BODIES,
  'another parameter': addQuery,
  'a parameter before': firstQuery,
  'parameters twice': repeatQuery,
  'another header': addHeader,
  'another method': otherMethod,
}
