/** The demo as a visitor runs it: the built gateway, a process of its own. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MAIN = 'dist/gateway/main.js'

jest.setTimeout(120_000)

interface Run {
  readonly code: number | null
  readonly out: string
}

interface StepJson {
  readonly number: number
  readonly request: { readonly method: string; readonly path: string; readonly curl: string }
  readonly got: Readonly<Record<string, unknown>> & { readonly arrived: readonly string[] }
  readonly before?: readonly string[]
  readonly ok: boolean
  readonly differences: readonly string[]
}

let folder: string

/** Runs the demo with a temporary folder of its own, so that what it leaves behind is seen. */
function demo(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, 'demo', ...args], {
    env: { PATH: process.env['PATH'], TMPDIR: folder, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out }))
  })
}

beforeAll(async () => {
  if (!existsSync(MAIN)) spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  folder = await mkdtemp(join(tmpdir(), 'modelgate-e2e-'))
})
afterAll(() => rm(folder, { recursive: true }))

const INFER = '/v2/models/iris-classifier/infer'
const TRAIN = INFER.replace('infer', 'train')
const WEIGHTS = '/v2/models/iris-classifier/artifacts/iris-classifier.safetensors'

/** What each step must have come to: number, method, path, status, reason, conditions, arrivals. */
type Row = readonly [
  number,
  string,
  string,
  number,
  (string | undefined)?,
  (string | undefined)?,
  string?,
]

// One row per step reads as a table; the formatter would break the rows.
// prettier-ignore
const ROWS: readonly Row[] = [
  [1, 'GET', '/v2/models', 401, 'authn_missing'],
  [2, 'GET', '/v2/models', 200, undefined, undefined, 'GET /v2/models'],
  [3, 'POST', INFER, 403, 'no_rule'],
  [4, 'POST', INFER, 200, undefined, undefined, `POST ${INFER}`],
  [5, 'GET', WEIGHTS, 403, 'no_rule'],
  [6, 'GET', WEIGHTS, 403, 'no_rule'],
  [7, 'HEAD', WEIGHTS, 403, 'no_rule'],
  [8, 'GET', WEIGHTS.replace('/a', '/%61'), 400, 'target_invalid'],
  [9, 'POST', INFER, 502, 'weights_detected', undefined, `POST ${INFER}`],
  [10, 'POST', INFER, 403, 'condition_failed', 'office-hours'],
  [11, 'POST', INFER, 403, 'condition_failed', 'corp-network'],
  [12, 'POST', INFER, 403, 'condition_failed', 'managed-device'],
  [13, 'POST', TRAIN, 403, 'condition_failed', 'two-approvals'],
  [14, 'POST', TRAIN, 200, undefined, undefined, `POST ${TRAIN}`],
  [15, 'POST', TRAIN, 403, 'grant_spent'],
  [16, 'GET', WEIGHTS, 401, 'step_up_required', 'mfa'],
  [17, 'GET', WEIGHTS, 200, undefined, undefined, `GET ${WEIGHTS}`],
  [18, 'GET', WEIGHTS, 403, 'denied_by_rule'],
  [19, 'POST', INFER, 403, 'locked'],
]

