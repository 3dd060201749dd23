/** Locks on networks, found by an address. */
import { parseIp, parseNetwork, type IpAddress } from '../../domain/network.ts'

/** Answers that are kept, by address. Past it all are given up. */
const ANSWERS_MAX = 4_096

/**
 * Values by network. A look-up costs as much as there are different prefix lengths, at most 160; of
 * an address that was asked about since the networks changed, next to nothing.
 */
export interface NetworkMap<T> {
  readonly size: number
  /** The value of this canonical CIDR. */
  get(cidr: string): T | undefined
  set(cidr: string, value: T): void
  delete(cidr: string): void
  /** The values of all networks that `address`, canonical text, lies in. */
  around(address: string): readonly T[]
}

/** An empty one. What is no address lies in no network, and what is no network is not kept. */
export function createNetworkMap<T>(): NetworkMap<T> {
  const byCidr = new Map<string, T>()
  /** How many networks there are of a family and length: `4/24`. */
  const lengths = new Map<string, { family: 4 | 6; prefix: number; count: number }>()
  const answers = new Map<string, readonly T[]>()
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
  const find = (address: string): readonly T[] => {
    const ip = parseIp(address)
    if (ip === undefined) return []
    return [...lengths.values()].flatMap(({ family, prefix }) => {
      const value = family === ip.family ? byCidr.get(keyOf(ip, prefix)) : undefined
      return value === undefined ? [] : [value]
    })
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
      answers.clear()
    },
    delete(cidr) {
      if (byCidr.delete(keyOfText(cidr))) count(cidr, -1)
      answers.clear()
    },
    around(address) {
      const known = answers.get(address)
      if (known !== undefined) return known
      const found = find(address)
      if (answers.size >= ANSWERS_MAX) answers.clear()
      answers.set(address, found)
      return found
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
