/** A gateway that encrypts what is personal, its ledger read, exported, erased from and verified. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { verifyChain } from '../support/verify-chain.ts'
import { inProcess } from '../support/cli.ts'
import { ocsfProblems } from '../support/published-schemas.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
const personal = { key_dir: 'keys', fields: ['sub', 'email', 'name', 'ip'] }

beforeAll(async () => {
  world = await startWorld({ config: { audit: { dir: 'audit', personal } } })
})
afterAll(() => world.close())

const READ = '/v2/models/fraud'

async function ask(sub: string): Promise<string> {
  const headers = { authorization: `Bearer ${await world.token(['reader'], { sub })}` }
  const response = await fetch(`http://127.0.0.1:${world.port}${READ}`, { headers })
  await response.arrayBuffer()
  return response.headers.get('x-modelgate-decision-id') ?? ''
}

const modelgate = (...args: string[]) =>
  inProcess([...args, '--dir', join(world.dir, 'audit')], { cwd: world.dir })

async function exported(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr, code } = await modelgate('audit', 'export', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('a ledger with encrypted personal fields', () => {
  let id = ''
  beforeAll(async () => {
    id = await ask('alice')
    await ask('bob')
    await world.record(id)
  })

  it('holds no name and no address, and the id of a key in their place', async () => {
    const text = await world.ledgerText()
    expect(text).toContain(id)
    expect(text).not.toMatch(/user:dev|"127\.0\.0\.1"/)
    const record = await world.record(id)
    expect(record).toMatchObject({ effect: 'permit', enc: [{ kid: expect.any(String) }] })
  })

  it('is exported as OCSF with the names for whoever has the keys, and without for others', async () => {
    const keys = join(world.dir, 'keys')
    const closed = await exported('--id', id, '--type', 'decision')
    const open = await exported('--id', id, '--type', 'decision', '--keys', keys)
    expect(JSON.stringify(closed)).not.toContain('alice')
    expect(open).toMatchObject([{ actor: { user: { uid: 'user:dev/alice' } } }])
    for (const event of [...closed, ...open]) expect(ocsfProblems(event)).toEqual([])
  })

  it('is found by subject with the keys', async () => {
    const keys = join(world.dir, 'keys')
    const found = await exported('--subject', 'user:dev/bob', '--keys', keys, '--format', 'ecs')
    expect(found.length).toBeGreaterThan(0)
    for (const document of found) expect(document).toMatchObject({ user: { id: 'user:dev/bob' } })
  })

  it('forgets one person, verifies as before, and the gateway goes on under a new key', async () => {
    const keys = join(world.dir, 'keys')
    const before = await world.record(id)
    const erase = await inProcess(['audit', 'erase', '--subject', 'user:dev/alice'], {
      cwd: world.dir,
      env: { MODELGATE_CONFIG: world.configFile },
    })
    expect([erase.code, erase.stderr]).toEqual([0, ''])
    const { kid } = (before['enc'] as { kid: string }[])[0] ?? { kid: '' }
    expect(erase.stdout).toContain(kid)
    await world.whenRecord(
      ({ type, ...fields }) => type === 'personal.erased' && fields['kid'] === kid,
    )
    const after = await exported('--id', id, '--type', 'decision', '--keys', keys)
    expect(after).toMatchObject([{ actor: { user: { uid: `encrypted:${kid}` } } }])
    const again = await world.record(await ask('alice'))
    expect(again).not.toMatchObject({ enc: [{ kid }] })
    const chain = await verifyChain({ dir: join(world.dir, 'audit') })
    expect(chain).toMatchObject({ intact: true, fault: undefined })
  })

  it('says so when there is nothing to erase', async () => {
    const keys = join(world.dir, 'keys')
    const erase = await inProcess(
      ['audit', 'erase', '--subject', 'user:dev/nobody', '--keys', keys],
      { cwd: world.dir },
    )
    expect(erase.code).toBe(1)
    expect(erase.stdout).toContain('nothing was erased')
  })
})

describe('keys of persons', () => {
  it('are not kept in the ledger', async () => {
    const config = { audit: { dir: 'audit', personal: { key_dir: 'audit/keys' } } }
    await expect(startWorld({ config })).rejects.toThrow('outside of audit.dir')
  })
})
