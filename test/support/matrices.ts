/** Random matrices and requests as plain facts, small enough to read when one of them fails. */
import fc from 'fast-check'
import type { AccessRequest, Environment } from '../../gateway/domain/access.ts'
import { ACTIONS } from '../../gateway/domain/vocabulary.ts'
import { requestOf, subjectOf } from './policy.ts'

export const CONDITIONS = `
conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
  res: { kind: resource, classification: [restricted] }
  clm: { kind: token, claims: { tier: gold } }
`

/** `p` rows and `g` rows, without their first cell. */
export interface Matrix {
  readonly rows: readonly string[]
  readonly links: readonly string[]
}

/** What is known of a request; `undefined` is missing. */
export interface Facts {
  readonly action: string
  readonly resource: string
  readonly holds: readonly string[]
  readonly inside: boolean
  readonly managed: boolean | undefined
  readonly mfa: boolean | undefined
  readonly classification: string | undefined
  readonly tier: string | undefined
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

const SUBJECTS = [
  'role:anyone',
  'role:r1',
  'role:r2',
  'role:r3',
  'role:r4',
  'role:r5',
  'group:g',
  'group:h',
  'user:kc/alice',
]

/** Words that overlap, so that names and patterns meet often and in awkward ways. */
const word = fc.constantFrom('a', 'b', 'ab', 'aba', 'aa', '-b', 'a/b')
const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(''))
/** `*ab*` and `*aba*-b*` get more than their share: they are found in another way than the rest. */
const glob = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof(word, fc.constant('*')), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('').replace(/\*+/g, '*')),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(word, word), { minLength: 1, maxLength: 2 })
      .map((parts) => `*${parts.map((words) => words.join('')).join('*')}*`),
  },
)
const version = fc.constantFrom('1', '2', '12', '121', '3', '13', '1.2')
const versionGlob = fc.constantFrom('1', '2', '12', '3', '*', '1*', '*2', '1*1', '*.*', '*3', '13')

const pattern = fc.oneof(
  { weight: 6, arbitrary: glob.map((text) => `model:${text}`) },
  { weight: 5, arbitrary: fc.tuple(glob, versionGlob).map(([n, v]) => `model:${n}@${v}`) },
  { weight: 2, arbitrary: glob.map((text) => `dataset:${text}`) },
  { weight: 1, arbitrary: fc.constantFrom('*', 'model:*', 'server:s', 'model:*@1') },
  { weight: 2, arbitrary: fc.constantFrom('server:*', 'server:gate:*', 'server:*:b', '*') },
)

const when: fc.Arbitrary<string> = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('always', 'always', 'net', 'dev', 'mfa', 'mfa', 'res', 'clm'),
    tie('tree').map((a) => `!(${a})`),
    fc
      .tuple(tie('tree'), fc.constantFrom('&', '|'), tie('tree'))
      .map(([a, sign, b]) => `(${a}) ${sign} (${b})`),
  ),
})).tree

const row = fc
  .tuple(
    fc.constantFrom(...SUBJECTS),
    fc.constantFrom('*', '*', '*', '*', 'infer', 'infer', 'infer', ...ACTIONS),
    pattern,
    when,
    fc.constantFrom('allow', 'allow', 'deny'),
    fc.constantFrom('', '', '', ', shadow'),
  )
  .map(([subject, action, resource, condition, effect, mode]) =>
    [subject, action, resource, condition, effect + mode].join(', '),
  )

/** Upwards only, so that no chain is a circle. */
const link = fc.constantFrom(
  'group:g, role:r1',
  'group:h, role:r2',
  'user:kc/alice, role:r3',
  'role:r1, role:r2',
  'role:r2, role:r3',
  'role:r3, role:r4',
  'role:r1, role:r5',
)

/** Up to 40 rows, at least one of them in force. */
export const matrixArbitrary: fc.Arbitrary<Matrix> = fc.record({
  rows: fc
    .array(row, { minLength: 1, maxLength: 40, size: 'max' })
    .filter((rows) => rows.some((text) => !text.endsWith('shadow'))),
  links: fc.uniqueArray(link, { maxLength: 7 }),
})

const resource = fc.oneof(
  { weight: 3, arbitrary: name.map((text) => `model:${text}`) },
  { weight: 3, arbitrary: fc.tuple(name, version).map(([n, v]) => `model:${n}@${v}`) },
  { weight: 1, arbitrary: name.map((text) => `dataset:${text}`) },
  { weight: 1, arbitrary: fc.constantFrom('server:s', 'server:gate:a', 'server:gate:b') },
  { weight: 1, arbitrary: fc.constantFrom('server:s', 'server:t') },
)

export const factsArbitrary: fc.Arbitrary<Facts> = fc.record({
  action: fc.constantFrom(...Array<string>(12).fill('infer'), 'read', ...ACTIONS),
  resource,
  holds: fc.subarray(['group:g', 'group:h', 'group:other', 'role:r4', 'role:r5', 'role:unnamed'], {
    minLength: 1,
  }),
  inside: fc.boolean(),
  managed: maybe(fc.boolean()),
  mfa: maybe(fc.boolean()),
  classification: maybe(fc.constantFrom('restricted', 'public')),
  tier: maybe(fc.constantFrom('gold', 'tin')),
})

/** The matrix as its file. */
export function matrixText({ rows, links }: Matrix): string {
  return [...rows.map((text) => `p, ${text}`), ...links.map((text) => `g, ${text}`)].join('\n')
}

/** The facts on one line. */
export function describeFacts({ action, resource: what, holds, ...facts }: Facts): string {
  const known = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`)
  return [action, what, `by user:kc/alice ${holds.join(' ')}`.trim(), ...known].join(', ')
}

/** The request with these facts. */
export function requestOfFacts(facts: Facts): AccessRequest {
  const environment: Partial<Environment> = {
    client: { ip: facts.inside ? '203.0.113.1' : '198.51.100.1', source: 'peer' },
    ...(facts.managed !== undefined && { device: { managed: facts.managed, source: 'token' } }),
  }
  return requestOf(`${facts.action} ${facts.resource}`, {
    subject: subjectOf({
      groups: facts.holds.filter((held) => held.startsWith('group:')),
      roles: facts.holds.filter((held) => held.startsWith('role:')),
      authentication: facts.mfa === undefined ? {} : { mfa: facts.mfa },
      claims: new Map(facts.tier === undefined ? [] : [['tier', facts.tier]]),
    }),
    ...(facts.classification !== undefined && {
      resourceAttributes: { classification: facts.classification, tags: [] },
    }),
    environment,
  })
}
