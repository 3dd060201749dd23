/** What a policy test means: which cases there are, and what counts as expected. */
import { describe, expect, it } from '@jest/globals'
import type { Loaded } from '../../../gateway/domain/diagnostics.ts'
import type { ResourceCatalog } from '../../../gateway/domain/ports.ts'
import { parsePolicyTests } from '../../../gateway/pdp/policy-tests/parse-suites.ts'
import { runPolicyTests } from '../../../gateway/pdp/policy-tests/run-suites.ts'
import type { PolicySuite } from '../../../gateway/pdp/policy-tests/suite.ts'
import { policyOf } from '../../support/policy.ts'

const POLICY = [
  'p, role:reader, read, model:*, always, allow',
  'p, role:reader, infer, model:*, mfa, allow',
  'p, role:reader, retrain, model:*, two-approvals, allow',
  'p, role:reader, deploy, model:*, production & office-hours, allow',
  'p, role:anyone, export, model:*, corp-network, deny',
  'p, role:reader, data:read, dataset:*, managed-device, allow',
  'g, group:staff, role:reader',
].join('\n')

const CATALOG: ResourceCatalog = {
  attributesOf: ({ kind }) => (kind === 'model' ? { environment: 'staging', tags: [] } : undefined),
}

const FIXTURES = `
options: { now: '2026-11-04T10:00:00Z' }
principals:
  ann: { groups: [group:staff] }
  eve: { groups: [group:guests] }
resources:
  churn: { kind: model, name: churn }
  live: { kind: model, name: live, attributes: { environment: production } }
  data: { kind: dataset, name: d }
environments:
  office: { ip: 10.1.2.3 }
  late: { now: '2026-11-04T22:00:00Z' }
  laptop: { device: { managed: true, compliant: true, encrypted: true, age: 5m } }
  stale: { device: { managed: true, compliant: true, encrypted: true, age: 20m } }
  agreed:
    approvals: [{ by: user:a/1, holds: [role:approver] }, { by: user:a/2, holds: [role:approver] }]
`

function parse(
  tests: string,
  fixtures = FIXTURES,
  shared?: string,
): Loaded<readonly PolicySuite[]> {
  return parsePolicyTests({
    suites: [{ file: 'a_test.yaml', text: `name: a\n${fixtures}\ntests:\n${tests}` }],
    fixtures: shared === undefined ? [] : [{ file: 'testdata/principals.yaml', text: shared }],
  })
}

/** Each failure as `principal action resource: difference`. */
async function failuresOf(input: string, expected = '[]'): Promise<string[]> {
  const suites = parse(`  - { name: t, input: ${input}, expected: ${expected} }`)
  if (!suites.ok) throw new Error(JSON.stringify(suites.diagnostics))
  const policy = await policyOf(POLICY)
  const { suites: ran } = runPolicyTests({ policy, resources: CATALOG }, suites.value)
  return ran
    .flatMap(({ results }) => results.flatMap(({ failures }) => failures))
    .map(
      ({ case: c, differences }) =>
        `${c.principal} ${c.action} ${c.resourceName}: ${differences.join('; ')}`,
    )
}

const codesOf = (loaded: Loaded<unknown>) =>
  (loaded.ok ? loaded.warnings : loaded.diagnostics)
    .filter(({ code }) => code !== 'unused-fixture')
    .map(({ code, line }) => `${line} ${code}`)

const ANN = 'principals: [ann], resources: [churn]'

