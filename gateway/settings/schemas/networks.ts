/** Networks in CIDR notation, as operators write them in trust lists and conditions. */
import { isIP } from 'node:net'
import { z } from 'zod'

/** IPv4 trust lists are refused above 16 million addresses, a whole private 10.0.0.0/8. */
const IPV4_TRUSTED_BITS_MIN = 8
/** fc00::/7 is the largest private IPv6 network (RFC 4193). */
const IPV6_TRUSTED_BITS_MIN = 7

interface Network {
  readonly bits: number
  readonly width: 32 | 128
  readonly address: bigint
}

/** What is wrong with `text` as a network in CIDR notation, or `undefined` when it is one. */
export function cidrProblem(text: string): string | undefined {
  const network = parseNetwork(text)
  if (network === undefined) return 'expected a network such as 10.0.0.0/8 or fd00::/8'
  const hostBits = (1n << BigInt(network.width - network.bits)) - 1n
  if ((network.address & hostBits) !== 0n) {
    return 'expected a network, but bits after the prefix length are set (host bits)'
  }
  return undefined
}

/**
 * What is wrong with `text` as a network whose hosts are trusted to speak for others. A network
 * that holds everyone makes every client a trusted hop (I2), so that wide ones are refused.
 */
export function trustProblem(text: string): string | undefined {
  const problem = cidrProblem(text)
  const network = parseNetwork(text)
  if (problem !== undefined || network === undefined) return problem
  const { bits, width, address } = network
  if (width === 32) return bits < IPV4_TRUSTED_BITS_MIN ? TOO_WIDE : undefined
  // ::ffff:0:0/96 holds the whole of IPv4 (RFC 4291 §2.5.5.2).
  const mapped = address >> 32n === 0xffffn
  const bitsMin = mapped ? 96 + IPV4_TRUSTED_BITS_MIN : IPV6_TRUSTED_BITS_MIN
  const holdsMapped = bits < 96 && 0xffff_0000_0000n >> BigInt(128 - bits) === shifted(network)
  return bits < bitsMin || holdsMapped ? TOO_WIDE : undefined
}

const TOO_WIDE =
  'this network holds far more than your proxies (wider than /8, or /7 for IPv6); ' +
  'everyone in it could claim any client address'

const shifted = (network: Network): bigint => network.address >> BigInt(128 - network.bits)

function parseNetwork(text: string): Network | undefined {
  const match = /^([0-9a-fA-F.:]{2,45})\/(0|[1-9]\d{0,2})$/.exec(text)
  const [address, bits] = [match?.[1] ?? '', Number(match?.[2])]
  const family = isIP(address)
  if (family === 4 && bits <= 32) return { bits, width: 32, address: ipv4Number(address) }
  if (family === 6 && bits <= 128) return { bits, width: 128, address: ipv6Number(address) }
  return undefined
}

function ipv4Number(address: string): bigint {
  return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

function ipv6Number(address: string): bigint {
  // The URL parser writes an embedded IPv4 part as two groups of hex digits.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): string[] => text.split(':').filter((group) => group !== '')
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const all = [...left, ...zeros, ...right]
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

const checked = (problemOf: (text: string) => string | undefined): z.ZodString =>
  z.string().superRefine((text, context) => {
    const message = problemOf(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

/** A network in CIDR notation without host bits. */
export const network = checked(cidrProblem)

/** A network whose hosts are trusted to speak for others; never everyone (I2). */
export const trustedNetwork = checked(trustProblem)
