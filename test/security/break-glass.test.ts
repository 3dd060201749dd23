/** Break-glass while the store is away (threats §2.H 281): what nobody can write down opens nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { partsOf, startControlApi, type TestApi } from '../support/control-api.ts'
import { rule } from '../support/elevation.ts'

const APPROVER = { may: ['read'], holds: ['role:approver'] }
const RULES = {
  r: rule({
    break_glass: {
      seal: { require: [{ count: 2, from: ['role:approver'] }] },
      reviewers: ['group:stewards'],
    },
  }),
}
const SEAL = {
  actions: ['export'],
  resources: ['model:fraud'],
  duration: '1h',
  justification: 'For the night when nobody can be reached.',
  kind: 'break-glass',
}

let api: TestApi
beforeAll(async () => {
  const callers = { alice: { may: ['read'] }, bob: APPROVER, carol: APPROVER }
  api = await startControlApi(callers, () => partsOf({ rules: RULES }))
})
afterAll(() => api.close())

async function sealed(): Promise<string> {
  const { json } = await api.call('POST /v1/requests', { as: 'alice', body: SEAL })
  const { id, digest } = json as { id: string; digest: string }
  for (const as of ['bob', 'carol']) {
    const { status } = await api.call(`POST /v1/requests/${id}/approve`, { as, body: { digest } })
    expect(status).toBe(200)
  }
  const [grant] = [...api.replica.state.grants.values()]
  return grant?.id ?? ''
}

describe('a seal', () => {
  it('is not opened while the store is away, and is once it is back', async () => {
    const id = await sealed()
    const body = { reason: 'The model answers nonsense, INC-12.' }
    const open = async () => {
      const { status, json } = await api.call(`POST /v1/grants/${id}/open`, { as: 'alice', body })
      const of = api.replica.state.grants.get(id)?.sealed
      return [status, json['reason'], of?.openedAt !== undefined]
    }
    api.replica.failing = 'always'
    expect(await open()).toEqual([503, 'store_unavailable', false])
    api.replica.failing = undefined
    expect((await open()).slice(2)).toEqual([true])
  })
})
