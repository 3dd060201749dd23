import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import { createResponseGuard, type ResponseGuardOptions } from './response-guard.ts'
import { refusalFor } from './frame-guard.ts'
import { BYTES } from './message-scan.ts'
import { createBodyScanner, type ScanFinding } from '../scan/body-scanner.ts'

/** Bytes that the trailers of a call may have together, names included, and their `-bin` fields. */
export const TRAILER_BYTES_MAX = 8 * 1024

/** What a call cannot end without. */
const STATUS_FIELDS: ReadonlySet<string> = new Set(['grpc-status', 'grpc-message'])

/** Characters of a message that stays where the rest is too much. */
const MESSAGE_CHARACTERS_MAX = 1024

/**
 * The trailers of a call of a caller who may not export: details are few there, so that trailers are no
 * way for bulk. What is too much is left out: `-bin` fields first, then all but the status and the
 * beginning of its message. Refused: links to storage, and weights within a `-bin` field.
 */
export function guardTrailers(
  received: readonly string[],
  options: ResponseGuardOptions,
): readonly string[] | Refusal {
  if (options.mayExport) return received
  const bounded = withinBounds(received)
  const binary = bounded.filter((_, i) => isBinary(bounded[i - (i % 2)]))
  for (let i = 1; i < binary.length; i += 2) {
    const finding = findingIn(binary[i] ?? '')
    if (finding === undefined) continue
    const refusal = refusalFor(finding)
    options.onIncident?.(refusal, { found: finding.found, bytesBefore: 0 })
    return refusal
  }
  const plain = bounded.filter((_, i) => !isBinary(bounded[i - (i % 2)]))
  // There is no content in them: what they say of content gives nothing away.
  const guard = createResponseGuard({ ...options, isHead: true })
  const head = guard.head({ status: 200, headers: plain })
  return isRefusal(head) ? head : [...head.headers, ...binary]
}

function withinBounds(received: readonly string[]): readonly string[] {
  if (sizeOf(received) <= TRAILER_BYTES_MAX) return received
  const plain = received.filter((_, i) => !isBinary(received[i - (i % 2)]))
  if (sizeOf(plain) <= TRAILER_BYTES_MAX) return plain
  return plain
    .filter((_, i) => STATUS_FIELDS.has(plain[i - (i % 2)] ?? ''))
    .map((text, i) => (i % 2 === 0 ? text : beginningOf(text)))
}

/** Percent-encoded: an escape that is cut would be none. */
function beginningOf(message: string): string {
  return message.slice(0, MESSAGE_CHARACTERS_MAX).replace(/%[0-9A-Fa-f]?$/, '')
}

function sizeOf(pairs: readonly string[]): number {
  return pairs.reduce((sum, text) => sum + text.length, 0)
}

function isBinary(name: string | undefined): boolean {
  return name?.endsWith('-bin') === true
}

function findingIn(value: string): ScanFinding | undefined {
  const scanner = createBodyScanner({ type: BYTES, mayHold: false })
  const found = scanner.push(Buffer.from(value, 'base64'))
  return found === undefined || found === 'hold' ? scanner.end() : found
}
