/**
 * Values that several operator files share: names, paths, hosts, URLs, CIDRs, bounded durations
 * and sizes. Each refuses with a sentence that says what was expected.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { byteSize, duration } from '../units.ts'

/** A short name that becomes a metric label and part of record fields: bounded and plain. */
export const shortName = z
  .string()
  .regex(
    /^[a-z0-9-]{1,32}$/,
    'expected a name of 1 to 32 lower-case letters, digits and hyphens, such as llm-eu',
  )
  .refine((name) => name !== 'none' && name !== 'unknown', 'this name is taken by metric labels')

/** A path to a file or directory; relative ones are from the directory of the config file. */
export const filePath = z
  .string()
  .min(1, 'expected a path, not an empty text')
  .max(4096)
  .refine((path) => !path.includes('\0'), 'expected a path without NUL characters')

/** A TCP port; 0 asks the system for a free one. */
export const port = z.int().min(0).max(65_535)

/** A count within bounds. */
export function count(min: number, max: number): z.ZodInt {
  return z.int().min(min).max(max)
}

/** A {@link duration} within bounds that are written the same way, both included. */
export function durationBetween(min: string, max: string): typeof duration {
  const [low, high] = [duration.parse(min), duration.parse(max)]
  return duration.refine((ms) => ms >= low && ms <= high, `expected between ${min} and ${max}`)
}

/** A {@link byteSize} within bounds that are written the same way, both included. */
export function sizeBetween(min: string, max: string): typeof byteSize {
  const [low, high] = [byteSize.parse(min), byteSize.parse(max)]
  return byteSize.refine(
    (size) => size >= low && size <= high,
    `expected between ${min} and ${max}`,
  )
}

/** A header name in lower case (RFC 9110 §5.1). */
export const headerName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'expected a header name of lower-case letters, digits and hyphens')

/** Headers that are the gateway's own or the protocol's; operators cannot give them a meaning. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** Whether `name` belongs to HTTP framing, to forwarding or to the gateway itself. */
export function isReservedHeader(name: string): boolean {
  const own = name.startsWith('x-modelgate-') || name.startsWith('x-forwarded-')
  return own || RESERVED_HEADERS.has(name)
}

const HOST =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** A host name or address in lower case, without port; IPv6 in brackets. No wildcards (I19). */
export const hostName = z
  .string()
  .max(253)
  .refine(
    (host) => (host.startsWith('[') ? isIP(host.slice(1, -1)) === 6 : HOST.test(host)),
    'expected one host name in lower case without port or wildcard, such as llm.example.com',
  )

/** Whether `host` (as `URL.hostname` writes it) is this machine itself. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** Parses an absolute http(s) URL with nothing an origin must not carry; `undefined` when not one. */
export function parseWebUrl(text: string): URL | undefined {
  // The WHATWG parser repairs backslashes, tabs and spaces; an operator means none of them.
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/.test(text)) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  // An @ would carry user info, which belongs in a secret file.
  return /[?#@]/.test(text) ? undefined : url
}

/** An http(s) URL without user info, query and fragment. */
export const webUrl = z
  .string()
  .max(2048)
  .refine(
    (text) => parseWebUrl(text) !== undefined,
    'expected a URL such as https://host:port/path, without user info, query or fragment',
  )

/** A {@link webUrl} whose scheme is https, or http to this machine itself. */
export const secureUrl = webUrl.refine((text) => {
  const url = parseWebUrl(text)
  return url === undefined || url.protocol === 'https:' || isLoopbackHost(url.hostname)
}, 'expected https://; plain http:// is accepted only for localhost, 127.0.0.0/8 and [::1]')
