import type { Diagnostic } from '../../domain/diagnostics.ts'
import { diagnosticText } from '../../domain/diagnostics.ts'

/** One test of a report. */
export interface JUnitCase {
  readonly name: string
  /** What CI servers group by. */
  readonly className: string
  readonly file?: string
  readonly line?: number
  /** Present when it failed: one line, a kind, and everything there is to say. */
  readonly failure?: { readonly message: string; readonly type: string; readonly text: string }
  /** Present when it was not run: why. */
  readonly skipped?: string
  /** What it said without failing. */
  readonly output?: string
}

/** Tests that belong together. */
export interface JUnitSuite {
  readonly name: string
  readonly cases: readonly JUnitCase[]
}

/**
 * A report in the XML of JUnit as Jenkins (junit-10.xsd), GitLab and others read it. Texts are
 * escaped; characters that XML 1.0 cannot carry (§2.2) become U+FFFD.
 */
export function junitText(suites: readonly JUnitSuite[]): string {
  const totals = counts(suites.flatMap(({ cases }) => cases))
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'modelgate', ...totals })}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n')
}

/** Findings as one suite: an error is a test that failed, a warning one that had something to say. */
export function suiteOfFindings(name: string, findings: readonly Diagnostic[]): JUnitSuite {
  if (findings.length === 0) return { name, cases: [{ name: 'no findings', className: name }] }
  const cases = findings.map((finding): JUnitCase => {
    const { code, file, line, column, message, severity } = finding
    const text = diagnosticText(finding)
    return {
      name: `${file}:${line}:${column} ${code}`,
      className: name,
      file,
      line,
      ...(severity === 'error' ? { failure: { message, type: code, text } } : { output: text }),
    }
  })
  return { name, cases }
}

function suiteLines({ name, cases }: JUnitSuite): string[] {
  const head = `  <testsuite${attributes({ name, ...counts(cases) })}>`
  return [head, ...cases.flatMap(caseLines), '  </testsuite>']
}

function caseLines(testCase: JUnitCase): string[] {
  const { name, className, file, line, failure, skipped, output } = testCase
  const head = `    <testcase${attributes({ name, classname: className, file, line })}`
  const inner: string[] = []
  if (skipped !== undefined) inner.push(`      <skipped${attributes({ message: skipped })}/>`)
  if (failure !== undefined) {
    const { message, type, text } = failure
    inner.push(`      <failure${attributes({ message, type })}>${escaped(text)}</failure>`)
  }
  if (output !== undefined) inner.push(`      <system-out>${escaped(output)}</system-out>`)
  return inner.length === 0 ? [`${head}/>`] : [`${head}>`, ...inner, '    </testcase>']
}

function counts(cases: readonly JUnitCase[]) {
  return {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure !== undefined).length,
    errors: 0,
    skipped: cases.filter(({ skipped }) => skipped !== undefined).length,
  }
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${attributeValue(String(value))}"`)
    .join('')
}

/** Line ends and tabs written out: as they are, they would be read as spaces (XML 1.0 §3.3.3). */
function attributeValue(text: string): string {
  return escaped(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}

/** Everything but tab, line feed and the characters of XML 1.0 §2.2; lone surrogates included. */
const UNSPEAKABLE = /[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

function escaped(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(UNSPEAKABLE, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
