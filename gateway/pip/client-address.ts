/** Works out the client's network address: the TCP peer, unless a trusted proxy says for whom. */
import type { ClientAddress } from '../domain/access.ts'
import { ipText, type IpAddress } from '../domain/network.ts'
import type { HeaderBag } from '../domain/request.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { hopAddress, readForwarded, readForwardedFor } from './forwarded-list.ts'
import { createTrustedHops, parsePeer, valuesOf, type IsTrustedHop } from './trusted-hops.ts'

/** The header that trusted proxies write. One is configured; it is never guessed. */
export type ForwardedHeader = 'x-forwarded-for' | 'forwarded'

/** See {@link createAddressResolver}. */
export interface AddressResolverOptions {
  /** Canonical CIDRs. Empty: no header is ever read. */
  readonly trustedProxies: readonly string[]
  readonly headerKind: ForwardedHeader
}

/** From the text of the TCP peer and the headers to the address, or `forwarded_invalid`. */
export type AddressResolver = (peer: string, headers: HeaderBag) => ClientAddress | Refusal

/**
 * Creates a resolver. It walks the header from the right, past trusted hops, and stops at the first
 * that is not: everything left of that was written by someone nobody vouches for. Garbage in the
 * part that trusted hops wrote is a refusal, and so are two headers that disagree.
 * @throws ERR_CONFIG_INVALID on a malformed CIDR
 */
export function createAddressResolver(options: AddressResolverOptions): AddressResolver {
  const isTrusted = createTrustedHops(options.trustedProxies)
  const other = options.headerKind === 'forwarded' ? 'x-forwarded-for' : 'forwarded'
  const peerOf = createPeers(isTrusted)
  return (peer, headers) => {
    const known = peerOf(peer)
    if (known === undefined) return refuse('internal')
    const { fromPeer } = known
    if (!known.isTrusted) return fromPeer
    const hops = hopsIn(headers, options.headerKind)
    if (hops === 'absent') return fromPeer
    const client = hops && walk(hops, isTrusted)
    if (client === undefined || contradicts(client, hopsIn(headers, other), isTrusted)) {
      return refuse('forwarded_invalid')
    }
    return { ip: ipText(client), source: 'forwarded' }
  }
}

interface Peer {
  readonly fromPeer: ClientAddress
  readonly isTrusted: boolean
}

/** Peers remembered; each connection asks about the same one with every request. */
const PEERS_MAX = 1024

/** What is known of a TCP peer by its text alone. */
function createPeers(isTrusted: IsTrustedHop): (text: string) => Peer | undefined {
  const peers = new Map<string, Peer>()
  return (text) => {
    const known = peers.get(text)
    if (known !== undefined) return known
    const ip = parsePeer(text)
    if (ip === undefined) return undefined
    const peer: Peer = {
      fromPeer: Object.freeze({ ip: ipText(ip), source: 'peer' }),
      isTrusted: isTrusted(ip),
    }
    if (peers.size >= PEERS_MAX) peers.clear()
    peers.set(text, peer)
    return peer
  }
}

/** The hops of a header, leftmost first; repeated fields are one list (RFC 9110 §5.3). */
function hopsIn(headers: HeaderBag, kind: ForwardedHeader): string[] | 'absent' | undefined {
  const values = valuesOf(headers, kind)
  if (values.length === 0) return 'absent'
  const joined = values.join(',')
  return kind === 'forwarded' ? readForwarded(joined) : readForwardedFor(joined)
}

/** The first hop from the right that is not trusted; the leftmost when all are. */
function walk(hops: readonly string[], isTrusted: IsTrustedHop): IpAddress | undefined {
  let client: IpAddress | undefined
  for (const hop of hops.toReversed()) {
    client = hopAddress(hop)
    // Each hop reached was written by a trusted one, which must know whom it serves.
    if (client === undefined || !isTrusted(client)) return client
  }
  return client
}

/**
 * Whether the header that is not configured tells another story. A proxy that passes a client's
 * header through unread would otherwise let two machines see two clients.
 */
function contradicts(
  client: IpAddress,
  hops: string[] | 'absent' | undefined,
  isTrusted: IsTrustedHop,
): boolean {
  if (hops === 'absent') return false
  const told = hops && walk(hops, isTrusted)
  return told === undefined || ipText(told) !== ipText(client)
}
