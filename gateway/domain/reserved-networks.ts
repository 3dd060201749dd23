/** Addresses that are not the internet's: what no name of a stranger may lead to (threats §2.J 322). */
import { createNetworkSet } from './network-set.ts'
import { parseIp, parseNetwork, type IpAddress, type Network } from './network.ts'

/**
 * IANA special-purpose registries: private, shared, link-local, documentation, multicast; IPv6
 * networks that carry IPv4 addresses, which could carry those; and the one address outside of them
 * at which a cloud (Azure) answers its own machines.
 */
const RESERVED = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

const LOOPBACK = ['127.0.0.0/8', '::1/128']

const isReserved = createNetworkSet(networks(RESERVED))
const isLoopback = createNetworkSet(networks(LOOPBACK))

/** Where connections may go beside the internet. */
export interface Reach {
  /** This machine. */
  readonly loopback: boolean
  /** Private networks. */
  readonly networks: readonly Network[]
}

/** Whether a connection to `address` may be made; text that is no address is refused. */
export function createReach({ loopback, networks: allowed }: Reach): (address: string) => boolean {
  const isAllowed = createNetworkSet(allowed)
  return (address) => {
    const ip: IpAddress | undefined = parseIp(address)
    if (ip === undefined) return false
    return !isReserved(ip) || isAllowed(ip) || (loopback && isLoopback(ip))
  }
}

/** Whether `address`, canonical text, is this machine. */
export function isOwnMachine(address: string): boolean {
  const ip = parseIp(address)
  return ip !== undefined && isLoopback(ip)
}

function networks(texts: readonly string[]): Network[] {
  return texts
    .map((text) => parseNetwork(text))
    .filter((one): one is Network => !('problem' in one))
}
