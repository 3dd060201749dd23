/** Locks on networks, found by an address. */
import { parseIp, parseNetwork, type IpAddress } from '../../domain/network.ts'

/** Values by network; the cost of a look-up is that of the different prefix lengths, at most 160. */
export interface NetworkMap<T> {
  readonly size: number
  /** The value of this canonical CIDR. */
  get(cidr: string): T | undefined
  set(cidr: string, value: T): void
  delete(cidr: string): void
  /** Calls `visit` with the value of every network that `address`, canonical text, lies in. */
  visit(address: string, visit: (value: T) => void): void
}

/** An empty one. What is no address lies in no network, and what is no network is not kept. */
export function createNetworkMap<T>(): NetworkMap<T> {
  const byCidr = new Map<string, T>()
  /** How many networks there are of a family and length: `4/24`. */
  const lengths = new Map<string, { family: 4 | 6; prefix: number; count: number }>()
  const count = (cidr: string, by: 1 | -1): void => {
    const network = parseNetwork(cidr)
    if ('problem' in network) return
    const { family, prefix } = network
    const key = `${family}/${prefix}`
    const length = lengths.get(key) ?? { family, prefix, count: 0 }
    length.count += by
    if (length.count === 0) lengths.delete(key)
    else lengths.set(key, length)
  }
  return {
    get size() {
      return byCidr.size
    },
    get: (cidr) => byCidr.get(keyOfText(cidr)),
    set(cidr, value) {
      const key = keyOfText(cidr)
      if (!byCidr.has(key)) count(cidr, 1)
      byCidr.set(key, value)
    },
    delete(cidr) {
      if (byCidr.delete(keyOfText(cidr))) count(cidr, -1)
    },
    visit(address, visit) {
      const ip = parseIp(address)
      if (ip === undefined) return
      for (const { family, prefix } of lengths.values()) {
        if (family !== ip.family) continue
        const value = byCidr.get(keyOf(ip, prefix))
        if (value !== undefined) visit(value)
      }
    },
  }
}

function keyOfText(cidr: string): string {
  const network = parseNetwork(cidr)
  return 'problem' in network ? '' : keyOf(network, network.prefix)
}

function keyOf({ family, bytes }: IpAddress, prefix: number): string {
  const masked = bytes.map((byte, i) => {
    const left = prefix - 8 * i
    if (left >= 8) return byte
    return left <= 0 ? 0 : byte & (255 << (8 - left))
  })
  return `${family}/${prefix}/${masked.join('.')}`
}
