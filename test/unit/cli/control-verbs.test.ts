import { afterEach, describe, expect, it } from '@jest/globals'
import { inProcess } from '../../support/cli.ts'
import { startFakeControlApi, type FakeControlApi } from '../../support/fake-control-listener.ts'

let api: FakeControlApi | undefined

afterEach(async () => {
  await api?.close()
  api = undefined
})

async function run(line: string, document: object = { items: [] }) {
  api = await startFakeControlApi(() => ({ document }))
  const env = { MODELGATE_CONTROL_URL: api.url, MODELGATE_TOKEN: 'a.b.c' }
  const args = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''))
  const result = await inProcess(args, { cwd: '/', env })
  return { ...result, seen: api.seen.map(({ call, body }) => ({ call, body })) }
}

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('what verbs ask of the control API', () => {
  it.each([
    [
      `request create --action export --resource model:fraud@3 --for 4h --uses 1 --bytes 20GiB --reason "audit"`,
      'POST /v1/requests',
      {
        actions: ['export'],
        resources: ['model:fraud@3'],
        duration: '4h',
        uses_max: 1,
        bytes_max: 20 * 1024 ** 3,
        justification: 'audit',
      },
    ],
    [
      `request create --action retrain --resource model:fraud --for 8h --dataset cards=${DIGEST} --base model:fraud@3 --into model:fraud --reason drift --ticket OPS-7 --criterion drift=high --network 10.0.0.0/8`,
      'POST /v1/requests',
      {
        actions: ['retrain'],
        resources: ['model:fraud'],
        duration: '8h',
        training: {
          datasets: [{ name: 'cards', digest: DIGEST }],
          base: 'model:fraud@3',
          destination: 'model:fraud',
        },
        networks: ['10.0.0.0/8'],
        justification: 'drift',
        ticket: 'OPS-7',
        criteria: { drift: 'high' },
      },
    ],
    [
      `request create --break-glass --action deploy --resource model:m --for 1h --reason "on call"`,
      'POST /v1/requests',
      {
        kind: 'break-glass',
        actions: ['deploy'],
        resources: ['model:m'],
        duration: '1h',
        justification: 'on call',
      },
    ],
    [
      `request approve req-1 --digest ${DIGEST} --for 1h --comment fine`,
      'POST /v1/requests/req-1/approve',
      { digest: DIGEST, comment: 'fine', narrowing: { duration: '1h' } },
    ],
    [
      `request deny req-1 --digest ${DIGEST} --reason no`,
      'POST /v1/requests/req-1/deny',
      { digest: DIGEST, comment: 'no' },
    ],
    ['request cancel req-1 --reason no', 'POST /v1/requests/req-1/cancel', { reason: 'no' }],
    ['grant revoke grant-1 --reason over', 'POST /v1/grants/grant-1/revoke', { reason: 'over' }],
    ['grant open grant-1 --reason fire', 'POST /v1/grants/grant-1/open', { reason: 'fire' }],
    ['grant review grant-1 --findings ok', 'POST /v1/grants/grant-1/review', { findings: 'ok' }],
    ['unlock lock-1 --reason done', 'POST /v1/locks/lock-1/lift', { reason: 'done' }],
    ['review certify review-1 12', 'POST /v1/reviews/review-1/lines/12/certify', {}],
    [
      'review revoke review-1 12 --comment unused',
      'POST /v1/reviews/review-1/lines/12/revoke',
      { comment: 'unused' },
    ],
    [
      'review delegate review-1 12 --to group:owners',
      'POST /v1/reviews/review-1/lines/12/delegate',
      { to: 'group:owners' },
    ],
    ['review close review-1', 'POST /v1/reviews/review-1/close', {}],
    [
      'review start --title Q4 --due 2026-12-31T18:00:00+01:00 --action export',
      'POST /v1/reviews',
      { title: 'Q4', due_at: '2026-12-31T17:00:00.000Z', scope: { action: 'export' } },
    ],
  ])('%s', async (line, call, body) => {
    const { code, stderr, seen } = await run(line)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(seen).toEqual([{ call, body }])
  })

  it.each([
    ['request show a/../b', 'GET /v1/requests/a%2F..%2Fb'],
    ['request list --status pending --mine', 'GET /v1/requests?status=pending&mine=true&limit=200'],
    ['grant show grant-1', 'GET /v1/grants/grant-1'],
    ['grant list --model model:fraud', 'GET /v1/grants?model=fraud&limit=200'],
    ['request list --model fraud', 'GET /v1/requests?model=fraud&limit=200'],
    ['version list --model fraud', 'GET /v1/versions?model=model%3Afraud&limit=200'],
    [
      'who-has model:fraud --action export',
      'GET /v1/privileges?resource=model%3Afraud&action=export&limit=200',
    ],
  ])('%s', async (line, call) => {
    const { code, seen } = await run(line)
    expect(code).toBe(0)
    expect(seen.map((one) => one.call)).toEqual([call])
  })
})

