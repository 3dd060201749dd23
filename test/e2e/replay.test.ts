/**
 * Decisions made again: a built gateway takes real requests; then its ledger is replayed, its shadow
 * rules are reported, and one decision is explained from its record.
 */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { runModelgate, startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { expectGolden } from '../support/golden.ts'

const POLICY = `p, role:reader, read, model:*, always, allow
p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:*, gold | mfa, allow
p, group:ops, read, model:*, always, allow
p, role:anyone, read, model:secret-*, always, deny
p, role:reader, read, model:old-*, always, deny, shadow
p, role:anyone, read, server:*, always, allow, shadow
`
const CONDITIONS = `conditions:
  gold: { kind: token, claims: { tier: gold } }
  mfa: { kind: mfa, required: true }
`
const CANDIDATE = POLICY.replace(
  'role:reader, read, model:*',
  'role:reader, read, model:new-*',
).replace('gold | mfa', 'mfa')

// Every command line is a process of its own.
jest.setTimeout(60_000)

let world: BuiltWorld
const ids: Record<string, string> = {}

beforeAll(async () => {
  world = await startBuiltWorld({
    policy: POLICY,
    rules: { 'conditions.yaml': CONDITIONS },
    issuer: { condition_claims: ['tier'], groups_claims: ['groups'] },
    handler: (_, response) => void response.end('{}'),
  })
  const reader = await world.token(['reader'])
  const gold = await world.token(['inference'], { tier: 'gold' })
  const tin = await world.token(['inference'], { tier: 'tin', sub: 'bob' })
  const ops = await world.token([], { groups: ['ops'], sub: 'carol' })
  const get = (path: string, token: string) => ask(path, token, 'GET')
  await get('/v2/models/old-1', reader)
  await get('/v2/models/old-1', reader)
  await get('/v2/models/new-1', reader)
  await get('/v2/models/secret-1', reader)
  await get('/v2/models/old-1', ops)
  await get('/v2/health/ready', tin)
  await ask('/v2/models/fraud/infer', gold, 'POST')
  await ask('/v2/models/fraud/infer', tin, 'POST')
  await get('/v2/models/x', 'no.to.ken')
  await get('/no/such/route', reader)
  await world.whenRecord(({ type, path }) => type === 'decision' && path === '/no/such/route')
  for (const record of (await world.records()).filter(({ type }) => type === 'decision')) {
    ids[`${String(record['path'])} ${String(record['sub'])}`] ??= String(record.id)
  }
}, 180_000)
afterAll(() => world.close())

async function ask(path: string, token: string, method: 'GET' | 'POST'): Promise<void> {
  const body = method === 'GET' ? {} : { body: '{"inputs":[]}' }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${world.url}${path}`, { method, headers, ...body })
  await answer.text()
}

/** Ids, times, hashes and folders differ from run to run. */
function stable(text: string): string {
  const known = Object.entries(ids).map(([name, id]) => [id, `<id of ${name}>`] as const)
  return known
    .reduce((shown, [id, name]) => shown.replaceAll(id, name), text)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:<digest>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(/^ {2}(iat|exp|seq|ms) +[\d.]+$/gm, '  $1 <number>')
    .replaceAll(/^ {2}(jti|req) +\S+$/gm, '  $1 <text>')
}

const modelgate = (...args: string[]) => runModelgate(args, { cwd: world.dir })
const config = () => ['--config', world.configFile]

async function candidate(policy: string): Promise<string> {
  const dir = join(world.dir, 'candidate')
  await cp(world.rulesDir, dir, { recursive: true })
  await writeFile(join(dir, 'policy.csv'), policy)
  return dir
}

describe('replay', () => {
  it('of a ledger against the rules it was made with changes nothing', async () => {
    const { code, stdout, stderr } = await modelgate('replay', ...config(), '--format', 'json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      records: 10,
      judged: 8,
      undecided: { authenticate: 1, classify: 1 },
      incomplete: {},
      unreadable: 0,
      changed: { gains: 0, loses: 0, reason: 0 },
      groups: [],
      selfCheck: { compared: 8, differing: 0, examples: [] },
    })
  })

  it('lists what candidate rules would change', async () => {
    const rules = await candidate(CANDIDATE)
    const args = ['replay', ...config(), '--rules', rules]
    const { code, stdout, stderr } = await modelgate(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectGolden('replay.txt', stable(stdout))
    expect((await modelgate(...args, '--exit-code')).code).toBe(1)
    const other = await candidate(POLICY.replace('model:*, gold | mfa', 'model:*, mfa | gold'))
    const alike = await modelgate('replay', ...config(), '--rules', other, '--exit-code')
    expect([alike.code, alike.stdout]).toEqual([
      0,
      expect.stringContaining('No permission would change.'),
    ])
  })

  it('takes a range of time, and says what is no range', async () => {
    const late = await modelgate('replay', ...config(), '--since', '2999-01-01T00:00:00Z')
    expect(late.stdout).toContain('records   0 decisions')
    const wrong = await modelgate('replay', ...config(), '--since', 'some-day')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--since takes')])
    const nowhere = await modelgate('replay', '--rules', world.rulesDir, '--dir', 'nowhere')
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('no ledger')])
  })
})

describe('shadow rules', () => {
  it('are never enforced, are in the record where they differ, and are counted', async () => {
    const decisions = (await world.records()).filter(({ type }) => type === 'decision')
    const of = (path: string) => decisions.find((record) => record['path'] === path)
    expect(of('/v2/models/old-1')).toMatchObject({
      effect: 'permit',
      shadow: { effect: 'deny', reason: 'denied_by_rule', rule: 'policy.csv:6', op: 0 },
    })
    expect(of('/v2/health/ready')).toMatchObject({
      effect: 'deny',
      shadow: { effect: 'permit', rule: 'policy.csv:7' },
    })
    expect(of('/v2/models/new-1')).not.toHaveProperty('shadow')
    const changed = { action: 'read', enforced: 'permit', shadow: 'deny' }
    expect(await world.metric('shadow_decisions_total', changed)).toBe(2)
    expect(await world.metric('shadow_decisions_total')).toBe(8)
  })

  it('are reported from the ledger', async () => {
    const { code, stdout, stderr } = await modelgate('shadow', 'report', ...config())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectGolden('shadow-report.txt', stable(stdout))
    const json = await modelgate('shadow', 'report', '--dir', 'audit', '--format', 'json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      decided: 8,
      wouldRefuse: { requests: 2, subjects: 1 },
      wouldPermit: { requests: 1, subjects: 1 },
    })
    expect((await modelgate('shadow', 'reprot', ...config())).code).toBe(2)
  })
})

describe('explain --decision', () => {
  const explain = (key: string, ...more: string[]) =>
    modelgate('explain', '--decision', ids[key] ?? '', ...config(), ...more)

  it('shows the record, judges it again, and says what would have to change', async () => {
    const { code, stdout } = await explain('/v2/models/fraud/infer user:dev/bob')
    expect(code).toBe(0)
    expectGolden('explain-decision.txt', stable(stdout))
  })

  it('says whether the outcome would differ under other rules', async () => {
    const rules = await candidate(CANDIDATE)
    const { stdout } = await explain('/v2/models/old-1 user:dev/alice', '--rules', rules)
    expect(stdout).toContain(
      'The outcome differs: it was permit policy.csv:1, and would be not-applicable no_rule.',
    )
  })

  it('says why what was refused before any rule was asked cannot be judged', async () => {
    const { code, stdout } = await explain('/no/such/route user:dev/alice')
    expect(code).toBe(0)
    expect(stdout).toContain('It cannot be judged again: it was refused in stage classify')
  })

  it('gives both as one JSON document', async () => {
    const { stdout } = await explain('/v2/models/fraud/infer user:dev/bob', '--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      records: [
        { type: 'decision', groups: [], roles: ['role:inference'], claims: { tier: 'tin' } },
      ],
      again: { kind: 'judged', sameRevision: true, operations: [{ differs: false }] },
    })
  })
})

describe('explain --token-file', () => {
  const explain = (file: string, ...more: string[]) => {
    const asked = ['--action', 'infer', '--resource', 'model:fraud', ...more]
    return modelgate('explain', '--token-file', file, ...asked, ...config())
  }

  it('verifies the token with the issuers of the configuration', async () => {
    await writeFile(
      join(world.dir, 'token'),
      `${await world.token(['inference'], { tier: 'gold' })}\n`,
    )
    const { code, stdout, stderr } = await explain('token')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^PERMIT {2}user:dev\/alice infer model:fraud\n/)
  })

  it('says clearly that a token is not verified, and never permits it', async () => {
    const token = await world.token(['inference'], { tier: 'gold' })
    await writeFile(join(world.dir, 'forged'), `${token.slice(0, -8)}AAAAAAAA`)
    const { code, stdout } = await explain('forged')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^NOT VERIFIED: authn_signature: /)
    expect(stdout).not.toContain(token.slice(0, 20))
    const later = await explain('token', '--at', '2999-01-01T00:00:00Z')
    expect([later.code, later.stdout]).toEqual([1, expect.stringMatching(/^NOT VERIFIED: authn_/)])
    await writeFile(join(world.dir, 'garbage'), 'not a token')
    expect((await explain('garbage')).code).toBe(2)
    expect((await explain('token', '--role', 'admin')).code).toBe(2)
  })
})
