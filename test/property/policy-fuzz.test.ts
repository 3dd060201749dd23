/**
 * The starter rules with their bytes mutated, through the very reader of the gateway: it never
 * throws, never hangs, and what it accepts says itself, row by row, all that it then permits.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parse } from 'yaml'
import { readRuleFiles } from '../../gateway/assembly/rule-files.ts'
import type { AccessRequest } from '../../gateway/domain/access.ts'
import type { Diagnostic } from '../../gateway/domain/diagnostics.ts'
import { ACTIONS } from '../../gateway/domain/vocabulary.ts'
import type { CompiledPolicy } from '../../gateway/pdp/compiled-policy.ts'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { loadPolicy } from '../../gateway/pdp/load-policy.ts'
import { loadResources } from '../../gateway/pip/resources.ts'
import { permitLine, readMiniPolicy } from '../support/mini-policy.ts'
import { mutatedBytes, mutations } from '../support/mutations.ts'
import { requestOf, subjectOf, WORKDAY } from '../support/policy.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150)
const TIMEOUT_MS = 600_000
/** No load of a file this small takes a second; past this something did not end in time. */
const CASE_MS_MAX = 30_000

const NAMES = [
  'policy.csv',
  'conditions.yaml',
  'resources.yaml',
  'model.conf',
  'limits.yaml',
] as const
type Name = (typeof NAMES)[number]
const ORIGINAL = new Map(NAMES.map((name) => [name, readFileSync(`rules/${name}`)]))
const textOf = (name: Name) => ORIGINAL.get(name)?.toString('utf8') ?? ''

const dir = mkdtempSync(join(tmpdir(), 'policy-fuzz-'))
afterAll(() => rmSync(dir, { recursive: true }))

async function load(name: Name, bytes: Buffer) {
  for (const [file, content] of ORIGINAL)
    writeFileSync(join(dir, file), file === name ? bytes : content)
  const files = await readRuleFiles(dir)
  if (!files.ok) return files
  const { revision } = files.value
  const policy = await loadPolicy({ files: files.value, revision })
  const resources = loadResources(files.value.resources)
  if (!policy.ok) return policy
  if (!resources.ok) return resources
  const warnings = [...policy.warnings, ...resources.warnings]
  return {
    ok: true as const,
    value: { policy: policy.value, resources: resources.value },
    warnings,
  }
}

/** A request made for each rule, by somebody of whom everything is known, and of whom nothing is. */
function requestsFor(policy: CompiledPolicy): AccessRequest[] {
  return policy.table.rules.slice(0, 60).flatMap((rule) => {
    const { kind, name, version } = rule.resource
    const holder = rule.subject
    const resource = {
      kind: kind === '*' ? ('model' as const) : kind,
      name: name.replaceAll('*', 'fraud') || 'x',
      ...(version !== undefined && { version: version.replaceAll('*', '1') || '1' }),
    }
    const subject = subjectOf({
      id: holder.startsWith('user:') ? holder : 'user:corp/alice',
      groups: holder.startsWith('group:') ? [holder] : [],
      roles: holder.startsWith('role:') && holder !== 'role:anyone' ? [holder] : [],
    })
    const known = {
      subject: {
        ...subject,
        authentication: { mfa: true, amr: ['hwk'], authTime: WORKDAY - 60_000 },
      },
      resourceAttributes: {
        classification: 'confidential',
        environment: 'production',
        tags: ['vault-only'],
      },
      environment: {
        client: { ip: '10.0.0.1', source: 'peer' as const },
        device: {
          managed: true,
          compliant: true,
          encrypted: true,
          assessedAt: WORKDAY,
          source: 'token' as const,
        },
        country: { code: 'DE', source: 'database' as const },
      },
    }
    const action =
      rule.action === '*' ? (ACTIONS[rule.reference.line % ACTIONS.length] ?? 'read') : rule.action
    const base = requestOf('read model:x', { subject })
    return [
      { ...base, action, resource },
      { ...requestOf('read model:x', known), action, resource },
    ]
  })
}

function expectFindings(found: readonly Diagnostic[]): void {
  for (const d of found) {
    expect(d.line).toBeGreaterThanOrEqual(1)
    expect(d.column).toBeGreaterThanOrEqual(1)
    expect([d.file, d.code, d.message, d.remedy].every((text) => text.length > 0)).toBe(true)
  }
}

/** Every rule is a row of the text, where it says, and permits are what a second reading permits. */
function expectFaithful(policy: CompiledPolicy, text: string): void {
  const mini = readMiniPolicy(text)
  const rows = (rules: typeof mini.rules) =>
    rules.map(({ line, cells }) => ({ line, text: cells.join(', ') }))
  const read = (rules: CompiledPolicy['table']['rules']) =>
    rules.map(({ reference }) => ({ line: reference.line, text: reference.text }))
  expect(read(policy.table.rules)).toEqual(rows(mini.rules))
  expect(read(policy.table.shadowed)).toEqual(rows(mini.shadowed))
  expect(policy.table.links.map(({ member, role }) => ['g', member, role])).toEqual(mini.links)
  const point = createDecisionPoint(policy)
  for (const request of requestsFor(policy)) {
    const decision = point.decide(request)
    const truthOf = (name: string) => policy.conditions.get(name).test(request).truth
    const line = permitLine(mini, request, truthOf)
    expect(decision.effect === 'permit' ? decision.rule?.line : undefined).toBe(line)
  }
}

