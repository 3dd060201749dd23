/** Goes through the steps: one real request each, held against what the step expects. */
import { createHash } from 'node:crypto'
import { appendFile, readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readRuleFiles } from '../../assembly/rule-files.ts'
import { systemClock } from '../../domain/clock.ts'
import { momentText, MOMENTS } from './clock.ts'
import { decisionOn, gatherFacts, metricsText, type Fact, type Judged } from './evidence.ts'
import { curlLines, send, type Ask, type HttpAnswer } from './http.ts'
import { STEPS, type Expectation, type Step } from './steps.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/** What a request of the demo was answered with, and why. */
export interface Got {
  readonly status: number
  readonly effect: string
  readonly reason?: string
  /** `rules/policy.csv:12`, below the folder of the demo. */
  readonly rule?: string
  /** The rule as written, with single spaces. */
  readonly ruleText?: string
  readonly failed: Judged['failed']
  /** What reached the model server, as its own record has it: `GET /v2/models`. */
  readonly arrived: readonly string[]
  readonly challenge?: string
  /** The JSON body, or what there is to say of a file. */
  readonly body?: unknown
}

/** Another path to the same thing, and how it was answered. */
export interface Spelling {
  readonly path: string
  readonly status: number
  readonly reason?: string
  readonly arrived: readonly string[]
}

/** A step that was made. */
export interface StepResult {
  readonly number: number
  readonly name: string
  readonly story: string
  /** What was done before the request. */
  readonly before: readonly string[]
  readonly request: Pick<Ask, 'method' | 'path'> & { readonly curl: readonly string[] }
  readonly expected: Expectation | Readonly<Record<string, Fact['expected']>>
  readonly got: Got | Readonly<Record<string, Fact['got']>>
  readonly spellings?: readonly Spelling[]
  readonly facts?: readonly Fact[]
  /** What was answered otherwise than expected; empty when `ok`. */
  readonly differences: readonly string[]
  readonly ok: boolean
}

/** Makes every step, in order, and the last look; stops early when `signal` says so. */
export async function* walk(
  world: World,
  signal: AbortSignal,
  steps: readonly Step[] = STEPS,
): AsyncGenerator<StepResult, void> {
  const made: { readonly status: number }[] = []
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) return
    const { got, result } = await makeStep(world, step, index + 1)
    made.push(got, ...(result.spellings ?? []))
    yield result
  }
  if (!signal.aborted) yield await lastLook(world, made, steps.length + 1)
}

async function makeStep(
  world: World,
  step: Step,
  number: number,
): Promise<{ got: Got; result: StepResult }> {
  const { name, story, ask, expect } = step
  const before = await prepare(world, step)
  const { got, body } = await tryOut(world, ask, `demo-step-${number}`)
  const spellings = await trySpellings(world, step, number)
  const differences = [
    ...differencesOf(expect, got, expect.weights === undefined || body.equals(world.weights)),
    ...spellings.flatMap(({ path, status, arrived }) =>
      status < 400 || arrived.length > 0 ? [`${path} was answered ${status}`] : [],
    ),
  ]
  const result = {
    number,
    name,
    story,
    before,
    request: { method: ask.method, path: ask.path, curl: curlLines(ask) },
    expected: expect,
    got,
    ...(spellings.length === 0 ? {} : { spellings }),
    differences,
    ok: differences.length === 0,
  }
  return { got, result }
}

/** Does what comes before the request, and says what it was. */
async function prepare(world: World, { at, edit }: Step): Promise<string[]> {
  const done: string[] = []
  if (at !== undefined) {
    world.clock.moveTo(MOMENTS[at])
    world.tokens.renew()
    await world.writeEnvironment()
    done.push(`It is ${momentText(world.clock.now())} now; everybody has a fresh token.`)
  }
  if (edit !== undefined) {
    const file = join(world.paths.rules, edit.file)
    const startedMs = systemClock.monotonicMs()
    await appendFile(file, `${edit.line}\n`)
    await inForce(world)
    const tookMs = Math.round(systemClock.monotonicMs() - startedMs)
    const where = relative(world.folder, file)
    done.push(`Added to ${where}: ${edit.line}`, `In force after ${tookMs} ms, without a restart.`)
  }
  return done
}

/** Resolves when the metrics name the revision that the rule files have now. */
async function inForce(world: World): Promise<void> {
  const files = await readRuleFiles(world.paths.rules)
  const revision = files.ok ? files.value.revision : 'none'
  const series = `modelgate_policy_info{revision="${revision}"} 1`
  await waitFor('the reload of the rules', async () =>
    (await metricsText(world)).includes(series) ? true : undefined,
  )
}

