/**
 * `explain`, `diff`, `replay`, `who-can` and `what-can` on the starter rules, on a copy of them with
 * mistakes that load (a deny and two conditions gone), and on rules that do not load, compared whole
 * with test/golden/starter-rules; and the warnings of `check`. The rest of `check`, and `test`, are in
 * policy-as-code.test.ts.
 */
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { PROJECT } from '../support/build.ts'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'
import { expectGolden } from '../support/golden.ts'

jest.setTimeout(60_000)

/** What somebody in a hurry takes out, each with what it was replaced by. */
const MISTAKES: readonly (readonly [string, string])[] = [
  [
    'p, role:approver,           retrain,    *,                 always,                              deny\n',
    '',
  ],
  [' & mfa & two-approvals,', ' & mfa,'],
  ['infer,      model:*,           office-hours & corp-network,', 'infer,      model:*, always,'],
]

/** What a rule set gathers over the years: it loads, and nobody knows any more what it is for. */
const LEFTOVERS = `
p, role:reader,             read,       model:fraud-*,     always,                              allow
p, role:exporter,           export,     model:crown-*,     !vault-network & corp-network,       allow
p, role:evaluator,          infer,      model:old-*,       office-hours & !office-hours,        allow
p, role:inference,          infer,      model:*,           corp-network | !corp-network,        allow
p, role:intern,             read,       server:*,          always,                              allow
p, role:exporter,           export,     model:*,           corp-network & managed-device & mfa, allow
`
const LEFTOVER_CONDITION = `
  lunch: { kind: time, zone: Europe/Berlin, hours: 12:00-13:00 }

zones:`

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-starter-'))
  await cp(join(PROJECT, 'rules'), join(dir, 'rules'), { recursive: true })
  await cp(join(PROJECT, 'rules'), join(dir, 'careless'), { recursive: true })
  await cp(join(PROJECT, 'rules'), join(dir, 'untidy'), { recursive: true })
  await cp(join(PROJECT, 'test/fixtures/broken-rules'), join(dir, 'broken-rules'), {
    recursive: true,
  })
  await writeFile(join(dir, 'careless/policy.csv'), careless(await starterFile('policy.csv')))
  await appendFile(join(dir, 'untidy/policy.csv'), LEFTOVERS)
  const conditions = await starterFile('conditions.yaml')
  const more = conditions.replace('\nzones:', LEFTOVER_CONDITION)
  await writeFile(join(dir, 'untidy/conditions.yaml'), more)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const starterFile = (name: string) => readFile(join(PROJECT, 'rules', name), 'utf8')

/** The starter rules with the mistakes; one that no longer fits the rules is an error of the test. */
function careless(policy: string): string {
  return MISTAKES.reduce((text, [from, to]) => {
    expect(text.split(from)).toHaveLength(2)
    return text.replace(from, to)
  }, policy)
}

/** Digests change with every letter of the rules. */
const steady = (text: string) => text.replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:<digest>')

const unversioned = (text: string) =>
  steady(text).replaceAll(/"semanticVersion": "[^"]*"/g, '"semanticVersion": "<version>"')

/** Runs one command line and compares all it prints; gives its exit code. */
async function golden(name: string, args: readonly string[], change = steady) {
  const { code, stdout, stderr } = await inProcess(args, { cwd: dir })
  const text = stderr === '' ? stdout : `${stdout}--- standard error ---\n${stderr}`
  expectGolden(`starter-rules/${name}`, change(text))
  return code
}

const MORNING = ['--at', '2026-11-04T10:00:00Z']
/** Assessed two minutes before. */
const DEVICE = ['--device', 'managed, compliant, encrypted, assessed_at=1793786280']
const STRONG = ['--amr', 'pwd,otp', '--auth-age', '5']
const ENGINEER = ['--subject', 'user:corp/eva', '--group', 'ml-research', ...DEVICE]
const RETRAIN = ['--action', 'retrain', '--resource', 'model:fraud-eu@3']
const AGREED = [
  ...['--approval', 'user:corp/olga=group:model-owners,role:approver'],
  ...['--approval', 'user:corp/sam=group:security,role:approver'],
]

const EXPLAINED: readonly (readonly [string, number, readonly string[]])[] = [
  ['permit', 0, [...ENGINEER, ...STRONG, ...RETRAIN, ...AGREED, '--ip', '10.50.0.8']],
  ['step-up', 1, [...ENGINEER, '--amr', 'pwd', ...RETRAIN, ...AGREED, '--ip', '10.50.0.8']],
  [
    'denied-by-rule',
    1,
    [...ENGINEER, '--group', 'model-owners', ...STRONG, ...RETRAIN, ...AGREED, '--ip', '10.50.0.8'],
  ],
  ['condition-failed', 1, [...ENGINEER, ...STRONG, ...RETRAIN, '--ip', '10.50.0.8']],
  [
    'no-rule',
    1,
    ['--subject', 'user:corp/ann', '--group', 'annotation', '--action', 'admin'].concat([
      '--resource',
      'server:registry',
    ]),
  ],
]

