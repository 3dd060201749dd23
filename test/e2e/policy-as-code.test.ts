/**
 * `modelgate check` and `modelgate test` on the starter rules and on rules and tests that are broken
 * on purpose, in every format, compared whole with test/golden/policy-as-code.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it } from '@jest/globals'
import { PROJECT } from '../support/build.ts'
import { inProcess } from '../support/cli.ts'
import { expectGolden } from '../support/golden.ts'
import { SARIF_FIELDS } from '../support/sarif-fields.ts'
import { parseXml } from '../support/xml.ts'

const FIXTURES = join(PROJECT, 'test/fixtures')
const FORMATS = ['text', 'json', 'sarif', 'github', 'junit']

/** Digests change with every edit of the rules and say nothing here; versions with every release. */
function stable(text: string): string {
  return text
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/"semanticVersion": "[^"]*"/g, '"semanticVersion": "…"')
}

const both = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
  stable(stderr === '' ? stdout : `${stdout}--- standard error ---\n${stderr}`)

async function golden(
  name: string,
  args: readonly string[],
  cwd = FIXTURES,
): Promise<number | null> {
  const result = await inProcess(args, { cwd })
  expectGolden(`policy-as-code/${name}`, both(result))
  return result.code
}

describe('modelgate check', () => {
  it.each(FORMATS)('on broken rules says where, what and what instead, as %s', async (format) => {
    const args = ['check', '--rules', 'broken-rules', '--format', format]
    expect(await golden(`check-broken.${format}`, args)).toBe(3)
  })

  it.each(FORMATS)('on the starter rules finds nothing, as %s', async (format) => {
    const args = ['check', '--rules', 'rules', '--format', format]
    expect(await golden(`check-starter.${format}`, args, PROJECT)).toBe(0)
  })
})

describe('modelgate test', () => {
  it.each(FORMATS)('says what came out otherwise, and why, as %s', async (format) => {
    const args = ['test', '--rules', 'failing-tests', '--min-coverage', '90', '--format', format]
    expect(await golden(`test-failing.${format}`, args)).toBe(1)
  })

  it.each(FORMATS)('refuses tests that could never fail, as %s', async (format) => {
    const args = ['test', '--rules', 'broken-tests', '--format', format]
    expect(await golden(`test-broken.${format}`, args)).toBe(3)
  })

  it('does not run tests against rules that do not load', async () => {
    expect(await golden('test-broken-rules.text', ['test', '--rules', 'broken-rules'])).toBe(3)
  })

  it.each(['compiled', 'casbin'])(
    'proves every starter rule, with the engine %s',
    async (engine) => {
      const args = ['test', '--rules', 'rules', '--min-coverage', '100', '--engine', engine]
      expect(await golden('test-starter.text', args, PROJECT)).toBe(0)
    },
  )
})

describe('what is written for machines', () => {
  const read = (name: string) =>
    readFileSync(join(PROJECT, 'test/golden/policy-as-code', name), 'utf8')
  const logs = ['check-broken', 'check-starter', 'test-failing', 'test-broken']

  it.each(logs)('%s.sarif has what SARIF 2.1.0 asks for', (name) => {
    const validate = new Ajv({ strictTypes: false }).compile(SARIF_FIELDS)
    validate(JSON.parse(read(`${name}.sarif`).replaceAll('"…"', '"1.0.0"')))
    expect(validate.errors).toBeNull()
  })

  it.each(logs)('%s.junit is well-formed, and counts what it holds', (name) => {
    const root = parseXml(read(`${name}.junit`))
    const cases = root.children.flatMap((suite) => suite.children)
    const failed = cases.filter(({ children }) =>
      children.some((child) => child.name === 'failure'),
    )
    expect(root.attributes).toMatchObject({
      tests: String(cases.length),
      failures: String(failed.length),
    })
    expect(failed.length > 0).toBe(!name.endsWith('starter'))
  })
})

describe('the command line of modelgate test', () => {
  const run = (...args: string[]) => inProcess(['test', ...args], { cwd: FIXTURES })

  it('runs only what the filter names, and says when that is nothing', async () => {
    const some = await run('--rules', 'failing-tests', '--filter', 'staff read')
    expect([some.code, some.stdout]).toEqual([0, expect.stringContaining('1 test (1 passed')])
    const none = await run('--rules', 'failing-tests', '--filter', 'zebra')
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no test has "zebra"')])
  })

  it('does not take a folder without tests for one that passed', async () => {
    const without = await run('--rules', 'no-tests')
    expect([without.code, without.stderr]).toEqual([3, expect.stringContaining('[no-tests]')])
    const allowed = await run('--rules', 'no-tests', '--allow-none')
    expect([allowed.code, allowed.stdout]).toEqual([0, expect.stringContaining('0 tests')])
  })

  it.each([
    [['--engine', 'cedar'], '--engine takes compiled or casbin'],
    [['--min-coverage', '101'], '--min-coverage takes a percentage from 0 to 100'],
    [['--min-coverage', '-1'], '--min-coverage'],
    [['--format', 'sarfi'], 'Did you mean sarif?'],
  ])('%j is a wrong command line', async (args, text) => {
    const { code, stderr } = await run('--rules', 'failing-tests', ...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  })

  it.each(['check', 'test'])(
    '%s uses colour where the terminal has it, for people',
    async (verb) => {
      const asked = (format: string, colour: boolean) =>
        inProcess([verb, '--rules', 'failing-tests', '--format', format], { cwd: FIXTURES, colour })
      expect((await asked('text', true)).stdout).toContain('\u001b[')
      expect((await asked('text', false)).stdout).not.toContain('\u001b[')
      expect((await asked('json', true)).stdout).not.toContain('\u001b[')
    },
  )
})
