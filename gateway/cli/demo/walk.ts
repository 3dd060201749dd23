/** Goes through the steps: one real request each, held against what the step expects. */
import { appendFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { readRuleFiles } from '../../assembly/rule-files.ts'
import { systemClock } from '../../domain/clock.ts'
import { momentText, MOMENTS } from './clock.ts'
import { attempt, type Got } from './attempt.ts'
import { differencesOf, show } from './differences.ts'
import { gatherFacts, metricsText, type Fact } from './evidence.ts'
import { makeCalls } from './control-calls.ts'
import { curlLines, type Ask } from './http.ts'
import type { Expectation, Step } from './step.ts'
import { STEPS } from './steps.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/** Another path to the same thing, and how it was answered. */
export interface Spelling {
  readonly path: string
  readonly status: number
  readonly effect: string
  readonly reason?: string
  readonly arrived: readonly string[]
}

/** What a request was answered with, and what was decided about it before. */
type Answered = Pick<Spelling, 'status' | 'effect' | 'arrived'>

/** What came of one step. */
export type StepOutcome =
  | {
      readonly kind: 'request'
      readonly expected: Expectation
      readonly got: Got
      readonly spellings: readonly Spelling[]
    }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }

/** A step that was made. */
export interface StepResult {
  readonly number: number
  readonly name: string
  readonly story: string
  /** What was done before the request. */
  readonly before: readonly string[]
  readonly request: Pick<Ask, 'method' | 'path'> & { readonly curl: readonly string[] }
  readonly outcome: StepOutcome
  /** What was answered otherwise than expected; empty when all is well. */
  readonly differences: readonly string[]
}

/** Makes every step, in order, and the last look; stops early when `signal` says so. */
export async function* walk(
  world: World,
  signal: AbortSignal,
  steps: readonly Step[] = STEPS,
): AsyncGenerator<StepResult, void> {
  const answers: Answered[] = []
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) return
    const { outcome, ...result } = await makeStep(world, step, index + 1)
    answers.push(outcome.got, ...outcome.spellings)
    yield { ...result, outcome }
  }
  if (!signal.aborted) yield await lastLook(world, answers, steps.length + 1)
}

async function makeStep(world: World, step: Step, number: number) {
  const { name, story, ask, expect: expected } = step
  const before = await prepare(world, step)
  const { got, body } = await attempt(world, ask, `demo-step-${number}`)
  const spellings = await trySpellings(world, step, number)
  const sameBytes = expected.weights === undefined || body.equals(world.weights)
  const leaks = spellings.filter(({ status, arrived }) => status < 400 || arrived.length > 0)
  return {
    number,
    name,
    story,
    before,
    request: { method: ask.method, path: ask.path, curl: curlLines(ask) },
    outcome: { kind: 'request' as const, expected, got, spellings },
    differences: [
      ...differencesOf(expected, got, sameBytes),
      ...leaks.map(({ path, status }) => `${path}: expected a refusal, got ${status}`),
    ],
  }
}

/** Does what comes before the request, and says what it was. */
async function prepare(world: World, { at, edit, calls = [] }: Step): Promise<string[]> {
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
  return [...done, ...(await makeCalls(world, calls))]
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

async function trySpellings(world: World, step: Step, number: number): Promise<Spelling[]> {
  const tried: Spelling[] = []
  for (const [index, path] of (step.spellings ?? []).entries()) {
    const { got } = await attempt(world, { ...step.ask, path }, `demo-step-${number}-${index + 1}`)
    const { status, effect, reason, arrived } = got
    tried.push({ path, status, effect, ...(reason === undefined ? {} : { reason }), arrived })
  }
  return tried
}

/** The last step: what the ledger and the metrics have to say of all others. */
async function lastLook(
  world: World,
  answers: readonly Answered[],
  number: number,
): Promise<StepResult> {
  const permitted = answers.filter(({ effect }) => effect === 'permit').length
  const refused = answers.length - permitted
  const stopped = answers.filter(({ effect, status }) => effect === 'permit' && status >= 400)
  const cut = stopped.filter(({ arrived }) => arrived.length > 0).length
  const held = stopped.length - cut
  const facts = await gatherFacts(world, { permitted, refused, cut, held })
  const ask = { method: 'GET', path: '/metrics' } as const
  return {
    number,
    name: 'What is left to prove it all',
    story:
      'Every decision is a line of the ledger that holds the hash of the line before it: change a ' +
      'word, and the next line gives it away; cut the end off, and a signed checkpoint does. The ' +
      'metrics of the control listener count the same.',
    before: [],
    request: { ...ask, curl: ['curl -s "$CONTROL/metrics" | grep ^modelgate_'] },
    outcome: { kind: 'facts', facts },
    differences: facts
      .filter(({ expected, got }) => expected !== got)
      .map(({ name, expected, got }) => `${name}: expected ${show(expected)}, got ${show(got)}`),
  }
}
