/** Kind `network`: the client address, as judged, lies in one of a list of networks. */
import { GatewayError } from '../../domain/errors.ts'
import { createNetworkSet } from '../../domain/network-set.ts'
import { parseIp, parseNetwork, type Network } from '../../domain/network.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { fails, HOLDS, listed, unknown, type Test, type Verdict } from './condition.ts'
import type { Definitions } from './definitions.ts'

/** Addresses whose verdict is remembered: it depends on nothing else. */
const VERDICTS_MAX = 1024

/** Compiles a `network` condition. @throws ERR_RULES_INVALID on what the loader would refuse */
export function networkTest(spec: SpecOf<'network'>, { zones }: Pick<Definitions, 'zones'>): Test {
  const { zones: names = [], cidrs = [] } = spec
  const contains = createNetworkSet(
    [...names.flatMap((n) => zoneOf(n, zones)), ...cidrs].map(compiled),
  )
  const outside = fails(`the client address is outside ${listed([...names, ...cidrs])}`)
  const missing = unknown('the client address is not known')
  const judge = (text: string): Verdict => {
    const ip = parseIp(text)
    if (ip === undefined) return missing
    return contains(ip) ? HOLDS : outside
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

function zoneOf(name: string, zones: Definitions['zones']): readonly string[] {
  const cidrs = zones.get(name)
  if (cidrs === undefined) throw new GatewayError('ERR_RULES_INVALID', `no zone is named ${name}`)
  return cidrs
}

function compiled(cidr: string): Network {
  const network = parseNetwork(cidr)
  if ('problem' in network) {
    throw new GatewayError('ERR_RULES_INVALID', `${cidr} ${network.problem}`)
  }
  return network
}
