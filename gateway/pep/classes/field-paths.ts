/** Paths to fields: `$`, then `.name`, `['name']`, `[*]` or `..name` (as RFC 9535 has them). */
import { foldName } from './field-names.ts'
import type { JsonTape } from './json-tape.ts'
import type { FieldRule } from './field-rule.ts'

/** One step; `name` is folded. `deep`: at any depth. */
type Step = { readonly kind: 'name' | 'deep'; readonly name: string } | { readonly kind: 'any' }

/** At most 16 steps. */
export type FieldPath = readonly Step[]

const STEP = /\.\.([A-Za-z0-9_-]+)|\.([A-Za-z0-9_-]+)|\['([^'\\\]]+)'\]|(\[\*\])/y

/** Reads a path that starts with `$`; the schema of `resources.yaml` has checked its grammar. */
export function parsePath(text: string): FieldPath {
  const steps: Step[] = []
  STEP.lastIndex = 1
  for (let found = STEP.exec(text); found !== null; found = STEP.exec(text)) {
    const [, deep, dotted, quoted] = found
    const name = deep ?? dotted ?? quoted
    if (name === undefined) steps.push({ kind: 'any' })
    else steps.push({ kind: deep === undefined ? 'name' : 'deep', name: foldName(name) })
  }
  return steps
}

/** What a column would be called that the path leads to. */
export function lastNameOf(path: FieldPath): string | undefined {
  for (const step of path.toReversed()) if (step.kind !== 'any') return step.name
  return undefined
}

/** A path and what becomes of what it leads to. */
export interface PathRule {
  readonly path: FieldPath
  readonly rule: FieldRule
}

/** Told of a value that a path leads to. */
type OnMatch = (value: number, rule: FieldRule) => void

/** A path and how much of it has been walked: bit `i` when the first `i` steps have been. */
interface Walked extends PathRule {
  readonly mask: number
}

/** Tells of every value that one of `paths` leads to; every member of a repeated key is one. */
export function matchPaths(tape: JsonTape, paths: readonly PathRule[], onMatch: OnMatch): void {
  if (paths.length === 0) return
  const visit = (value: number, active: readonly Walked[]): void => {
    const isObject = tape.kind(value) === 'object'
    if (!isObject && tape.kind(value) !== 'array') return
    for (const child of tape.children(value)) {
      const name = isObject ? foldName(tape.keyText(child)) : undefined
      const left = step(active, name, (rule) => onMatch(child, rule))
      if (left.length > 0) visit(child, left)
    }
  }
  visit(
    0,
    paths.map((one) => ({ ...one, mask: 1 })),
  )
}

function step(
  active: readonly Walked[],
  name: string | undefined,
  onEnd: (rule: FieldRule) => void,
): readonly Walked[] {
  const left: Walked[] = []
  let isSame = true
  for (const walked of active) {
    const { path, mask, rule } = walked
    const moved = advance(path, mask, name)
    if ((moved & (1 << path.length)) !== 0) onEnd(rule)
    const going = moved & ~(1 << path.length)
    if (going !== mask) isSame = false
    if (going === mask) left.push(walked)
    else if (going !== 0) left.push({ ...walked, mask: going })
  }
  return isSame ? active : left
}

/** One level down, to the member of that folded name, or to an element. */
function advance(path: FieldPath, mask: number, name: string | undefined): number {
  let moved = 0
  for (const [at, one] of path.entries()) {
    if ((mask & (1 << at)) === 0) continue
    if (one.kind === 'any' || one.name === name) moved |= 1 << (at + 1)
    if (one.kind === 'deep') moved |= 1 << at
  }
  return moved
}
