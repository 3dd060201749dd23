/** Privilege that comes and goes from the command line, against the built gateway. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { runModelgate, startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  type Name,
} from '../support/privilege-world.ts'

jest.setTimeout(120_000)

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld(PRIVILEGE_FILES)
  for (const name of ['erin', 'olga', 'oscar', 'root', 'ruth', 'sam'] as const) {
    await writeFile(tokenFile(name), await tokenOf(world.issuer, name, CONTROL_AUDIENCE))
  }
})
afterAll(() => world.close())

const tokenFile = (name: Name) => join(world.dir, `${name}.token`)

/** One command line of somebody. */
function run(as: Name, ...args: string[]) {
  const more = ['--url', world.controlUrl, '--token-file', tokenFile(as)]
  return runModelgate([...args, ...more], { cwd: world.dir })
}

/** What it shows to machines. @throws when it was refused */
async function shown(as: Name, ...args: string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await run(as, ...args, '--format', 'json')
  expect([args, code, stderr]).toEqual([args, 0, ''])
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Why it was refused. */
async function refusal(as: Name, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(as, ...args)
  expect([args, code === 0, stdout]).toEqual([args, false, ''])
  return stderr
}

const ASKED = ['--action', 'export', '--resource', 'model:m-1', '--for', '1h', '--uses', '1']

it('asks, agrees and lists grants', async () => {
  const create = ['request', 'create', ...ASKED, '--reason', 'the audit of the third quarter']
  const { id, digest } = (await shown('erin', ...create)) as { id: string; digest: string }
  const approve = ['request', 'approve', id, '--digest', digest]
  expect(await refusal('erin', ...approve)).toContain('refused with 403 (self_approval)')
  expect(await refusal('sam', ...create)).toContain('refused with 403 (no_rule)')
  const other = `sha256:${'0'.repeat(64)}`
  const stale = ['request', 'approve', id, '--digest', other]
  expect(await refusal('olga', ...stale)).toContain('refused with 409 (edited)')
  const pending = await run('olga', 'request', 'list', '--status', 'pending')
  expect(pending.stdout).toContain(id)
  expect(await shown('olga', ...approve, '--for', '30m')).toMatchObject({ status: 'pending' })
  const agreed = await run('oscar', ...approve, '--comment', 'as agreed')
  const grant = id.replace('req-', 'grant-')
  expect([agreed.code, agreed.stderr]).toEqual([0, ''])
  expect(agreed.stdout).toContain(`X-Modelgate-Grant: ${grant}`)
  const { items } = await shown('erin', 'grant', 'list', '--mine')
  expect(items).toEqual([
    expect.objectContaining({
      id: grant,
      terms: expect.objectContaining({ duration_ms: 1_800_000 }),
    }),
  ])
  expect((await run('erin', 'grant', 'show', grant)).stdout).toContain('active')
  const revoke = ['grant', 'revoke', grant, '--reason', 'the audit is over']
  expect(await shown('erin', ...revoke)).toMatchObject({ status: 'revoked' })
})

it('locks and unlocks', async () => {
  const reads = async () => {
    const token = await tokenOf(world.issuer, 'erin', 'modelgate')
    const headers = { authorization: `Bearer ${token}` }
    const path = '/api/2.0/mlflow/registered-models/get?name=m-1'
    return (await fetch(world.url + path, { headers })).status
  }
  expect(await reads()).toBe(200)
  const set = ['lock', '--user', 'user:dev/erin', '--reason', 'laptop stolen']
  const { id } = (await shown('root', ...set)) as { id: string }
  expect(await reads()).toBe(403)
  expect(await refusal('erin', 'request', 'list')).toContain('refused with 403 (locked)')
  expect((await run('root', 'lock', 'list')).stdout).toContain('laptop stolen')
  const lifted = await shown('ruth', 'unlock', id, '--reason', 'new credentials')
  expect(lifted).toMatchObject({ status: 'lifted' })
  expect(await reads()).toBe(200)
})

it('tries the switch', async () => {
  const { code, stdout } = await run('root', 'drill')
  expect([code, stdout]).toEqual([0, expect.stringContaining('passed')])
})

it('reviews who has what', async () => {
  const start = ['review', 'start', '--title', 'who exports', '--due', '30d', '--action', 'export']
  const { review } = (await shown('root', ...start)) as { review: { id: string } }
  const { lines } = (await shown('root', 'review', 'show', review.id)) as {
    lines: { id: string }[]
  }
  const [first] = lines
  expect((await run('root', 'review', 'list')).stdout).toContain(review.id)
  const revoked = await shown('root', 'review', 'revoke', review.id, first?.id ?? '')
  expect(revoked).toMatchObject({ status: 'revoked' })
  const exported = await run('root', 'review', 'export', review.id)
  expect([exported.code, exported.stdout]).toEqual([0, expect.stringContaining('role:exporter')])
  const held = await run('root', 'who-has', 'model:m-1', '--action', 'export')
  expect([held.code, held.stdout]).toEqual([0, expect.stringContaining('policy.csv:1')])
  expect(await refusal('sam', 'who-has')).toContain('refused with 403 (no_rule)')
})
