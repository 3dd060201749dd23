/** Registrations whose gateway is gone are given up at the start of another one, and told of. */
import { expect, it } from '@jest/globals'
import { UNHEARD_MS } from '../../../gateway/access/versions/begun.ts'
import { openRegistrations } from '../../../gateway/assembly/open-registrations.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'
import { until } from '../../support/world-files.ts'

const STATEMENT = { statement: '{}', statementDigest: `sha256:${'a'.repeat(64)}` }
const RUN = { id: 'd-1', at: 5, by: 'user:dev/alice', destination: 'model:fraud', upstream: 'up' }
const BEGUN = { id: 'd-9', model: 'model:fraud', version: '*', also: [], by: 'user:dev/ci' }

function world(append: (record: LedgerRecord) => Promise<void>) {
  const replica = createMemoryReplica()
  replica.add(
    { type: 'training.begun', run: { ...RUN, ...STATEMENT } },
    { type: 'registration.begun', registration: { ...BEGUN, upstreamRun: 'r-1' } },
  )
  replica.time += UNHEARD_MS
  const logged: [string, object][] = []
  const log = (facts: object, message: string) => void logged.push([message, facts])
  let errors = 0
  const opened = openRegistrations({
    replica,
    ledger: { append },
    metrics: { auditError: () => (errors += 1) },
    log: { info: log, warn: log, error: log },
  })
  opened.stop()
  return { replica, logged, errors: () => errors }
}

const GIVEN_UP = 'nobody knows what came of a registration: what it may have made is restricted'

it('is warned of and on record in the ledger, under the decision that let it through', async () => {
  const records: LedgerRecord[] = []
  const { replica, logged } = world((record) => Promise.resolve(void records.push(record)))
  await until('the record', () => records.length > 0)
  expect(replica.state.versions.has('model:fraud@*')).toBe(true)
  expect(logged).toEqual([[GIVEN_UP, { decisionId: 'd-9', version: 'model:fraud@*' }]])
  const fields = { id: 'd-9', sub: BEGUN.by, res: 'model:fraud@*', ver: '*', run: 'd-1' }
  expect(records).toEqual([{ type: 'registration', fields: { ...fields, upstream_run: 'r-1' } }])
})

it('stays restricted when it cannot be recorded', async () => {
  const { replica, logged, errors } = world(() => Promise.reject(new Error('full')))
  await until('the failure', () => logged.length > 1)
  expect(logged[1]?.[0]).toBe('a registration was not recorded')
  expect(errors()).toBe(1)
  expect(replica.state.versions.has('model:fraud@*')).toBe(true)
})
