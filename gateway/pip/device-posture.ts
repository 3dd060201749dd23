/**
 * Reads the posture of a device from the header of a trusted hop: an RFC 9651 dictionary of a fixed
 * set of keys, `managed=?1, compliant=?0, encrypted, os="macos", os_version="14.5", id="…",
 * assessed_at=1795289709`. Anything else from a trusted hop is refused: a posture that two parsers
 * read differently is no posture.
 */
import type { DevicePosture } from '../domain/subject.ts'
import type { HeaderBag } from '../domain/request.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { createTrustedHops, parsePeer, valuesOf } from './trusted-hops.ts'

/** The header unless another is configured. */
export const POSTURE_HEADER = 'x-device-posture'

const HEADER_CHARACTERS_MAX = 1024
const STRING_CHARACTERS_MAX = 256
const CLOCK_SKEW_MS = 60_000

/** See {@link createPostureReader}. */
export interface PostureReaderOptions {
  /** Canonical CIDRs. Empty: the header is never read. */
  readonly trustedProxies: readonly string[]
  /** Lower-case header name; {@link POSTURE_HEADER} when absent. */
  readonly header?: string
  /** Names in client certificates of hops that are believed whatever their address. */
  readonly mtlsHops?: readonly string[]
}

/** Who sent the request, as far as the connection proves it. */
export interface PosturePeer {
  /** Text of the TCP peer address. */
  readonly peer: string
  /** Names in its client certificate. */
  readonly peerNames: readonly string[]
}

/** Which kind of hop said it. */
type HopSource = 'mtls-hop' | 'trusted-hop'

/** What reads a posture: who sent it, the headers, and now in milliseconds since the epoch. */
export type PostureReader = (
  peer: PosturePeer,
  headers: HeaderBag,
  now: number,
) => DevicePosture | Refusal | undefined

/**
 * Creates a reader. `undefined` when the peer is not believed or sends nothing, `forwarded_invalid`
 * when a believed peer sends something else than one well-formed posture. An assessment from more
 * than 60 s in the future, or from before 1970, is refused too.
 * @throws ERR_CONFIG_INVALID on a malformed CIDR
 */
export function createPostureReader(options: PostureReaderOptions): PostureReader {
  const isTrusted = createTrustedHops(options.trustedProxies)
  const mtlsHops = new Set(options.mtlsHops)
  const header = (options.header ?? POSTURE_HEADER).toLowerCase()
  if (options.trustedProxies.length === 0 && mtlsHops.size === 0) return () => undefined
  const sourceOf = ({ peer, peerNames }: PosturePeer): HopSource | undefined => {
    if (peerNames.some((name) => mtlsHops.has(name))) return 'mtls-hop'
    const ip = parsePeer(peer)
    return ip !== undefined && isTrusted(ip) ? 'trusted-hop' : undefined
  }
  return (peer, headers, now) => {
    const source = sourceOf(peer)
    if (source === undefined) return undefined
    const [text, ...more] = valuesOf(headers, header)
    if (text === undefined) return undefined
    // Two values are one from the hop and one from the client, in an order nobody promises (I13).
    return more.length > 0 ? refuse('forwarded_invalid') : parsePostureText(text, now, source)
  }
}

/** The posture a header text states, or `forwarded_invalid` when it is anything but one posture. */
export function parsePostureText(
  text: string,
  now: number,
  source: HopSource = 'trusted-hop',
): DevicePosture | Refusal {
  const entries = readDictionary(text)
  const posture = entries && postureOf(entries, now)
  return posture === undefined ? refuse('forwarded_invalid') : { ...posture, source }
}

type Item = string | number | boolean

/** RFC 9651 §3.2, without inner lists and parameters, and stricter: a key occurs once. */
function readDictionary(text: string): Map<string, Item> | undefined {
  if (text.length > HEADER_CHARACTERS_MAX) return undefined
  const entries = new Map<string, Item>()
  // Sticky alternatives that start differently: each character is looked at once.
  const key = /[ \t]*([a-z*][a-z0-9_.*-]*)/y
  const value = /=(?:\?([01])|"((?:[ !#-[\]-~]|\\["\\])*)"|@?(-?\d{1,15})(?![.\d]))/y
  const separator = /[ \t]*(?:(,)|$)/y
  let offset = 0
  for (;;) {
    key.lastIndex = offset
    const name = key.exec(text)?.[1]
    if (name === undefined || entries.has(name)) return undefined
    value.lastIndex = key.lastIndex
    const item = value.exec(text)
    entries.set(name, item === null ? true : itemOf(item))
    separator.lastIndex = item === null ? key.lastIndex : value.lastIndex
    const end = separator.exec(text)
    if (end === null) return undefined
    if (end[1] === undefined) return entries
    offset = separator.lastIndex
  }
}

function itemOf([, bool, quoted, integer]: RegExpExecArray): Item {
  if (bool !== undefined) return bool === '1'
  return quoted === undefined ? Number(integer) : quoted.replace(/\\(["\\])/g, '$1')
}

/** What each key must hold, and the field it becomes. */
const KEYS = new Map<string, readonly [type: 'boolean' | 'string' | 'number', field: string]>([
  ['managed', ['boolean', 'managed']],
  ['compliant', ['boolean', 'compliant']],
  ['encrypted', ['boolean', 'encrypted']],
  ['os', ['string', 'os']],
  ['os_version', ['string', 'osVersion']],
  ['id', ['string', 'id']],
  ['assessed_at', ['number', 'assessedAt']],
])

function postureOf(
  entries: ReadonlyMap<string, Item>,
  now: number,
): Omit<DevicePosture, 'source'> | undefined {
  const fields: Record<string, Item> = {}
  for (const [key, item] of entries) {
    const [type, field] = KEYS.get(key) ?? []
    if (field === undefined || typeof item !== type) return undefined
    if (typeof item === 'string' && (item === '' || item.length > STRING_CHARACTERS_MAX)) {
      return undefined
    }
    // Milliseconds for seconds, or a clock that runs ahead, would make an old posture look fresh.
    if (typeof item !== 'number') fields[field] = item
    else if (item < 0 || item * 1000 > now + CLOCK_SKEW_MS) return undefined
    else fields[field] = item * 1000
  }
  return fields
}
