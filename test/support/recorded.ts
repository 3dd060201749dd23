/** Decision records as a gateway writes them and as a reader finds them. */
import type { AccessRequest, Decision } from '../../gateway/domain/access.ts'
import { serializeRecord } from '../../gateway/audit/line/record.ts'
import type { StoredRecord } from '../../gateway/audit/read/query.ts'
import { refuse } from '../../gateway/domain/refusal.ts'
import type { Exchange } from '../../gateway/pep/exchange.ts'
import { decisionRecord } from '../../gateway/pep/records.ts'

const STAMP = {
  log: 'modelgate/audit/test',
  seq: 0,
  ts: '2026-11-04T10:00:00.000Z',
  monotonicMs: 1,
  boot: 'boot-1',
  prev: 'x',
}

/** The decision record of one request with these operations, read back from its line. */
export function recordOf(
  requests: readonly AccessRequest[],
  decisions: readonly Decision[],
  more: { readonly shadow?: readonly Decision[]; readonly id?: string } = {},
): StoredRecord {
  const [first] = requests
  const decided = (list: readonly Decision[]) =>
    requests.flatMap(({ action, resource }, at) => {
      const decision = list[at]
      return decision === undefined ? [] : [{ action, resource, decision }]
    })
  const exchange = {
    id: more.id ?? 'id-1',
    stage: 'decide',
    runtime: { configRevision: 'sha256:cfg' },
    policy: { decisionPoint: { revision: decisions[0]?.revision } },
    subject: first?.subject,
    environment: first?.environment,
    admitted: {
      method: 'POST',
      target: { path: '/p' },
      client: first?.environment.client,
      requestId: 'abcdefgh',
      headers: { get: () => undefined },
    },
    classification: { pack: 'test', route: 'POST /p', operations: requests },
    decisions: decided(decisions),
    ...(more.shadow === undefined ? {} : { shadow: decided(more.shadow) }),
  } as unknown as Exchange
  const reason = decisions.find(({ effect }) => effect !== 'permit')?.reason
  const refusal = reason === undefined ? undefined : refuse(reason)
  return JSON.parse(serializeRecord(STAMP, decisionRecord(exchange, refusal))) as StoredRecord
}
