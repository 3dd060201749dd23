/**
 * `npm run bench -- access`: what requests pay for locks, grants and reviews, with none of them and with
 * many; and what it costs to take them in.
 */
import { createGrantIndex } from '../../../gateway/access/elevation/grant-index.ts'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { fold } from '../../../gateway/access/fold/fold.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { createRevocationFinder } from '../../../gateway/access/reviews/finder.ts'
import { emptyState, type AccessState } from '../../../gateway/access/state.ts'
import type { LockFacts } from '../../../gateway/access/view.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { createAccessView } from '../../../gateway/assembly/replica/access-view.ts'
import { depsOf, T0 } from '../../support/elevation.ts'
import { tokenLocks } from '../../support/locks.ts'
import { callerOf, crowdedState, exportAsk, grantOf, holderOf } from '../../support/many-grants.ts'
import { describeMachine } from '../machine.ts'

const USAGE = 'npm run bench -- access [GRANTS] [LOCKS] [TOKENS]   10000, 1000, 1000000\n'

/** Look-ups of one series; each sample is the mean of a batch, for one alone is below the clock. */
const SAMPLES = 5_000
const BATCH = 20

/** Measures and prints; it fails when what is there has its price in the way of a request. */
export function accessBench(args: readonly string[]): void {
  const [grants = 10_000, locks = 1_000, tokens = 1_000_000] = args.map(Number)
  const isUsable = [grants, locks, tokens].every((n) => Number.isInteger(n) && n >= 1)
  if (!isUsable || grants > 1_000_000 || locks > 1_000_000 || tokens > 5_000_000) {
    process.stdout.write(USAGE)
    process.exitCode = 2
    return
  }
  const { cpu, cores, node } = describeMachine()
  process.stdout.write(`${cpu}, ${cores} cores, node ${node}\n`)
  const [none, many] = [emptyState('e'.repeat(32)), crowdedState(grants, locks)]
  const holder = holderOf(7).id.replace('user:corp/', '')
  lookups('nothing granted, nothing locked', none, 'stranger')
  const stranger = lookups(`${grants} grants, ${locks} locks, of others`, many, 'stranger')
  const one = lookups(`the same, one of them fits`, many, holder)
  buildGrants(many)
  appendGrants(grants)
  lockTokens(tokens)
  if (stranger > 2 || one > 5) process.exitCode = 1
}

/** The three questions of a request, as its way asks them. @returns the median in µs */
function lookups(what: string, state: AccessState, name: string): number {
  const deps = depsOf()
  const view = createAccessView({
    replica: {
      state,
      fresh: true,
      stalenessMs: 0,
      now: () => T0 + 1,
      onApplied: () => undefined,
      used: () => undefined,
      regression: undefined,
    },
    locks: createLockIndex(state.locks),
    grants: createGrantIndex(() => deps),
    reviews: createRevocationFinder(),
    versions: { isRestricted: () => false },
    seen: () => undefined,
  })
  const subject = callerOf(name)
  const facts = factsOf(subject)
  const ask = exportAsk(subject, 0)
  const rule = 'p, role:reader, infer, model:*, always, allow'
  let found = 0
  const values = series(() => {
    if (view.lockOn(facts) !== undefined) found++
    if (view.findGrant(ask, facts.holdings).grant !== undefined) found++
    if (view.revokedBy(rule, facts.holdings) !== undefined) found++
  })
  tell(`lockOn + findGrant + revokedBy, ${what}`, values, 'µs')
  if (found !== 0 && found !== (SAMPLES + SAMPLES / 10) * BATCH) throw new Error('not the same')
  return percentile(values, 0.5)
}

function factsOf(subject: Subject): LockFacts {
  return {
    subject,
    holdings: new Set([subject.id, ...subject.groups, ...subject.roles, 'role:anyone']),
    client: '10.1.2.3',
    devices: ['laptop-7'],
    operations: [{ action: 'infer', resource: { kind: 'model', name: 'fraud', version: '3' } }],
    upstream: 'llm',
  }
}

function series(run: () => void): readonly number[] {
  const values: number[] = []
  for (let i = -SAMPLES / 10; i < SAMPLES; i++) {
    const begun = process.hrtime.bigint()
    for (let j = 0; j < BATCH; j++) run()
    if (i >= 0) values.push(Number(process.hrtime.bigint() - begun) / 1_000 / BATCH)
  }
  return values
}

function buildGrants(state: AccessState): void {
  const deps = depsOf()
  const ask = exportAsk(callerOf('stranger'), 0)
  const build: number[] = []
  const more: number[] = []
  for (let i = 0; i < 20; i++) {
    const index = createGrantIndex(() => deps)
    build.push(timed(() => index.find(state, ask)))
    const event = { type: 'grant.issued', grant: grantOf(state.grants.size + i) } as const
    const after = fold(state, [{ v: 1, event, seq: state.seq + 1, at: T0 }])
    more.push(timed(() => index.find(after, ask)))
  }
  tell(`grant index of ${state.grants.size}, built`, build, 'ms')
  tell('one more grant taken in', more, 'ms')
}

function appendGrants(count: number): void {
  const entry = (event: AccessEvent, seq: number) => ({ v: 1, event, seq, at: T0 })
  const entries = Array.from({ length: count }, (_, i) =>
    entry({ type: 'grant.issued', grant: grantOf(i) }, i + 1),
  )
  const empty = emptyState('e'.repeat(32))
  tell(`fold of ${count} grants, at once`, [timed(() => fold(empty, entries))], 'ms')
  let state = empty
  const ofOne = entries.map((one) => timed(() => (state = fold(state, [one]))))
  tell(`fold of ${count} grants, each by itself`, ofOne, 'ms')
}

function lockTokens(count: number): void {
  const locks = tokenLocks(count)
  let index = createLockIndex(new Map())
  tell(
    `lock index of ${count} tokens, built`,
    [timed(() => (index = createLockIndex(locks)))],
    'ms',
  )
  const [free, locked] = [callerOf('stranger'), { ...callerOf('x'), tokenId: `jti-x${count - 1}` }]
  for (const [what, subject] of [
    ['not one of them', free],
    ['one of them', locked],
  ] as const) {
    const facts = factsOf(subject)
    tell(
      `a look-up, ${what}`,
      series(() => void index.find(facts, T0)),
      'µs',
    )
  }
}

function timed(run: () => unknown): number {
  const begun = performance.now()
  run()
  return performance.now() - begun
}

function tell(what: string, values: readonly number[], unit: 'µs' | 'ms'): void {
  const [p50, p99, most] = [0.5, 0.99, 1].map((part) => percentile(values, part).toFixed(2))
  process.stdout.write(`${what.padEnd(72)} p50 ${p50}, p99 ${p99}, most ${most} ${unit}\n`)
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}
