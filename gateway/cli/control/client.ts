/** Calls the control API of a running gateway, as the person whose token is given. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadConfig } from '../../assembly/load-config.ts'
import { isLoopbackAddress } from '../../authn/http-fetch.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import { configFile, findingsOf, printDiagnostics, textOption } from '../report.ts'
import type { OptionValues, VerbOption } from '../verb.ts'
import { isDocument, type Document } from './document.ts'
import { refusalText, strangeAnswerText, type OptionFor } from './failure-text.ts'
import { httpCall, type HttpAnswer } from './http-call.ts'

/** Options of every verb that calls the control API. */
export const CONTROL_OPTIONS = {
  url: {
    type: 'string',
    value: 'URL',
    help: 'control listener (default MODELGATE_CONTROL_URL, else that of the configuration)',
  },
  'token-file': {
    type: 'string',
    value: 'FILE',
    help: 'your token for the control audience (default MODELGATE_TOKEN_FILE; - is standard input)',
  },
} as const satisfies Record<string, VerbOption>

/** One call. */
export interface ControlCall {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** With its query: `/v1/locks?limit=200`. */
  readonly path: string
  readonly body?: object
  /** Whether a text is answered, and no document; it is then under `text`. */
  readonly asText?: boolean
  /** The version of what is changed, as it was shown. */
  readonly ifMatch?: string
}

/** What a call was answered with. */
export interface ControlAnswer {
  readonly document: Document
  readonly etag?: string
}

/** Calls the API. @throws ERR_USAGE ERR_INTERNAL with what was refused and why, for people */
export type CallControl = (call: ControlCall) => Promise<ControlAnswer>

/** Finds out where to call, and as whom. @throws ERR_USAGE ERR_CONFIG_INVALID */
export async function controlClient(
  options: OptionValues,
  io: CliIo,
  optionFor?: OptionFor,
): Promise<CallControl> {
  const base = checkedBase(await baseUrl(options, io))
  const token = await tokenOf(options, io)
  return async (call) => {
    const { status, text, etag } = await send(base, token, call)
    const document = documentFrom(text)
    if (status < 200 || status >= 300) {
      throw new GatewayError('ERR_INTERNAL', refusalText(status, document, optionFor))
    }
    const answered = call.asText === true ? { text } : document
    if (answered === undefined) {
      throw new GatewayError('ERR_INTERNAL', strangeAnswerText(base.origin))
    }
    return { document: answered, ...(etag === undefined ? {} : { etag }) }
  }
}

async function baseUrl(options: OptionValues, io: CliIo): Promise<string> {
  const given = textOption(options, 'url') ?? io.env['MODELGATE_CONTROL_URL']
  if (given !== undefined && given !== '') return given
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    const why = 'no control listener is known; use --url URL or MODELGATE_CONTROL_URL'
    throw new GatewayError('ERR_CONFIG_INVALID', why)
  }
  const { host, port } = config.value.listen.control
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** A token in the clear is everyone's on the way (CWE-319). */
function checkedBase(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain =
    url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (url === undefined || !isPlain || !/^https?:$/.test(url.protocol)) {
    throw new GatewayError('ERR_USAGE', '--url takes https://host:port, or http:// on this machine')
  }
  const isLocal = url.hostname === 'localhost' || isLoopbackAddress(url.hostname)
  if (url.protocol === 'http:' && !isLocal) {
    throw new GatewayError('ERR_USAGE', 'a token goes to another machine over https:// only')
  }
  return url
}

async function tokenOf(options: OptionValues, io: CliIo): Promise<string> {
  const file = textOption(options, 'token-file') ?? io.env['MODELGATE_TOKEN_FILE']
  const text =
    file === undefined || file === '' ? io.env['MODELGATE_TOKEN'] : await readToken(file, io)
  const token = text?.trim() ?? ''
  if (/^[\w.~+/-]+=*$/.test(token)) return token
  const where = file === undefined || file === '' ? 'MODELGATE_TOKEN' : `the file ${file}`
  throw new GatewayError(
    'ERR_USAGE',
    `${token === '' ? 'no token' : `what is in ${where} is no token`}: write one for the control ` +
      'audience to a file and name it with --token-file FILE or MODELGATE_TOKEN_FILE',
  )
}

async function readToken(file: string, io: CliIo): Promise<string> {
  try {
    if (file !== '-') return await readFile(resolve(io.cwd, file), 'utf8')
    const chunks: Uint8Array[] = []
    for await (const chunk of io.stdin ?? []) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('ERR_USAGE', `the token cannot be read: ${why}`, { cause })
  }
}

function send(base: URL, token: string, call: ControlCall): Promise<HttpAnswer> {
  const { method, path, body, ifMatch } = call
  const url = new URL(base)
  const at = path.indexOf('?')
  url.pathname = `${base.pathname.replace(/\/$/, '')}${at < 0 ? path : path.slice(0, at)}`
  url.search = at < 0 ? '' : path.slice(at)
  const headers: Record<string, string> = { authorization: `Bearer ${token}` }
  if (method === 'POST') headers['idempotency-key'] = randomUUID()
  if (ifMatch !== undefined) headers['if-match'] = ifMatch
  if (body === undefined) return httpCall(url, { method, headers })
  const text = JSON.stringify(body)
  headers['content-type'] = 'application/json'
  headers['content-length'] = String(Buffer.byteLength(text))
  return httpCall(url, { method, headers, body: text })
}

function documentFrom(text: string): Document | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isDocument(value) ? value : undefined
  } catch {
    return undefined
  }
}
