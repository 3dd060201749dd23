import { parseIp } from '../../domain/network.ts'

/** Counts what peers send, a minute at a time. */
export interface PeerRate {
  /** Whether one more from `peer` is within the rate; counts it. */
  admits(peer: string): boolean
}

const WINDOW_MS = 60_000
/** Peers counted one by one; behind them all others share one count. */
const PEERS_MAX = 10_000

/** At most `max` a minute from one address; of IPv6, from one /64. `now`: monotonic milliseconds. */
export function createPeerRate(max: number, now: () => number): PeerRate {
  let counts = new Map<string, number>()
  let since = now()
  return {
    admits(peer) {
      if (now() - since >= WINDOW_MS) {
        counts = new Map()
        since = now()
      }
      const own = keyOf(peer)
      const key = counts.has(own) || counts.size < PEERS_MAX ? own : ''
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return count <= max
    },
  }
}

function keyOf(peer: string): string {
  const ip = parseIp(peer.split('%', 1)[0] ?? '')
  if (ip === undefined) return ''
  return `${ip.family} ${ip.bytes.slice(0, ip.family === 4 ? 4 : 8).join('.')}`
}
