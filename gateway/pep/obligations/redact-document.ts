import { foldFieldName } from '../../classify/names.ts'
import { applyEdits, editsOf, type Interest, type Scope } from './json-edit.ts'

/**
 * Takes the named fields out of a JSON document, at any depth, in any spelling that folds alike
 * (`promptLogprobs`). The same buffer when there are none; `undefined` when it is not JSON in UTF-8,
 * at most 64 deep. JSON within strings is not looked into.
 */
export function createRedaction(
  fields: Iterable<string>,
): (document: Buffer) => Buffer | undefined {
  const folded = new Set([...fields].map(foldFieldName))
  const removed: Interest = { judge: () => 'remove' }
  const element: { below?: Scope } = {}
  const scope: Scope = {
    strict: false,
    member: (key) => (folded.has(foldFieldName(key)) ? removed : element),
    element,
  }
  element.below = scope
  return (document) => {
    const edits = editsOf(document, scope)
    return edits === undefined ? undefined : applyEdits(document, edits)
  }
}
