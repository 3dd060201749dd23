/**
 * IP addresses and networks, read strictly and compared by value. Every room that judges an
 * address uses this file, so that `::ffff:10.1.2.3` is 10.1.2.3 everywhere or nowhere.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** An address as bytes, most significant first: 4 of them, or 16. v4-mapped IPv6 is IPv4 here. */
export interface IpAddress {
  readonly family: 4 | 6
  readonly bytes: readonly number[]
}

/** A network with no host bits set. */
export interface Network extends IpAddress {
  /** Bits that count: 1 to 32, or 1 to 128. */
  readonly prefix: number
  /** Canonical text, `10.0.0.0/8`. */
  readonly text: string
}

/** Text past this is no address; the longest is 45 characters. */
const ADDRESS_CHARACTERS_MAX = 64

/**
 * Reads an address. Refuses (`undefined`) zone ids, leading zeros, ports, brackets and anything
 * else that is not an address alone. v4-mapped IPv6 (`::ffff:a.b.c.d`) becomes IPv4.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > ADDRESS_CHARACTERS_MAX) return undefined
  if (isIPv4(text)) return { family: 4, bytes: text.split('.').map(Number) }
  // Node accepts `::1%lo`; a zone means something on one machine only.
  if (!isIPv6(text) || text.includes('%')) return undefined
  const bytes = groupsOf(text).flatMap((group) => [group >> 8, group & 255])
  const mapped = bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255
  return mapped ? { family: 4, bytes: bytes.slice(12) } : { family: 6, bytes }
}

/** The eight groups of text already known to be an IPv6 address without a zone. */
function groupsOf(text: string): number[] {
  const [left = '', right] = text.split('::')
  const head = sideGroups(left)
  if (right === undefined) return head
  const tail = sideGroups(right)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

function sideGroups(side: string): number[] {
  if (side === '') return []
  return side.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** Canonical text: dotted IPv4, or IPv6 as RFC 5952 §4 writes it. */
export function ipText(ip: IpAddress): string {
  if (ip.family === 4) return ip.bytes.join('.')
  const groups = Array.from(
    { length: 8 },
    (_, i) => (ip.bytes[2 * i] ?? 0) * 256 + (ip.bytes[2 * i + 1] ?? 0),
  )
  const run = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (run.length < 2) return hex.join(':')
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}

/**
 * Reads a network in CIDR form, or says what is wrong and what to write. Refused: a missing,
 * malformed or zero-padded length, host bits that are set, `/0` (it would mean everyone) and
 * v4-mapped networks. A library that reads `10.0.0.0/33` as "everything" is how a typo opens a door.
 * @param instead what to do for everyone, where it is no test that could be left out
 */
export function parseNetwork(
  text: string,
  instead = 'leave the test out instead',
): Network | { readonly problem: string } {
  const slash = text.indexOf('/')
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (ip === undefined) {
    return { problem: 'is not an IP network; write it as 10.0.0.0/8 or 2001:db8::/32' }
  }
  const bits = ip.family === 4 ? 32 : 128
  if (slash < 0) return { problem: `has no prefix length; write ${ipText(ip)}/${bits}` }
  if (ip.family === 4 && text.includes(':')) {
    return { problem: 'is a v4-mapped network; write it in IPv4 form, it matches both' }
  }
  const prefix = prefixOf(text.slice(slash + 1), bits)
  if (prefix === undefined) return { problem: `needs a prefix length from 1 to ${bits}` }
  if (prefix === 0) return { problem: `covers every address; ${instead}` }
  const bytes = ip.bytes.map((byte, i) => byte & maskByte(prefix - 8 * i))
  const canonical = `${ipText({ family: ip.family, bytes })}/${prefix}`
  if (bytes.some((byte, i) => byte !== ip.bytes[i])) {
    return { problem: `has host bits set; write ${canonical}` }
  }
  return { family: ip.family, bytes, prefix, text: canonical }
}

function prefixOf(text: string, bits: number): number | undefined {
  if (!/^(0|[1-9]\d{0,2})$/.test(text)) return undefined
  const prefix = Number(text)
  return prefix <= bits ? prefix : undefined
}

function maskByte(bitsLeft: number): number {
  if (bitsLeft >= 8) return 255
  return bitsLeft <= 0 ? 0 : (255 << (8 - bitsLeft)) & 255
}

/** Whether `ip` lies in `network`. Families never match each other. */
export function inNetwork(network: Network, ip: IpAddress): boolean {
  if (network.family !== ip.family) return false
  for (let i = 0; i * 8 < network.prefix; i++) {
    const mask = maskByte(network.prefix - 8 * i)
    if (((ip.bytes[i] ?? 0) & mask) !== network.bytes[i]) return false
  }
  return true
}
