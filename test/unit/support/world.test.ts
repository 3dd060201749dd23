import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { rawExchange } from '../../support/raw-client.ts'
import { startWorld, type World } from '../../support/world.ts'

describe('a world', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world.close())

  it('carries a permitted request from the client to the recording upstream and back', async () => {
    const token = await world.token(['reader'])
    const { responses } = await rawExchange(
      world.port,
      `GET /v2/models/iris HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    expect(responses[0]?.status).toBe(200)
    expect(world.upstream.requests).toHaveLength(1)
    expect(await world.whenRecord(({ type }) => type === 'outcome')).toMatchObject({ status: 200 })
    expect(await world.metric('decisions_total', { decision: 'permit' })).toBe(1)
    expect(world.logText()).toContain('listening')
  })

  it('shows the record and the count of a refusal', async () => {
    const { responses } = await rawExchange(world.port, 'GET /v2 HTTP/1.1\r\nHost: gate\r\n\r\n')
    const id = responses[0]?.header('x-modelgate-decision-id') ?? ''
    expect(await world.record(id)).toMatchObject({ effect: 'deny', reason: 'authn_missing' })
    expect(await world.metric('refusals_total', { reason: 'authn_missing' })).toBe(1)
    expect(world.upstream.requests).toHaveLength(1)
  })
})