describe('a case', () => {
  it('that is not listed must be refused, a step-up being a refusal', async () => {
    expect(
      await failuresOf('{ principals: [ann, eve], resources: [churn], actions: all }'),
    ).toEqual(['ann read churn: is permit; a case that is not listed must be refused'])
  })

  it('that is expected to be denied must not be a step-up, and the reverse', async () => {
    const input = `{ ${ANN}, actions: [infer, deploy] }`
    const expected = (infer: string, deploy: string) =>
      `[{ principal: ann, resource: churn, actions: { infer: ${infer}, deploy: ${deploy} } }]`
    expect(await failuresOf(input, expected('step-up', 'deny'))).toEqual([])
    expect(await failuresOf(input, expected('deny', 'step-up'))).toEqual([
      'ann infer churn: is step-up, not deny',
      'ann deploy churn: is deny, not step-up',
    ])
  })

  it('is compared with reason, rule and obligations where they are written', async () => {
    const input = `{ ${ANN}, actions: [read, export], environments: [office] }`
    const expected = (read: string, take: string) =>
      `[{ principal: ann, resource: churn, actions: { read: ${read}, export: ${take} } }]`
    const right = expected(
      "{ effect: permit, rule: 'policy.csv:1', obligations: [] }",
      "{ effect: deny, reason: denied_by_rule, rule: 'p, role:anyone,export,model:*, corp-network , deny' }",
    )
    expect(await failuresOf(input, right)).toEqual([])
    const wrong = expected(
      "{ effect: permit, rule: 'policy.csv:2', obligations: [{ type: response.bytes, max: 1 }] }",
      '{ effect: deny, reason: no_rule }',
    )
    expect(await failuresOf(input, wrong)).toEqual([
      'ann read churn: another rule decides than policy.csv:2; the obligations are others',
      'ann export churn: the reason is denied_by_rule, not no_rule',
    ])
  })

  it('has the time of its environment, the attributes of catalog and fixture, and the device', async () => {
    const at = (environment: string, resource: string) =>
      `{ principals: [ann], resources: [${resource}], actions: [deploy], environments: [${environment}] }`
    const permit = '[{ principal: ann, resource: live, actions: { deploy: permit } }]'
    expect(await failuresOf(at('office', 'live'), permit)).toEqual([])
    expect(await failuresOf(at('late', 'live'))).toEqual([])
    expect(await failuresOf(at('office', 'churn'))).toEqual([])
    const data = (environment: string) =>
      `{ principals: [ann], resources: [data], actions: ['data:read'], environments: [${environment}] }`
    const read = "[{ principal: ann, resource: data, actions: { 'data:read': permit } }]"
    expect(await failuresOf(data('laptop'), read)).toEqual([])
    expect(await failuresOf(data('stale'))).toEqual([])
    const agreed = `{ ${ANN}, actions: [retrain], environments: [agreed] }`
    const retrain = '[{ principal: ann, resource: churn, actions: { retrain: permit } }]'
    expect(await failuresOf(agreed, retrain)).toEqual([])
  })

  it('that cannot be decided is a failure, never a pass', async () => {
    const policy = await policyOf(POLICY)
    const broken = { ...policy, matcher: { ...policy.matcher, match: () => raise() } }
    const suites = parse(`  - { name: t, input: { ${ANN}, actions: [admin] } }`)
    if (!suites.ok) throw new Error('not loaded')
    const { suites: ran } = runPolicyTests({ policy: broken, resources: CATALOG }, suites.value)
    expect(ran[0]?.results[0]).toMatchObject({
      outcome: 'failed',
      failures: [{ differences: ['is indeterminate; a case that is not listed must be refused'] }],
    })
  })
})

function raise(): never {
  throw new Error('broken')
}

