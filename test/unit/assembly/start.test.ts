import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startWorld, type World } from '../../support/world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

describe('a start', () => {
  it('whose port is taken leaves nothing listening that would keep the process alive', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const free = createServer()
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
    const control = (free.address() as AddressInfo).port
    await new Promise((resolve) => free.close(resolve))
    const listen = { data: { host: '127.0.0.1', port }, control: { port: control } }
    await expect(startWorld({ config: { listen } })).rejects.toMatchObject({ code: 'ERR_LISTEN' })
    await expect(fetch(`http://127.0.0.1:${control}/healthz`)).rejects.toThrow()
    await new Promise((resolve) => taken.close(resolve))
  })

  it('counts every record by its type', async () => {
    const started = await startWorld()
    world = started
    const count = () => started.metric('audit_records_total', { type: 'policy.changed' })
    await started.until('the start is in the ledger', async () => (await count()) > 0)
    expect(await count()).toBe(1)
    // What the ledger says of itself, too.
    expect(await started.metric('audit_records_total', { type: 'log.opened' })).toBe(1)
    expect(await world.metric('audit_last_write_timestamp_seconds')).toBeGreaterThan(0)
  })
})
