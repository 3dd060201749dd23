import { inNetwork, type IpAddress, type Network } from './network.ts'

/**
 * Whether an address lies in any of `networks`; the cost grows with the logarithm of their number.
 * Two networks in CIDR form either hold one another or share nothing, so that without those held by
 * others the only candidate is the last one that starts at or before the address.
 */
export function createNetworkSet(networks: readonly Network[]): (ip: IpAddress) => boolean {
  const byFamily = { 4: outermost(networks, 4), 6: outermost(networks, 6) }
  return (ip) => {
    const sorted = byFamily[ip.family]
    const candidate = sorted[lastAtOrBefore(sorted, ip)]
    return candidate !== undefined && inNetwork(candidate, ip)
  }
}

/** The networks of one family that no other holds, by first address. */
function outermost(networks: readonly Network[], family: 4 | 6): Network[] {
  const kept: Network[] = []
  const sorted = networks
    .filter((network) => network.family === family)
    .sort((a, b) => compare(a, b) || a.prefix - b.prefix)
  for (const network of sorted) {
    const last = kept.at(-1)
    if (last === undefined || !inNetwork(last, network)) kept.push(network)
  }
  return kept
}

/** Index of the last network whose first address is not past `ip`; -1 when there is none. */
function lastAtOrBefore(sorted: readonly Network[], ip: IpAddress): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const network = sorted[middle]
    if (network !== undefined && compare(network, ip) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** By bytes, most significant first. Both of one family. */
function compare(a: IpAddress, b: IpAddress): number {
  for (let i = 0; i < a.bytes.length; i++) {
    const difference = (a.bytes[i] ?? 0) - (b.bytes[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