async function tryOut(
  world: World,
  ask: Ask,
  requestId: string,
): Promise<{ got: Got; body: Buffer }> {
  const token = ask.caller === undefined ? undefined : await world.tokens.of(ask.caller)
  const countBefore = world.arrivals.count
  const answer = await send(world.urls.gateway, ask, { token, requestId })
  const named = answer.headers['x-modelgate-decision-id']
  const decisionId = typeof named === 'string' ? named : undefined
  const judged = await decisionOn(world, { requestId, decisionId })
  const count = world.arrivals.count - countBefore
  const arrived = count === 0 ? [] : world.arrivals.recent.slice(-count)
  const challenge = answer.headers['www-authenticate']
  const got = {
    status: answer.status,
    ...judged,
    ...(judged.rule === undefined ? {} : await ruleAt(world, judged.rule)),
    arrived: arrived.map(({ method, target }) => `${method} ${target}`),
    ...(challenge === undefined ? {} : { challenge }),
    ...(answer.body.length === 0 ? {} : { body: readBody(world, answer) }),
  }
  return { got, body: answer.body }
}

async function trySpellings(world: World, step: Step, number: number): Promise<Spelling[]> {
  const tried: Spelling[] = []
  for (const [index, path] of (step.spellings ?? []).entries()) {
    const { got } = await tryOut(world, { ...step.ask, path }, `demo-step-${number}-${index + 1}`)
    const { status, reason, arrived } = got
    tried.push({ path, status, ...(reason === undefined ? {} : { reason }), arrived })
  }
  return tried
}

/** The place of a rule (below the rules folder) from the folder of the demo, and what it says. */
async function ruleAt(world: World, place: string): Promise<{ rule: string; ruleText: string }> {
  const colon = place.lastIndexOf(':')
  const path = resolve(world.paths.rules, place.slice(0, colon))
  const line = Number(place.slice(colon + 1))
  const text = (await readFile(path, 'utf8')).split('\n')[line - 1] ?? ''
  return {
    rule: `${relative(world.folder, path)}:${line}`,
    ruleText: text.trim().replaceAll(/\s+/g, ' '),
  }
}

function readBody(world: World, { headers, body }: HttpAnswer): unknown {
  if (headers['content-type']?.includes('json') !== true) {
    const sha256 = createHash('sha256').update(body).digest('hex')
    return { bytes: body.length, sha256 }
  }
  // The folder of the demo is long, random and said once.
  return JSON.parse(body.toString('utf8').replaceAll(`${world.folder}/`, '')) as unknown
}

function differencesOf(expect: Expectation, got: Got, sameBytes: boolean): string[] {
  const differences: string[] = []
  const compare = (what: string, expected: unknown, seen: unknown): void => {
    if (JSON.stringify(expected) === JSON.stringify(seen)) return
    differences.push(`${what}: expected ${show(expected)}, got ${show(seen)}`)
  }
  compare('status', expect.status, got.status)
  compare('reason', expect.reason, got.reason)
  const { rule = '', failed = [], holds = [] } = expect
  if (got.ruleText?.startsWith(rule) !== true && rule !== '') compare('rule', rule, got.ruleText)
  compare(
    'conditions not met',
    failed,
    got.failed.map((one) => one.name),
  )
  compare('reached the model server', expect.arrives ? 1 : 0, got.arrived.length)
  const text = `${JSON.stringify(got.body) ?? ''}${got.challenge ?? ''}`
  for (const part of holds) if (!text.includes(part)) compare('answer', part, text)
  if (!sameBytes) differences.push('the bytes are not those of the weight file')
  return differences
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}

/** The last step: what the ledger and the metrics have to say of all others. */
async function lastLook(
  world: World,
  made: readonly { readonly status: number }[],
  number: number,
): Promise<StepResult> {
  const permitted = made.filter(({ status }) => status < 400).length
  const facts = await gatherFacts(world, { permitted, refused: made.length - permitted })
  const differences = facts.flatMap(({ name, expected, got }) =>
    expected === got ? [] : [`${name}: expected ${show(expected)}, got ${show(got)}`],
  )
  const ask = { method: 'GET', path: '/metrics' } as const
  return {
    number,
    name: 'What is left to prove it all',
    story:
      'Every decision is a line of the ledger, chained to the one before it: whoever changes one ' +
      'word of it breaks the chain. The metrics of the control listener say the same.',
    before: [],
    request: { ...ask, curl: curlLines(ask, '$CONTROL') },
    expected: Object.fromEntries(facts.map(({ name, expected }) => [name, expected])),
    got: Object.fromEntries(facts.map(({ name, got }) => [name, got])),
    facts,
    differences,
    ok: differences.length === 0,
  }
}
