/** Attacks on the rule files and their reload, by the numbers of the list of adversarial cases. */
import { describe, expect, it } from '@jest/globals'
import { createDecisionPoint, evaluationOf } from '../../../gateway/pdp/decision/decision-point.ts'
import { selfTest } from '../../../gateway/pdp/engine/self-test.ts'
import { MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { parsePolicy } from '../../../gateway/pdp/policy/policy-csv.ts'
import { effectOf } from '../../support/casbin.ts'
import {
  errorsOf,
  load,
  placeAndCode,
  policyOf,
  requestOf,
  warningsOf,
  WORKDAY,
} from '../../support/policy.ts'

const ALLOW = 'p, role:anyone, read, *, always, allow\n'

describe('attacks on the rule files', () => {
  it.each([
    ['zero bytes', ''],
    ['comments', '# p, role:anyone, admin, *, always, allow\n'],
    ['memberships', 'g, group:a, role:b\n'],
    ['blank lines', '\r\n\r\n   \n'],
  ])('212: a file of %s is refused, never an open gate', async (_name, text) => {
    expect(await errorsOf(text)).toEqual(['1:1 empty-policy'])
  })

  it('212: a file past every bound is refused before it is read row by row', () => {
    const text = 'x'.repeat(32 * 1024 * 1024 + 1)
    const parsed = parsePolicy({ file: 'policy.csv', text }, new Set())
    expect(parsed.ok ? [] : parsed.diagnostics.map(placeAndCode)).toEqual(['1:1 file-too-large'])
  })

  it.each([',', '"', '\n', '\r', '(', ')', '#', '$$', '\0', '`', "'", '\u2029'])(
    '214: a resource with %j is refused, wherever it stands',
    async (character) => {
      for (const name of [`a${character}b`, `${character}b`]) {
        const loaded = await load(`${ALLOW}p, role:a, read, model:${name}, always, deny\n`)
        expect(loaded.ok).toBe(false)
      }
    },
  )

  it('214: two colons are part of a name and of nothing else', async () => {
    const policy = 'p, role:anyone, read, model:a::b, always, allow'
    expect(await effectOf(policy, requestOf('read model:a::b'))).toBe('permit')
    expect(await effectOf(policy, requestOf('read model:a:b'))).toBe('not-applicable')
  })

  it.each(['/**', '(a+)+', '.*', 'model:.*', 'model:**', 'model:x/{', 'model:é', 'model:^a$'])(
    '215: the pattern %s is refused',
    async (pattern) => {
      const errors = await errorsOf(`p, role:a, read, ${pattern}, always, deny`)
      expect(errors).toEqual([expect.stringMatching(/resource-pattern$/)])
    },
  )

  it('215: a pattern of 10,000 characters or twenty stars is refused', async () => {
    expect(await errorsOf(`p, role:a, read, model:${'a'.repeat(1900)}, always, deny`)).toHaveLength(
      1,
    )
    expect(await errorsOf(`p, role:a, read, model:${'a'.repeat(10_000)}, always, deny`)).toEqual([
      '1:2049 line-too-long',
    ])
    expect(await errorsOf(`p, role:a, read, model:${'a*'.repeat(20)}, always, deny`)).toHaveLength(
      1,
    )
  })

  it.each([
    ['drops the deny', MODEL_TEXT.replace(' && !some(where (p.eft == deny))', '')],
    ['denies only', MODEL_TEXT.replace('some(where (p.eft == allow)) && ', '')],
    ['has priorities', MODEL_TEXT.replace(/e = .*/, 'e = priority(p.eft) || deny')],
    ['has subject priorities', MODEL_TEXT.replace(/e = .*/, 'e = subjectPriority(p.eft) || deny')],
    ['matches everything', MODEL_TEXT.replace(/m = .*/, 'm = true')],
    ['compares a field that is not there', MODEL_TEXT.replace('p.sub)', 'p.sbu)')],
    ['calls g()', MODEL_TEXT.replace('holdsSubject', 'g')],
    ['calls regexMatch', MODEL_TEXT.replace('matchesResource', 'regexMatch')],
    ['evaluates policy text', MODEL_TEXT.replace(/m = .*/, 'm = eval(p.when)')],
    ['says or', MODEL_TEXT.replace('&& holdsSubject', '|| holdsSubject')],
    ['has a second matcher', `${MODEL_TEXT}m2 = true\n`],
    ['repeats a section', `${MODEL_TEXT}[matchers]\nm = true\n`],
    ['misses a section', MODEL_TEXT.replace(/\[role_definition\]\ng = .*\n/, '')],
    ['has a trailing comment', MODEL_TEXT.replace('r = sub', 'r = sub # who')],
    ['is empty', ''],
  ])('217: a model that %s is refused', async (_name, model) => {
    expect(model).not.toBe(MODEL_TEXT)
    expect((await load(ALLOW, undefined, model)).ok).toBe(false)
  })

  it('218: an engine that permits what no rule allows fails the self-test', async () => {
    const policy = await policyOf(`p, role:a, read, model:x, always, deny\n${ALLOW}`)
    expect(selfTest(policy)).toBeUndefined()
    const allow = policy.table.rules[1]
    const broken = { ...policy, matcher: { ...policy.matcher, match: () => allow } }
    expect(selfTest(broken)).toMatch(/policy\.csv:\d+/)
  })

  it.each([
    ['a circle of two', 'g, role:a, role:b\ng, role:b, role:a\n', '2:4 role-cycle'],
    ['a link to itself', 'g, role:a, role:a\n', '2:4 role-self-link'],
    [
      'a chain of eleven',
      Array.from({ length: 11 }, (_, i) => `g, role:r${i}, role:r${i + 1}\n`).join(''),
      '2:4 role-depth',
    ],
  ])('220: %s is refused', async (_name, rows, expected) => {
    expect(await errorsOf(ALLOW + rows)).toEqual([expected])
  })

  it('220: two hundred roles that are all linked are refused', async () => {
    const rows = Array.from({ length: 200 * 200 }, (_, i) => {
      return `g, role:x${Math.floor(i / 200)}, role:x${i % 200}\n`
    }).filter((_row, i) => Math.floor(i / 200) !== i % 200)
    const codes = new Set((await errorsOf(ALLOW + rows.join(''))).map((e) => e.split(' ')[1]))
    expect([...codes].sort()).toEqual(['role-fan-out', 'too-many-findings'])
  })

  it('221: one decision sees one revision, and the next request sees the removal', async () => {
    const rule = 'p, role:b, read, *, always, allow\n'
    const [before, after] = [
      await policyOf(`${rule}g, user:kc/alice, role:b\n`),
      await policyOf(rule),
    ]
    const request = requestOf('read model:x')
    const evaluation = evaluationOf(before, request)
    expect(createDecisionPoint(after).decide(request).effect).toBe('not-applicable')
    // What is in flight goes on under the revision it began with; the subject object is the same.
    expect(before.matcher.match(evaluation)?.reference.line).toBe(1)
  })

  it.each(['-1', 'NaN', '1e0', '0x1', '1'])('223: a priority of %s has no place', async (value) => {
    expect((await load(`p, ${value}, role:a, read, *, always, deny\n`)).ok).toBe(false)
    expect((await load(`${ALLOW}p, role:a, read, *, always, deny, ${value}\n`)).ok).toBe(false)
  })

  it('224: subjects have no wildcards, `*` is no privileged action, `/*` no resource', async () => {
    for (const subject of ['user:*', 'group:*', 'role:*', 'user:kc/*', '*']) {
      expect(await errorsOf(`p, ${subject}, read, *, always, allow`)).toHaveLength(1)
    }
    expect(await errorsOf('p, role:a, read, /*, always, allow')).toEqual(['1:18 resource-pattern'])
    const star = 'p, role:anyone, *, *, always, allow'
    for (const action of ['export', 'retrain', 'deploy', 'data:write', 'admin']) {
      expect(await effectOf(star, requestOf(`${action} model:x`))).toBe('not-applicable')
    }
    expect(await warningsOf('p, role:anyone, export, *, always, allow')).toEqual(['1:1 wide-open'])
  })

  it('226: half a row is an error, and the rows before it are not in force', async () => {
    const text = 'p, role:anyone, read, model:*, always, allow\np, role:anyone, read, model:x, al'
    expect(await errorsOf(text)).toEqual(['2:1 column-count'])
  })

  it('227: ten bad loads and then a good one: the last is in force', async () => {
    for (let i = 0; i < 10; i++) expect((await load(`${ALLOW}q${i}\n`)).ok).toBe(false)
    expect(await effectOf(ALLOW)).toBe('permit')
  })

  it('230: more than 100,000 rows are refused', () => {
    const text = ALLOW.repeat(100_001)
    const parsed = parsePolicy({ file: 'policy.csv', text }, new Set())
    expect(parsed.ok ? '' : parsed.diagnostics[0]?.code).toBe('too-many-rows')
  })

  it('233: nothing is remembered past a window, an attribute or a revision', async () => {
    const point = createDecisionPoint(
      await policyOf('p, role:anyone, read, *, office-hours, allow'),
    )
    const at = (now: number) =>
      point.decide(requestOf('read model:x', { environment: { now } })).effect
    const closes = WORKDAY + 7 * 3_600_000
    expect([at(WORKDAY), at(closes - 1), at(closes), at(WORKDAY)]).toEqual([
      'permit',
      'permit',
      'deny',
      'permit',
    ])
  })

  it('235: requests are decided one by one; there is no batch that could be mixed', async () => {
    const point = createDecisionPoint(await policyOf(ALLOW))
    expect(Object.keys(point).sort()).toEqual(['decide', 'revision'])
    const both = [requestOf('read model:x'), requestOf('read model:y')] as unknown as never
    expect(point.decide(both).effect).toBe('indeterminate')
  })

  it('229: an older revision never comes back by itself: each is an object of its own', async () => {
    const [first, second] = [await policyOf(ALLOW), await policyOf(`${ALLOW}# later\n`)]
    expect(first).not.toBe(second)
    for (const policy of [first, second]) {
      expect(Object.isFrozen(policy)).toBe(true)
      expect(createDecisionPoint(policy).revision).toBe(policy.revision)
    }
  })
})