describe('what a lock is on', () => {
  it('is warned of where it is nothing', async () => {
    const document = { id: 'lock-1', status: 'active', warning: 'There is no upstream `lmm`.' }
    const { stdout } = await run('lock --upstream lmm --reason why', document)
    expect(stdout).toMatch(/^warning +There is no upstream `lmm`\.$/m)
  })

  it.each([
    ['--user user:corp/bob', { kind: 'user', id: 'user:corp/bob' }],
    ['--user corp/bob', { kind: 'user', id: 'user:corp/bob' }],
    ['--group contractors', { kind: 'group', id: 'group:contractors' }],
    ['--role exporter', { kind: 'role', id: 'role:exporter' }],
    ['--person bob@example.com', { kind: 'person', id: 'person:bob@example.com' }],
    ['--device d-1', { kind: 'device', id: 'd-1' }],
    ['--network 203.0.113.0/24', { kind: 'network', cidr: '203.0.113.0/24' }],
    ['--token j-1 --issuer corp', { kind: 'token', issuer: 'corp', id: 'j-1' }],
    ['--session s-1 --issuer corp', { kind: 'session', issuer: 'corp', id: 's-1' }],
    [
      '--user corp/bob --issued-before 2026-11-22T10:00:00Z',
      { kind: 'issued-before', subject: 'user:corp/bob', before: '2026-11-22T10:00:00Z' },
    ],
    ['--model fraud', { kind: 'model', id: 'model:fraud' }],
    ['--version fraud@3', { kind: 'version', id: 'model:fraud@3' }],
    ['--upstream llm', { kind: 'upstream', id: 'llm' }],
    ['--all', { kind: 'all' }],
  ])('%s', async (options, target) => {
    const { code, seen } = await run(`lock ${options} --reason why`)
    expect(code).toBe(0)
    expect(seen).toEqual([{ call: 'POST /v1/locks', body: { target, reason: 'why' } }])
  })

  it.each([
    ['lock --reason why', 'a lock is on one thing'],
    ['lock --all --model m --reason why', 'a lock is on one thing'],
    ['lock --all', '--reason is missing'],
    ['lock --token t --reason why', '--issuer NAME'],
    ['lock --group g --issued-before now --reason why', 'goes with --user'],
    ['lock --all --issued-before now --reason why', 'goes with --user'],
    ['lock --token t --issuer i --issued-before now --reason why', 'goes with --user'],
    ['lock --user u --issuer i --reason why', 'goes with --token or --session'],
    ['lock --all --issuer i --reason why', 'goes with --token or --session'],
    ['lock lits', 'Did you mean lock list?'],
    ['provenance verfy', 'Did you mean provenance verify?'],
    ['reqest list', 'Did you mean request list?'],
    ['grants list', 'Did you mean grant list?'],
    ['grants', 'Did you mean grant?'],
    ['request aprove req-1', 'Did you mean request approve?'],
    ['approve req-1', 'Did you mean request approve?'],
    ['show req-1', 'Run: modelgate --help'],
    ['review', 'Run: modelgate review --help'],
    ['version', 'of this program: modelgate --version'],
    ['lock list --satus active', 'Did you mean --status?'],
    ['grant list --format jsn', 'Did you mean json?'],
    ['unlock --reason why', 'the id of one lock'],
    ['request create --for 1h --reason why', '--action is missing'],
    [
      'request create --action retrain --resource model:m --for 1h --reason w --base model:m@1',
      'a retraining needs',
    ],
    [
      'request create --action export --resource model:m --for 1h --reason w --uses 0',
      '--uses takes',
    ],
    [
      'request create --action export --resource model:m --for 1h --reason w --bytes 3GB',
      '--bytes takes',
    ],
    ['request approve req-1', '--digest is missing'],
    ['review certify review-1', 'the number of a line'],
    ['review start --title t --due soon', '--due takes'],
    ['locks', 'Did you mean lock'],
  ])('%s is refused before anything is asked', async (line, message) => {
    const { code, stderr, seen } = await run(line)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(seen).toEqual([])
  })
})

describe('a drill', () => {
  it('ends with 0 when every replica reported that it works', async () => {
    const drill = {
      id: 'drill-1',
      state: 'passed',
      reports: [{ name: 'host 1', ok: true, refused_ms: 12, cut_ms: 15 }],
      missing: [],
    }
    const { code, stdout } = await run('drill', drill)
    expect(code).toBe(0)
    expect(stdout).toMatch(/drill-1 passed/)
    expect(stdout).toMatch(/host 1 +yes +12 ms +15 ms/)
  })

  it('ends with 1 when one is silent, and names it', async () => {
    const drill = { id: 'drill-1', state: 'failed', reports: [], missing: [{ name: 'host 2' }] }
    const { code, stdout } = await run('drill drill-1', drill)
    expect(code).toBe(1)
    expect(stdout).toContain('No report from host 2')
  })
})