describe('modelgate demo --once --format json', () => {
  let run: Run
  let steps: readonly StepJson[]

  beforeAll(async () => {
    run = await demo('--once', '--format', 'json')
    steps = (JSON.parse(run.out) as { steps: StepJson[] }).steps
  })

  it('makes twenty steps, each as expected, and ends with 0', () => {
    expect(steps.map(({ number, differences }) => ({ number, differences }))).toEqual(
      Array.from({ length: 20 }, (_, i) => ({ number: i + 1, differences: [] })),
    )
    expect(steps.every(({ ok }) => ok)).toBe(true)
    expect(run.code).toBe(0)
  })

  it.each(ROWS)('step %i: %s %s is answered %i %s %s', (...row) => {
    const [number, method, path, status, reason, failed, arrived] = row
    const step = steps[number - 1]
    expect(step?.request).toMatchObject({ method, path })
    expect(step?.request.curl).toContain(path)
    expect(step?.got).toMatchObject({
      status,
      // What is cut on its way out had been permitted, and what a grant has no use left for, by rules.
      effect: [undefined, 'weights_detected', 'grant_spent'].includes(reason) ? 'permit' : 'deny',
      ...(reason === undefined ? {} : { reason }),
      failed: failed === undefined ? [] : [expect.objectContaining({ name: failed })],
      arrived: arrived === undefined ? [] : [arrived],
    })
  })

  it('gives a real prediction, and the very bytes of the weights to the right person', async () => {
    expect(JSON.stringify(steps[3]?.got['body'])).toContain('"setosa"')
    const file = 'gateway/cli/demo/model/iris-classifier.safetensors'
    expect(steps[16]?.got['body']).toMatchObject({ bytes: (await readFile(file)).length })
  })

  it('grants one training because two others agreed', () => {
    expect(steps[13]?.before).toEqual([
      expect.stringMatching(/^tom asks: .*, pending$/),
      expect.stringMatching(/^olga agrees: .*, pending$/),
      expect.stringMatching(/^sven agrees: .*, approved$/),
    ])
  })

  it('keeps every other spelling of the path from the model server', () => {
    const spellings = steps[7]?.got['spellings'] as { status: number; arrived: string[] }[]
    expect(spellings).toHaveLength(5)
    for (const one of spellings) expect(one).toMatchObject({ status: 400, arrived: [] })
  })

  it('names the rule that decided, by file and line', async () => {
    const policy = await readFile('config/examples/demo/rules/policy.csv', 'utf8')
    const lines = policy.split('\n')
    const lineOf = (start: RegExp) => lines.findIndex((line) => start.test(line)) + 1
    expect(steps[3]?.got['rule']).toBe(`rules/policy.csv:${lineOf(/^p, role:inference/)}`)
    expect(steps[15]?.got['rule']).toBe(`rules/policy.csv:${lineOf(/^p, role:exporter/)}`)
    // The line that step 18 wrote is the one after the last.
    expect(steps[17]?.got['rule']).toBe(`rules/policy.csv:${lines.length}`)
  })

  it('finds all of it in ledger and metrics', () => {
    expect(steps[19]?.got).toMatchObject({
      'decision records: permitted': 6,
      'decision records: refused': 18,
      'ledger, checked against its public key': 'intact',
      'a copy with one word changed': 'tampered',
      'a copy without its last record': 'truncated',
      'incidents in the ledger': 1,
      'provenance of trainings in the ledger': 1,
      'locks enforced': 1,
      'exports in the ledger, of exactly this file': 1,
      'requests for weights at the model server': 1,
    })
  })
})

describe('modelgate demo for people', () => {
  it('ends by itself without a terminal, in plain text of 100 columns, and cleans up', async () => {
    const { code, out } = await demo()
    expect(code).toBe(0)
    expect(out).toContain('20 of 20 steps as expected')
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([])
    // eslint-disable-next-line no-control-regex -- no escapes, no carriage returns
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
    // Log lines are JSON; they belong into gateway.log.
    expect(out).not.toContain('"level"')
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves its folder behind when asked to, closed to others', async () => {
    const { code } = await demo('--keep')
    expect(code).toBe(0)
    const [name = ''] = await readdir(folder)
    const kept = await readdir(join(folder, name))
    expect(kept).toEqual(expect.arrayContaining(['audit', 'gateway.log', 'gateway.yaml', 'rules']))
    expect(await readFile(join(folder, name, 'gateway.log'), 'utf8')).toContain('"msg":"stopped"')
  })

  it('says that it has no use for a configuration of the visitor', async () => {
    const { code } = await demo('--once', '--config', 'nowhere/gateway.yaml')
    expect(code).toBe(0)
  })
})