describe('explain', () => {
  it.each(EXPLAINED)('a starter rule: %s', async (name, code, asked) => {
    const args = ['explain', '--rules', 'rules', ...MORNING, ...asked]
    expect(await golden(`explain-${name}.txt`, args)).toBe(code)
  })

  it('gives the same as one JSON document', async () => {
    const asked = EXPLAINED[1]?.[2] ?? []
    const args = ['explain', '--rules', 'rules', ...MORNING, ...asked, '--format', 'json']
    expect(await golden('explain-step-up.json', args)).toBe(1)
  })

  it('says what is wrong with rules that do not load, and decides nothing by them', async () => {
    const args = ['explain', '--rules', 'broken-rules', ...MORNING, ...ENGINEER, ...RETRAIN]
    expect(await golden('explain-broken.txt', args)).toBe(3)
  })
})

describe('check', () => {
  it.each(['text', 'sarif'])('warns of what loads and does nothing, as %s', async (format) => {
    const args = ['check', '--rules', 'untidy', '--format', format]
    expect(await golden(`check-untidy.${format}`, args, unversioned)).toBe(0)
  })
})

describe('diff', () => {
  it.each(['txt', 'json'])('shows what the mistakes open, as %s', async (extension) => {
    const format = extension === 'json' ? ['--format', 'json'] : []
    const args = ['diff', 'rules', 'careless', '--exit-code', ...format]
    expect(await golden(`diff-careless.${extension}`, args)).toBe(1)
  })

  it('of the starter rules with themselves is nothing', async () => {
    expect(await golden('diff-same.txt', ['diff', 'rules', 'rules', '--exit-code'])).toBe(0)
  })

  it('with rules that do not load says what is wrong with them', async () => {
    expect(await golden('diff-broken.txt', ['diff', 'rules', 'broken-rules'])).toBe(3)
  })
})

describe('who-can and what-can', () => {
  it('show what the mistakes open', async () => {
    const asked = ['who-can', 'retrain', 'model:fraud-eu@3', '--rules']
    expect(await golden('who-can-retrain.txt', [...asked, 'rules'])).toBe(0)
    expect(await golden('who-can-retrain-careless.txt', [...asked, 'careless'])).toBe(0)
  })

  it('name everything one group may do', async () => {
    const args = ['what-can', 'group:ml-research', '--rules', 'rules']
    expect(await golden('what-can-ml-research.txt', args)).toBe(0)
  })

  it('answer nothing by rules that do not load', async () => {
    const who = ['who-can', 'retrain', 'model:fraud-eu@3', '--rules', 'broken-rules']
    expect(await golden('who-can-broken.txt', who)).toBe(3)
    const what = ['what-can', 'group:ml-research', '--rules', 'broken-rules']
    expect(await inProcess(what, { cwd: dir })).toMatchObject({ code: 3, stdout: '' })
  })
})

describe('replay', () => {
  let world: BuiltWorld

  beforeAll(async () => {
    const names = (await readdir(join(PROJECT, 'rules'))).filter((name) => /\.\w+$/.test(name))
    const files = await Promise.all(names.map(async (name) => [name, await starterFile(name)]))
    const rules = Object.fromEntries(files) as Record<string, string>
    world = await startBuiltWorld({
      policy: rules['policy.csv'] ?? '',
      rules,
      issuer: { groups_claims: ['groups'] },
      // What a client sees of another network, on this machine.
      config: { trusted_proxies: ['127.0.0.1/32'] },
      handler: (_, response) => void response.end('{}'),
    })
    for (const [group, path, address] of ASKED) await ask(group, path, address)
    const last = ASKED.at(-1)?.[1]
    await world.whenRecord(({ type, path }) => type === 'decision' && path === last)
  }, 180_000)
  afterAll(() => world.close())

  /** Group, path, and where the client is. Nobody here depends on the hour of the day. */
  const ASKED: readonly (readonly [string, string, string])[] = [
    ['everyone', '/v2/models/fraud-eu', '198.51.100.9'],
    ['applications', '/v2/models/fraud-eu/infer', '10.1.2.3'],
    ['applications', '/v2/models/fraud-eu/infer', '198.51.100.9'],
    ['data-science', '/v2/models/fraud-eu/infer', '198.51.100.9'],
    ['data-science', '/v2/models/dev-churn/infer', '198.51.100.9'],
    ['ml-research', '/v2/models/dev-churn/infer', '10.200.0.7'],
    ['ml-research', '/v2/models/last', '10.200.0.7'],
  ]

  async function ask(group: string, path: string, address: string): Promise<void> {
    const token = await world.token([], { sub: group, groups: [group] })
    const infers = path.endsWith('/infer')
    const answer = await fetch(`${world.url}${path}`, {
      method: infers ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-forwarded-for': address,
      },
      ...(infers ? { body: '{"inputs":[]}' } : {}),
    })
    await answer.text()
  }

  const replayed = (rules: string) => [
    ...['replay', '--dir', join(world.dir, 'audit'), '--exit-code', '--reasons'],
    ...['--rules', rules],
  ]
  /** Ids differ from run to run. */
  const nameless = (text: string) =>
    steady(text).replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')

  it('of a ledger made with the starter rules changes nothing under them', async () => {
    expect(await golden('replay-same.txt', replayed('rules'), nameless)).toBe(0)
  })

  it('shows which past refusals the mistakes would have permitted', async () => {
    expect(await golden('replay-careless.txt', replayed('careless'), nameless)).toBe(1)
  })

  it('judges nothing by rules that do not load', async () => {
    expect(await golden('replay-broken.txt', replayed('broken-rules'), nameless)).toBe(3)
  })
})
