/** Formats that other programs read: well-formed whatever a finding quotes. */
import { Ajv } from 'ajv'
import { describe, expect, it } from '@jest/globals'
import { assert, property, string } from 'fast-check'
import type { Diagnostic } from '../../../gateway/domain/diagnostics.ts'
import { fileFrom, fileUri } from '../../../gateway/cli/output/findings.ts'
import { githubText } from '../../../gateway/cli/output/github.ts'
import { junitText, suiteOfFindings } from '../../../gateway/cli/output/junit.ts'
import { createPaint } from '../../../gateway/cli/output/paint.ts'
import { sarifText } from '../../../gateway/cli/output/sarif.ts'
import { SARIF_FIELDS } from '../../support/sarif-fields.ts'
import { parseXml } from '../../support/xml.ts'

const finding = (more: Partial<Diagnostic> = {}): Diagnostic => ({
  file: 'rules/policy.csv',
  line: 4,
  column: 51,
  severity: 'error',
  code: 'unknown-effect',
  message: '`Deny` is not an effect',
  remedy: 'Write `deny`.',
  ...more,
})

const text = () => string({ unit: 'binary', maxLength: 40 })
const validSarif = new Ajv({ strict: true, strictTypes: false }).compile(SARIF_FIELDS)

describe('files', () => {
  it.each([
    ['/srv/rules/policy.csv', 'rules/policy.csv'],
    ['/elsewhere/policy.csv', '/elsewhere/policy.csv'],
    ['/srvshop/policy.csv', '/srvshop/policy.csv'],
    ['rules/policy.csv', 'rules/policy.csv'],
  ])('%s is named %s from /srv', (file, named) => {
    expect(fileFrom('/srv', file)).toBe(named)
  })

  it.each([
    ['rules/a b#c?.csv', 'rules/a%20b%23c%3F.csv'],
    ['c:/x.csv', 'c%3A/x.csv'],
    ['/etc/modelgate/ü.yaml', 'file:///etc/modelgate/%C3%BC.yaml'],
  ])('%s has the URI %s', (file, uri) => {
    expect(fileUri(file)).toBe(uri)
  })
})

describe('SARIF', () => {
  it('has the fields that SARIF 2.1.0 requires, for any finding and for none', () => {
    const check = (findings: readonly Diagnostic[]) => {
      const log: unknown = JSON.parse(sarifText(findings))
      validSarif(log)
      expect(validSarif.errors).toBeNull()
    }
    check([])
    assert(
      property(text(), text(), (message, file) => {
        check([finding({ message, file }), finding({ severity: 'warning', code: 'other' })])
      }),
    )
  })

  it('points each result at its rule and its place, and a flag at none', () => {
    const findings = [finding(), finding({ code: 'a', file: 'command line' }), finding({ line: 9 })]
    const { runs } = JSON.parse(sarifText(findings)) as {
      runs: [{ tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }]
    }
    const [{ tool, results }] = runs
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(['a', 'unknown-effect'])
    expect(results.map(({ ruleIndex }) => ruleIndex)).toEqual([1, 0, 1])
    expect(results[0]?.['locations']).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'rules/policy.csv' },
          region: { startLine: 4, startColumn: 51 },
        },
      },
    ])
    expect(results[1]).not.toHaveProperty('locations')
  })
})

describe('annotations of GitHub', () => {
  it('escape what would end a property or a command', () => {
    const tricky = finding({ file: 'a,b:c.csv', message: '100 %\r\n::set-output name=x::y' })
    expect(githubText([tricky, finding({ severity: 'warning' })])).toBe(
      '::error file=a%2Cb%3Ac.csv,line=4,col=51,title=unknown-effect' +
        '::100 %25%0D%0A::set-output name=x::y%0AWrite `deny`.\n' +
        '::warning file=rules/policy.csv,line=4,col=51,title=unknown-effect' +
        '::`Deny` is not an effect%0AWrite `deny`.\n',
    )
  })

  it('are one command a line, whatever is quoted', () => {
    assert(
      property(text(), text(), (message, file) => {
        const lines = githubText([finding({ message, file })]).split('\n')
        expect(lines).toHaveLength(2)
        expect(lines[0]).toMatch(/^::error [^\r]*::[^\r]*$/)
      }),
    )
  })
})

describe('JUnit', () => {
  it('is well-formed and keeps every text that XML can carry', () => {
    assert(
      property(text(), text(), (message, name) => {
        const root = parseXml(junitText([suiteOfFindings(name, [finding({ message })])]))
        const failure = root.children[0]?.children[0]?.children[0]
        expect(failure?.attributes['message']).toBe(carried(message))
        expect(root.children[0]?.attributes['name']).toBe(carried(name))
      }),
    )
  })

  it('counts, and shows what was skipped and what was said', () => {
    const cases = [
      { name: 'good', className: 's' },
      { name: 'bad', className: 's', failure: { message: 'm', type: 't', text: 'a < b' } },
      { name: 'later', className: 's', skipped: 'not yet' },
      { name: 'loud', className: 's', file: 'a.yaml', line: 3, output: 'hm' },
    ]
    const root = parseXml(junitText([{ name: 's', cases }]))
    const totals = { tests: '4', failures: '1', errors: '0', skipped: '1' }
    expect(root.attributes).toEqual({ name: 'modelgate', ...totals })
    const [suite] = root.children
    expect(suite?.attributes).toEqual({ name: 's', ...totals })
    expect(suite?.children.map(({ children }) => children[0]?.name)).toEqual([
      undefined,
      'failure',
      'skipped',
      'system-out',
    ])
    expect(suite?.children[1]?.children[0]?.text).toBe('a < b')
    expect(suite?.children[3]?.attributes).toMatchObject({ file: 'a.yaml', line: '3' })
  })

  it('is one passed test where nothing was found, and a warning does not fail', () => {
    const fine = parseXml(junitText([suiteOfFindings('check', [])]))
    expect(fine.attributes).toMatchObject({ tests: '1', failures: '0' })
    const warned = parseXml(junitText([suiteOfFindings('c', [finding({ severity: 'warning' })])]))
    expect(warned.attributes).toMatchObject({ tests: '1', failures: '0' })
  })
})

/** What is left of a text in XML 1.0. */
function carried(value: string): string {
  return value
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}

describe('colours', () => {
  it('are used only where they are wanted', () => {
    expect(createPaint(false).red('x')).toBe('x')
    expect(createPaint(true).red('x')).toBe('\u001b[31mx\u001b[39m')
  })
})
