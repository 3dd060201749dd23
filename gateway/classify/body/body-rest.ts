/** Watches the rest of a body that was judged by its first part. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { resourceText, type Operation } from '../../domain/vocabulary.ts'
import type { BodyWatch } from '../../domain/watch.ts'
import type { JudgeRecord } from './body-scanner.ts'
import type { BodyRest } from './request-body.ts'

/** Further operations one body may turn out to be. */
const OPERATIONS_MAX = 64

/**
 * A watch that is given the body from its first byte, as every watch is, and looks at what its
 * scanner has not seen. `judge` says what a further record does; what was said before is not said
 * again.
 */
export function watchRest(
  { scanner, seenBytes }: BodyRest,
  judge: JudgeRecord,
  known: readonly Operation[],
): BodyWatch {
  const said = new Set(known.map(textOf))
  const fresh = (
    found: Refusal | readonly Operation[] | undefined,
  ): Refusal | readonly Operation[] | undefined => {
    if (found === undefined || isRefusal(found)) return found
    const more: Operation[] = []
    for (const operation of found) {
      const text = textOf(operation)
      if (!said.has(text)) more.push(operation)
      said.add(text)
    }
    if (said.size > known.length + OPERATIONS_MAX) return refuse('model_invalid')
    return more.length === 0 ? undefined : more
  }
  scanner.judge = judge
  let toSkip = seenBytes
  return {
    push(chunk) {
      const skipped = Math.min(toSkip, chunk.length)
      toSkip -= skipped
      return skipped === chunk.length ? undefined : fresh(scanner.push(chunk.subarray(skipped)))
    },
    end: () => (toSkip > 0 ? refuse('request_body_aborted') : fresh(scanner.end())),
  }
}

function textOf({ action, resource }: Operation): string {
  return `${action} ${resourceText(resource)}`
}
