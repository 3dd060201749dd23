/** What the writers of this folder have in common: findings, by where they are in the work tree. */
import { isAbsolute, relative, sep } from 'node:path'
import type { Diagnostic } from '../../domain/diagnostics.ts'

/** Formats in which findings are printed. */
export const FINDING_FORMATS: readonly string[] = ['text', 'json', 'sarif', 'github', 'junit']

/** The findings, files below `cwd` named from there: what editors and CI servers can open. */
export function fromFolder(cwd: string, findings: readonly Diagnostic[]): readonly Diagnostic[] {
  return findings.map((finding) => ({ ...finding, file: fileFrom(cwd, finding.file) }))
}

/** `file` as it is reached from `cwd`; as it is when it lies elsewhere. */
export function fileFrom(cwd: string, file: string): string {
  if (!isAbsolute(file)) return file
  const path = relative(cwd, file)
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path
}

/** Whether a finding is in a file at all; those of flags and variables are not. */
export function isInFile({ file }: Diagnostic): boolean {
  return /[./\\]/.test(file)
}

/** A relative URI reference, or a `file:` URI where the path is absolute (RFC 3986, RFC 8089). */
export function fileUri(file: string): string {
  const path = file.split(sep).map(encodeURIComponent).join('/')
  // A first segment with a colon would read as a scheme; encodeURIComponent has encoded it.
  return isAbsolute(file) ? `file://${path}` : path
}
