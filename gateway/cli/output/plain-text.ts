import type { Diagnostic } from '../../domain/diagnostics.ts'
import { plainText } from '../../domain/plain-text.ts'

/** A finding whose file name, or what it quotes of a file, cannot pass for something else. */
export function plainFinding(finding: Diagnostic): Diagnostic {
  const { file, message, remedy } = finding
  return {
    ...finding,
    file: plainText(file),
    message: plainText(message),
    remedy: plainText(remedy),
  }
}
