/**
 * `diff` against brute force: it reports nothing exactly when no subset of principals, no resource
 * and no truths of conditions are decided differently, and what it reports really is.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Truth } from '../../gateway/domain/access.ts'
import type { Action } from '../../gateway/domain/vocabulary.ts'
import { compareRules, type AccessChange } from '../../gateway/pdp/analysis/diff.ts'
import { analysed, decider, type Asked, type Truths } from '../support/analysis.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60)
const TIMEOUT_MS = 300_000

const CONDITIONS = (net: string) => `
conditions:
  net: { kind: network, cidrs: [${net}] }
  mfa: { kind: mfa, required: true }
  res: { kind: resource, classification: [secret] }
`
const RESOURCES = `
models:
  a-*: { classification: secret }
  '*': { classification: open }
`

const SUBJECTS = ['role:anyone', 'role:r', 'role:s', 'group:g', 'user:kc/u', 'user:kc/w']
const TRUTHS: readonly Truth[] = ['true', 'false', 'unknown']
const WHENS = [
  'always',
  'net',
  'mfa',
  '!net',
  'net & mfa',
  'net | mfa',
  'mfa | !mfa',
  'res',
  '!res & net',
]

const row = fc
  .tuple(
    fc.constantFrom(...SUBJECTS),
    fc.constantFrom('read', 'export', '*'),
    fc.constantFrom(
      'model:*',
      'model:a-*',
      'model:a-b',
      'model:*b',
      'model:a-*@1',
      '*',
      'dataset:*',
      'server:*',
      'server:gate:*',
    ),
    fc.constantFrom(...WHENS),
    fc.constantFrom('allow', 'allow', 'deny'),
  )
  .map((cells) => `p, ${cells.join(', ')}`)
const link = fc
  .tuple(
    fc.constantFrom('group:g', 'user:kc/u', 'role:r', 'role:anyone'),
    fc.constantFrom('role:s', 'role:t'),
  )
  .map((cells) => `g, ${cells.join(', ')}`)
const rules = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 5 }),
  links: fc.array(link, { maxLength: 2 }),
  net: fc.constantFrom('10.0.0.0/8', '10.0.0.0/8', '10.1.0.0/16'),
})
type Rules = typeof rules extends fc.Arbitrary<infer T> ? T : never

/** Two revisions that have most in common, as real ones do. */
const revisions = fc.oneof(
  fc.tuple(rules, rules),
  fc.tuple(rules, row, fc.nat(4)).map(([old, added, place]): [Rules, Rules] => {
    const rows = old.rows.toSpliced(place % old.rows.length, 1, added)
    return [old, { ...old, rows }]
  }),
  fc
    .tuple(rules, fc.shuffledSubarray(['x', 'y']))
    .map(([old]): [Rules, Rules] => [
      old,
      { ...old, rows: old.rows.toReversed(), links: old.links.toReversed() },
    ]),
)

const load = ({ rows, links, net }: Rules) =>
  analysed({
    policy: `${[...rows, ...links].join('\n')}\n`,
    conditions: CONDITIONS(net),
    resources: RESOURCES,
  })

/** At least one resource of every class that the patterns above can tell apart. */
const RESOURCE_NAMES = [
  ...['a-b', 'a-xb', 'a-x', 'xb', 'x'].flatMap((name) =>
    ['', '@1', '@2'].map((version) => `model:${name}${version}`),
  ),
  'dataset:d',
  'server:s',
  'server:gate:x',
]

/** Every set of principals a token could have. */
const CALLERS = SUBJECTS.slice(1)
  .reduce<string[][]>((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]])
  .filter((set) => set.filter((name) => name.startsWith('user:')).length < 2)

function* circumstances(sameNet: boolean): Generator<{ old: Truths; new: Truths }> {
  for (const mfa of TRUTHS) {
    for (const net of TRUTHS) {
      if (sameNet) yield { old: { mfa, net }, new: { mfa, net } }
      else for (const other of TRUTHS) yield { old: { mfa, net }, new: { mfa, net: other } }
    }
  }
}

function* questions(actions: readonly Action[]): Generator<Asked> {
  for (const resource of RESOURCE_NAMES) {
    for (const action of actions) for (const caller of CALLERS) yield { caller, action, resource }
  }
}

/** Whether a line is about some of the caller's principals, the action and these circumstances. */
function explains(
  { callers, actions, when }: AccessChange,
  asked: Asked,
  truths: { old: Truths; new: Truths },
): boolean {
  const has = (names: readonly string[]) =>
    names.some((name) => name === 'role:anyone' || asked.caller.includes(name))
  const truthOf = (label: string): Truth | undefined =>
    label.endsWith(' (old)')
      ? truths.old[label.slice(0, -6)]
      : truths.new[label.split(' ')[0] ?? '']
  return (
    has([...callers.anyOf, ...callers.also]) &&
    (callers.with.length === 0 || has(callers.with)) &&
    actions.includes(asked.action) &&
    (when.terms ?? [[]]).some((term) =>
      term.every(({ condition, truths: some }) => some.includes(truthOf(condition) ?? 'unknown')),
    )
  )
}

async function check([oldRules, newRules]: [Rules, Rules]): Promise<void> {
  const [before, after] = [await load(oldRules), await load(newRules)]
  const { gains, losses } = compareRules(before, after)
  const found = { gain: false, loss: false }
  const actions: Action[] = ['read', 'export']
  for (const truths of circumstances(oldRules.net === newRules.net)) {
    const old = decider(before, truths.old)
    const now = decider(after, truths.new)
    for (const asked of questions(actions)) {
      if (old(asked) === now(asked)) continue
      const direction = now(asked) ? 'gain' : 'loss'
      found[direction] = true
      const told = direction === 'gain' ? gains : losses
      if (!told.some((change) => explains(change, asked, truths))) {
        throw new Error(`nothing explains ${JSON.stringify({ direction, asked, truths })}`)
      }
    }
  }
  // What is never asked above is the action `infer`, which no rule tells from `read` but by name.
  const relevant = (changes: readonly AccessChange[]) =>
    changes.some((change) => change.actions.some((action) => actions.includes(action)))
  expect({ gain: relevant(gains), loss: relevant(losses) }).toEqual(found)
  for (const { direction, example } of [...gains, ...losses]) {
    const caller = example.caller.filter((name) => name !== 'role:anyone')
    const asked = { ...example, caller }
    expect(decider(before, example.conditions.old)(asked)).toBe(direction === 'loss')
    expect(decider(after, example.conditions.new)(asked)).toBe(direction === 'gain')
  }
}

describe('diff', () => {
  it(
    'reports exactly what brute force over every caller finds, with examples that differ',
    async () => {
      await fc.assert(fc.asyncProperty(revisions, check), { numRuns: RUNS, endOnFailure: true })
    },
    TIMEOUT_MS,
  )
})
