import type { Diagnostic } from '../../domain/diagnostics.ts'
import { isInFile } from './findings.ts'

/**
 * Findings as workflow commands of GitHub Actions, one line each, which the runner shows at the
 * line they are about. What a finding quotes cannot start a command of its own: line ends are
 * escaped.
 */
export function githubText(findings: readonly Diagnostic[]): string {
  return findings.map((finding) => `${annotation(finding)}\n`).join('')
}

function annotation(finding: Diagnostic): string {
  const { severity, code, file, line, column, message, remedy } = finding
  const place = isInFile(finding) ? [`file=${property(file)}`, `line=${line}`, `col=${column}`] : []
  const properties = [...place, `title=${property(code)}`].join(',')
  return `::${severity} ${properties}::${data(`${message}\n${remedy}`)}`
}

/** Escapes as the runner's own toolkit does (actions/toolkit, command.ts). */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