describe('a file of tests is refused', () => {
  const READ = `{ name: t, input: { ${ANN}, actions: [read] } }`

  it.each([
    [
      'with an unknown fixture',
      '  - { name: t, input: { principals: [anne], resources: [churn], actions: [read] } }',
      ['unknown-principal'],
    ],
    [
      'with an expectation outside its input',
      `  - { name: t, input: { ${ANN}, actions: [read] }, expected: [{ principal: eve, resource: churn, actions: { read: deny } }] }`,
      ['expected-not-covered'],
    ],
    [
      'with two answers to one case',
      `  - { name: t, input: { ${ANN}, actions: [read] }, expected: [{ principal: [ann, ann], resource: churn, actions: { read: permit } }] }`,
      ['expected-twice'],
    ],
    ['with two tests of one name', `  - ${READ}\n  - ${READ}`, ['test-twice']],
    [
      'with a reason for a permit',
      `  - { name: t, input: { ${ANN}, actions: [read] }, expected: [{ principal: ann, resource: churn, actions: { read: { effect: permit, reason: no_rule } } }] }`,
      ['expected-wrong'],
    ],
    [
      'with an obligation that does not exist',
      `  - { name: t, input: { ${ANN}, actions: [read] }, expected: [{ principal: ann, resource: churn, actions: { read: { effect: permit, obligations: [{ type: parameter.cop }] } } }] }`,
      ['expected-wrong'],
    ],
    [
      'that skips without a word',
      `  - { name: t, skip: true, input: { ${ANN}, actions: [read] } }`,
      ['invalid-value'],
    ],
  ])('%s', (_what, tests, codes) => {
    const loaded = parse(tests)
    expect(loaded.ok).toBe(false)
    expect(codesOf(loaded).map((found) => found.split(' ')[1])).toEqual(codes)
  })

  it('without a time, and with a fixture that hides a shared one', () => {
    const fixtures = FIXTURES.replace(/options:.*\n/, '')
    expect(codesOf(parse(`  - ${READ}`, fixtures))).toEqual([
      expect.stringContaining('now-missing'),
    ])
    const shared = 'principals:\n  ann: { groups: [group:admins] }\n'
    expect(codesOf(parse(`  - ${READ}`, FIXTURES, shared))).toEqual(['5 fixture-twice'])
  })

  it('past any matrix a person would write', () => {
    const names = Array.from({ length: 200 }, (_, i) => `p${i}`)
    const fixtures = `options: { now: '2026-11-04T10:00:00Z' }
principals: { ${names.map((name) => `${name}: {}`).join(', ')} }
resources: { ${names.map((name) => `${name}: { kind: model, name: ${name} }`).join(', ')} }`
    const list = `[${names.join(', ')}]`
    const loaded = parse(
      `  - { name: t, input: { principals: ${list}, resources: ${list}, actions: all } }`,
      fixtures,
    )
    expect(codesOf(loaded)).toEqual([expect.stringContaining('too-many-cases')])
  })
})

describe('warnings and coverage', () => {
  it('name fixtures that nothing uses, by their key', () => {
    const loaded = parse(
      `  - { name: t, input: { ${ANN}, actions: [read] } }`,
      FIXTURES,
      'principals:\n  bob: {}\n',
    )
    expect(loaded.ok && loaded.warnings[0]).toMatchObject({
      line: 6,
      column: 3,
      code: 'unused-fixture',
      message: 'no test uses the principal `eve`',
    })
    expect(loaded.ok && loaded.warnings.at(-1)).toMatchObject({
      file: 'testdata/principals.yaml',
      line: 2,
    })
  })

  it('count a rule when it decides, and a condition when it was seen both ways', async () => {
    const suites = parse(`
  - { name: one, input: { ${ANN}, actions: [read, infer] } }
  - { name: two, input: { ${ANN}, actions: [export], environments: [office, late] } }`)
    if (!suites.ok) throw new Error('not loaded')
    const policy = await policyOf(POLICY)
    const run = (filter?: string) =>
      runPolicyTests({ policy, resources: CATALOG }, suites.value, filter).coverage
    expect(run().rules).toMatchObject({ total: 6, covered: 2 })
    expect(run().rules.uncovered.map(({ line }) => line)).toEqual([2, 3, 4, 6])
    expect(run().conditions.uncovered).not.toContainEqual(
      expect.objectContaining({ name: 'corp-network' }),
    )
    expect(run().conditions.uncovered).toContainEqual({ name: 'mfa', missing: ['true', 'false'] })
    expect(run('a / one').rules.covered).toBe(1)
  })
})
