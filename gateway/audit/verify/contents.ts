/** What records say, beside how they hang together: whether that can be so. */
import { NO_FACTS, SHAPES_MAX, type Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import { createInForceWatch, misusesIn } from './in-force.ts'
import type { ShapeCheck } from './record-shape.ts'
import type { Link } from '../line/chain.ts'

/** Looks at records, first to last. */
export interface ContentsCheck {
  take(
    link: Link,
    body: Readonly<Record<string, unknown>>,
    at: { readonly file: string; readonly number: number },
  ): void
  /** What was found so far, and nothing else. */
  facts(): Facts
}

/** Without `shape`, records are not held against their schema. */
export function createContentsCheck(shape: ShapeCheck | undefined): ContentsCheck {
  const inForce = createInForceWatch()
  const shapes: LogFault[] = []
  let misshapen = 0
  return {
    take({ seq, type, at }, body, { file, number }) {
      inForce.take(type, body, { seq, at, file, line: number })
      const problem = shape?.(body)
      if (problem === undefined) return
      misshapen += 1
      if (shapes.length >= SHAPES_MAX) return
      const message = `a record of type ${type}, not as the schema says:${problem}`
      shapes.push({ class: 'schema', file, line: number, seq, message })
    },
    facts: () => ({ ...NO_FACTS, misshapen, shapes, inForce: inForce.seen() }),
  }
}

/** Records that are as they were signed and say what they should not, first to last. */
export function findingsIn({ shapes, inForce }: Facts, isEnded: boolean): readonly LogFault[] {
  const misuses = misusesIn(inForce, isEnded).map((one): LogFault => ({ class: 'policy', ...one }))
  return [...shapes, ...misuses].sort((a, b) => a.seq - b.seq)
}
