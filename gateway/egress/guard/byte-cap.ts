import type { ByteMeter, ResponseGuard } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { IncidentDetail } from './response-guard.ts'

/** How long an answer may be. */
export interface ByteCapOptions {
  /** Body bytes that may pass. */
  readonly bytesMax: number
  /** Whether the answer has no body whatever its head says (HEAD). */
  readonly bodyless: boolean
  /** Called once when the answer is longer. */
  readonly onIncident?: (refusal: Refusal, detail: IncidentDetail) => void
  /** Called when the whole answer has passed. */
  readonly onEnd?: () => void
}

/**
 * Cuts an answer that is longer than it may be (`response_over_limit`): by its head when that says
 * so, else before the byte that would be too many leaves. `inner` judges first.
 */
export function capBytes(inner: ResponseGuard, options: ByteCapOptions): ResponseGuard {
  const { bytesMax, bodyless } = options
  let bytes = 0
  let refusal: Refusal | undefined
  const cut = (): Refusal => {
    if (refusal !== undefined) return refusal
    refusal = refuse('response_over_limit')
    options.onIncident?.(refusal, { found: 'bytes', bytesBefore: bytes })
    return refusal
  }
  return {
    head(head) {
      const judged = inner.head(head)
      // The length in a 304 is that of the body it stands for (RFC 9110 §8.6).
      if (isRefusal(judged) || bodyless || judged.status === 304) return judged
      return declaredBytes(judged.headers) > bytesMax ? cut() : judged
    },
    chunk(chunk) {
      if (refusal !== undefined) return refusal
      const verdict = inner.chunk(chunk)
      if (isRefusal(verdict)) return verdict
      if (bytes + chunk.length > bytesMax) return cut()
      bytes += chunk.length
      return verdict
    },
    end() {
      const last = refusal ?? inner.end()
      if (!isRefusal(last)) options.onEnd?.()
      return last
    },
  }
}

/** The same for bytes that come without a head: the meter of a WebSocket. */
export function meterBytes({
  bytesMax,
  onIncident,
  onEnd,
}: Omit<ByteCapOptions, 'bodyless'>): ByteMeter {
  let bytes = 0
  let refusal: Refusal | undefined
  return {
    take(count) {
      if (refusal !== undefined || bytes + count <= bytesMax) {
        bytes += count
        return refusal
      }
      refusal = refuse('response_over_limit')
      onIncident?.(refusal, { found: 'bytes', bytesBefore: bytes })
      return refusal
    },
    close() {
      if (refusal === undefined) onEnd?.()
    },
  }
}

function declaredBytes(headers: readonly string[]): number {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-length')
  return at < 0 ? 0 : Number(headers[at + 1])
}
