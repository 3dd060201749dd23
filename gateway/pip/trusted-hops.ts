import { GatewayError } from '../domain/errors.ts'
import {
  inNetwork,
  parseIp,
  parseNetwork,
  type IpAddress,
  type Network,
} from '../domain/network.ts'
import type { HeaderBag } from '../domain/request.ts'

/** Says whether an address is a proxy whose forwarding and posture headers count. */
export type IsTrustedHop = (ip: IpAddress) => boolean

/**
 * Compiles the list of trusted networks. An empty list trusts nobody (I2).
 * @throws ERR_CONFIG_INVALID on text that is not a canonical CIDR
 */
export function createTrustedHops(cidrs: readonly string[]): IsTrustedHop {
  const networks = cidrs.map(networkOf)
  return (ip) => networks.some((network) => inNetwork(network, ip))
}

function networkOf(cidr: string): Network {
  const network = parseNetwork(cidr)
  if (!('problem' in network)) return network
  throw new GatewayError('ERR_CONFIG_INVALID', `trusted proxy ${cidr} ${network.problem}`)
}

/** The address of a TCP peer. Only here is a zone id dropped: the kernel wrote it, not a client. */
export function parsePeer(peer: string): IpAddress | undefined {
  const percent = peer.indexOf('%')
  return parseIp(percent < 0 ? peer : peer.slice(0, percent))
}

/** Every value of a header in received order, from the raw pairs; repetitions stay visible. */
export function valuesOf(headers: HeaderBag, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < headers.pairs.length; i += 2) {
    if (headers.pairs[i] === name) values.push(headers.pairs[i + 1] ?? '')
  }
  return values
}
