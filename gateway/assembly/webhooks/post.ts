/** One POST to somebody outside: to an address that was looked at, no redirects, bounded. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

/** Where to and how. */
export interface PostOptions {
  readonly url: URL
  /** Whether a connection to this address may be made. */
  readonly mayReach: (address: string) => boolean
  readonly timeoutMs: number
  /** PEM; the system's certificates when absent. */
  readonly ca?: string | undefined
  /** Resolves names; that of the system when absent. */
  readonly lookup?: typeof systemLookup
}

/** What came of it; a status of 0: nothing was answered, `why` is a code. */
export interface PostAnswer {
  readonly status: number
  readonly why: string
  readonly retryAfterMs: number
}

/** Nobody needs to read more of an answer than its status. */
const ANSWER_BYTES_MAX = 64 * 1024
/** Answers of names with more addresses are cut. */
const ADDRESSES_MAX = 16

/** Posts `body`. Never rejects. Plain http goes to this machine alone. */
export function post(
  options: PostOptions,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<PostAnswer> {
  const { url, mayReach, timeoutMs, ca } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // An address is connected to without being looked up, so that the check below would not see it.
  if (isIP(host) !== 0 && !mayReach(host)) return Promise.resolve(nothing('address-refused'))
  const start = url.protocol === 'https:' ? tlsRequest : plainRequest
  const bytes = Buffer.from(body)
  return new Promise((resolve) => {
    const outgoing = start(url, {
      method: 'POST',
      agent: false,
      lookup: checkedLookup(mayReach, options.lookup ?? systemLookup),
      headers: { ...headers, 'content-length': bytes.length, 'user-agent': 'modelgate' },
      ...(ca === undefined ? {} : { ca }),
    })
    const late = setTimeout(() => settle(nothing('timeout')), timeoutMs)
    const settle = (answer: PostAnswer): void => {
      clearTimeout(late)
      outgoing.destroy()
      resolve(answer)
    }
    outgoing.on('error', (error: NodeJS.ErrnoException) => settle(nothing(codeOf(error))))
    outgoing.on('response', (response) => {
      const status = response.statusCode ?? 0
      const seconds = /^\d{1,6}$/.exec(response.headers['retry-after'] ?? '')?.[0] ?? '0'
      const answer = { status, why: `http-${status}`, retryAfterMs: Number(seconds) * 1_000 }
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > ANSWER_BYTES_MAX) settle(answer)
      })
      response.on('end', () => settle(answer))
      response.on('error', () => settle(nothing('answer-cut')))
    })
    outgoing.end(bytes)
  })
}

/**
 * Looks up and leaves out what may not be reached; the connection is made to what is left, so that a
 * name cannot mean another address a moment later.
 */
function checkedLookup(
  mayReach: PostOptions['mayReach'],
  lookup: typeof systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses: readonly LookupAddress[] = error === null ? found : []
      const open = addresses.filter(({ address }) => mayReach(address)).slice(0, ADDRESSES_MAX)
      const [first] = open
      if (first === undefined) {
        const refused = Object.assign(new Error('no address'), { code: 'address-refused' })
        callback(error ?? refused, '', 0)
      } else if (options.all === true) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }
}

function nothing(why: string): PostAnswer {
  return { status: 0, why, retryAfterMs: 0 }
}

/** Codes of the system alone: messages may name addresses. */
function codeOf({ code }: NodeJS.ErrnoException): string {
  return typeof code === 'string' && /^[A-Za-z_-]{1,64}$/.test(code) ? code : 'failed'
}