const yamlOf = (text: string) => parse(text, { maxAliasCount: 100 }) as Record<string, unknown>

/** A condition whose text is what it was says what it said. */
function expectSameConditions(
  policy: CompiledPolicy,
  original: CompiledPolicy,
  text: string,
): void {
  const now = yamlOf(text)
  const before = yamlOf(textOf('conditions.yaml'))
  const specs = now['conditions'] as Record<string, unknown>
  expect([...policy.conditions.names].sort()).toEqual(Object.keys(specs).sort())
  const rest = (document: Record<string, unknown>) => ({ ...document, conditions: undefined })
  if (!isDeepStrictEqual(rest(now), rest(before))) return
  const old = before['conditions'] as Record<string, unknown>
  for (const name of policy.conditions.names) {
    if (!isDeepStrictEqual(specs[name], old[name])) continue
    for (const request of requestsFor(original).slice(0, 10)) {
      expect(policy.conditions.get(name).test(request)).toEqual(
        original.conditions.get(name).test(request),
      )
    }
  }
}

/** The definitions that the shipped file holds are all there still; spacing and order are free. */
function expectSameModel(text: string): void {
  const lines = (model: string) =>
    model
      .split('\n')
      .filter((line) => !line.trim().startsWith('#'))
      .map((line) => line.replace(/\s/g, '').split('&&').sort().join('&&'))
      .filter((line) => line !== '')
  expect([...new Set(lines(text))].sort()).toEqual([...new Set(lines(textOf('model.conf')))].sort())
}

describe('rule files with mutated bytes', () => {
  it.each(NAMES)(
    '%s: never throw or hang, and permit nothing that the files do not say',
    async (name) => {
      const loadedOriginal = await load(name, ORIGINAL.get(name) ?? Buffer.alloc(0))
      if (!loadedOriginal.ok) throw new Error(JSON.stringify(loadedOriginal.diagnostics[0]))
      const original = loadedOriginal.value
      let accepted = 0
      await fc.assert(
        fc.asyncProperty(mutations, async (list) => {
          const bytes = mutatedBytes(ORIGINAL.get(name) ?? Buffer.alloc(0), list)
          const started = performance.now()
          const loaded = await load(name, bytes)
          if (performance.now() - started > CASE_MS_MAX) throw new Error('this took too long')
          if (!loaded.ok) {
            expect(loaded.diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
            expectFindings(loaded.diagnostics)
            return
          }
          accepted++
          expectFindings(loaded.warnings)
          const { policy, resources } = loaded.value
          // What does not decode is never accepted: this reading has no replacement characters of its own.
          const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
          expectFaithful(policy, name === 'policy.csv' ? text : textOf('policy.csv'))
          if (name === 'conditions.yaml') expectSameConditions(policy, original.policy, text)
          if (name === 'model.conf') expectSameModel(text)
          if (name !== 'resources.yaml' || isDeepStrictEqual(yamlOf(text), yamlOf(textOf(name)))) {
            for (const { resource } of requestsFor(original.policy)) {
              expect(resources.attributesOf(resource)).toEqual(
                original.resources.attributesOf(resource),
              )
            }
          }
        }),
        { numRuns: RUNS },
      )
      // Mutations inside comments and values leave many files valid; none would mean a broken test.
      expect(accepted).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )

  it(
    'policy.csv cut at any line end is a valid file with the rows before the cut, or refused',
    async () => {
      const lines = textOf('policy.csv').split('\n')
      for (let count = 0; count <= lines.length; count++) {
        const text = lines.slice(0, count).join('\n')
        const loaded = await load('policy.csv', Buffer.from(text))
        if (loaded.ok) expectFaithful(loaded.value.policy, text)
        else expect(loaded.diagnostics.map(({ code }) => code)).toContain('empty-policy')
      }
    },
    TIMEOUT_MS,
  )

  it(
    'policy.csv cut inside a row is refused, or warned of',
    async () => {
      const text = textOf('policy.csv').trimEnd()
      const lastRule = text.lastIndexOf('\np,') + 1
      const ends = [lastRule, text.lastIndexOf('\n') + 1].flatMap((start) => {
        const end = text.indexOf('\n', start)
        return Array.from(
          { length: (end < 0 ? text.length : end) - start },
          (_, i) => start + 1 + i,
        )
      })
      for (const end of ends) {
        const cut = text.slice(0, end)
        const loaded = await load('policy.csv', Buffer.from(cut))
        if (!loaded.ok) continue
        expectFaithful(loaded.value.policy, cut)
        expect(loaded.warnings.map(({ code }) => code)).toContain('no-final-newline')
      }
    },
    TIMEOUT_MS,
  )
})
