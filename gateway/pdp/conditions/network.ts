/** Kind `network`: the client address, as judged, lies in one of a list of networks. */
import { GatewayError } from '../../domain/errors.ts'
import { inNetwork, parseIp, parseNetwork, type Network } from '../../domain/network.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { fails, HOLDS, listed, unknown, type Test, type Verdict } from './condition.ts'

/** Compiles a `network` condition. @throws ERR_RULES_INVALID on text the schema would refuse. */
export function networkTest(spec: SpecOf<'network'>): Test {
  const networks = spec.cidrs.map(compiled)
  const outside = fails(`the client address is outside ${listed(spec.cidrs)}`)
  const missing = unknown('the client address is not known')
  const judge = (text: string): Verdict => {
    const ip = parseIp(text)
    if (ip === undefined) return missing
    for (const network of networks) if (inNetwork(network, ip)) return HOLDS
    return outside
  }
  const verdicts = new Map<string, Verdict>()
  return ({ environment }) => {
    const { ip } = environment.client
    const known = verdicts.get(ip)
    if (known !== undefined) return known
    if (verdicts.size >= VERDICTS_MAX) verdicts.clear()
    const verdict = judge(ip)
    verdicts.set(ip, verdict)
    return verdict
  }
}

/** Addresses whose verdict is remembered: it depends on nothing else. */
const VERDICTS_MAX = 1024

function compiled(cidr: string): Network {
  const network = parseNetwork(cidr)
  if ('problem' in network) {
    throw new GatewayError('ERR_RULES_INVALID', `${cidr} ${network.problem}`)
  }
  return network
}
