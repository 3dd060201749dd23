import type { Diagnostic } from '../../domain/diagnostics.ts'
import { VERSION } from '../../version.ts'
import { fileUri, isInFile } from './findings.ts'

/**
 * Findings as a log of the Static Analysis Results Interchange Format (SARIF 2.1.0, OASIS), one
 * run, for code scanning. Columns count UTF-16 code units from 1, as in every finding.
 */
export function sarifText(findings: readonly Diagnostic[]): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  const log = {
    $schema:
      'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'modelgate',
            semanticVersion: VERSION,
            rules: codes.map((code) => descriptor(code, findings)),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => result(finding, codes)),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

/** §3.49: what all findings of one code have in common. */
function descriptor(code: string, findings: readonly Diagnostic[]) {
  const isError = findings.some((f) => f.code === code && f.severity === 'error')
  return {
    id: code,
    shortDescription: { text: `${code.replaceAll('-', ' ')}.` },
    defaultConfiguration: { level: isError ? 'error' : 'warning' },
  }
}

/** §3.27. A finding that is in no file (a flag, a variable) has no location. */
function result(finding: Diagnostic, codes: readonly string[]) {
  const { code, severity, message, remedy } = finding
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: `${message}\n${remedy}` },
    ...(isInFile(finding) ? { locations: [location(finding)] } : {}),
  }
}

function location({ file, line, column }: Diagnostic) {
  return {
    physicalLocation: {
      artifactLocation: { uri: fileUri(file) },
      region: { startLine: line, startColumn: column },
    },
  }
}
