/** Fetches small JSON documents from issuers: no redirects, bounded in bytes and in time. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP } from 'node:net'
import { GatewayError } from '../domain/errors.ts'

/** Bounds and trust of one fetch. */
export interface FetchJsonOptions {
  /** From the first byte sent to the last byte read. */
  readonly timeoutMs: number
  readonly bytesMax: number
  /** PEM certificates that replace the system's trust store. */
  readonly ca?: string | undefined
  /** Sent as `Authorization: Bearer`, for issuers that guard their keys (Kubernetes). */
  readonly bearer?: string | undefined
}

/** Resolves to parsed JSON, which is not trusted. @throws ERR_AUTHN_KEYS_UNAVAILABLE */
export type FetchJson = (url: string, options: FetchJsonOptions) => Promise<unknown>

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether `host` is a literal loopback address (127.0.0.0/8 or ::1, brackets allowed). */
export function isLoopbackAddress(host: string): boolean {
  const address = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const version = isIP(address)
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/**
 * The URL when keys may be fetched from it: https, or http to a loopback address (or `localhost`),
 * without credentials and fragment; otherwise `undefined`.
 */
export function keyUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || text.includes('#')) return undefined
  if (url.protocol === 'https:') return url
  const local = url.hostname === 'localhost' || isLoopbackAddress(url.hostname)
  return url.protocol === 'http:' && local ? url : undefined
}

/**
 * The {@link FetchJson} of the runtime. Anything but status 200 with an uncompressed JSON body
 * within the bounds is a failure: a redirect is one too, because keys have one address.
 */
export const fetchJson: FetchJson = async (text, options) => {
  const url = keyUrl(text)
  if (url === undefined) throw unavailable('keys may only be fetched over https')
  const body = await download(url, options)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch (cause) {
    throw unavailable(`${url.host} did not answer with JSON`, cause)
  }
}

function download(url: URL, options: FetchJsonOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = start(url, requestOptions(options))
    // One deadline over the whole exchange: an idle timeout alone lets a drip feed run forever.
    const deadline = setTimeout(() => {
      fail(unavailable(`${url.host} did not answer within ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    const fail = (error: GatewayError): void => {
      clearTimeout(deadline)
      outgoing.destroy()
      reject(error)
    }
    outgoing.on('error', (cause) => fail(unavailable(`${url.host} cannot be reached`, cause)))
    outgoing.on('response', (response) => {
      const problem = headProblem(response, options.bytesMax)
      if (problem !== undefined) {
        fail(unavailable(`${url.host} ${problem}`))
        return
      }
      collect(response, options.bytesMax).then(
        (body) => {
          clearTimeout(deadline)
          resolve(body)
        },
        (cause: unknown) => fail(unavailable(`${url.host} broke off or sent too much`, cause)),
      )
    })
    outgoing.end()
  })
}

function requestOptions(options: FetchJsonOptions): RequestOptions & { ca?: string } {
  const { ca, bearer } = options
  return {
    method: 'GET',
    // A new connection each time: a fetch every few minutes gains nothing from keeping one.
    agent: false,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(ca === undefined ? {} : { ca }),
  }
}

function headProblem(response: IncomingMessage, bytesMax: number): string | undefined {
  const coding = response.headers['content-encoding']
  if (response.statusCode !== 200) return `answered ${response.statusCode ?? 0}`
  if (coding !== undefined && coding !== 'identity') return 'answered with a content coding'
  if (Number(response.headers['content-length'] ?? 0) > bytesMax) return 'answered with too much'
  return undefined
}

async function collect(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw unavailable(`more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function unavailable(message: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', message, { cause })
}
