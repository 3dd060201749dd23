import { foldFieldName } from '../../classify/names.ts'
import { kindOf } from './json-kind.ts'
import { applyEdits, editsOf, textOfString, type Interest, type Scope } from './json-edit.ts'

/** Changes one document; `undefined` when it is not JSON that can be read. */
type Redaction = (document: Buffer) => Buffer | undefined

/**
 * Takes the named fields out of a JSON document, at any depth, in any spelling that folds alike
 * (`promptLogprobs`), and tensors of these names out of lists of `outputs` (Open Inference Protocol).
 * The same buffer when there are none; `undefined` when it is not JSON in UTF-8, at most 64 deep.
 * JSON within strings is not looked into.
 */
export function createRedaction(fields: Iterable<string>): Redaction {
  const folded = new Set([...fields].map(foldFieldName))
  return (document) => {
    const edits = editsOf(document, scopeOver(document, folded))
    return edits === undefined ? undefined : applyEdits(document, edits)
  }
}

const REMOVED: Interest = { judge: () => 'remove' }

function scopeOver(document: Buffer, folded: ReadonlySet<string>): Scope {
  /** Where names of tensors stand that must go, until their tensor has been read. */
  const named: number[] = []
  const element: { below?: Scope } = {}
  const member = (key: string): Interest => {
    const field = foldFieldName(key)
    if (folded.has(field)) return REMOVED
    return field === 'outputs' ? { below: tensors } : element
  }
  const scope: Scope = { strict: false, member, element }
  element.below = scope
  const name: Interest = {
    below: scope,
    judge(span) {
      const isNamed =
        kindOf(document, span) === 'string' &&
        folded.has(foldFieldName(textOfString(document, span)))
      if (isNamed) named.push(span.start)
      return 'keep'
    },
  }
  const tensor: Scope = {
    ...scope,
    member: (key) => (foldFieldName(key) === 'name' && !folded.has('name') ? name : member(key)),
  }
  const tensors: Scope = {
    ...scope,
    element: {
      below: tensor,
      judge({ start }) {
        const before = named.length
        while ((named.at(-1) ?? -1) > start) named.pop()
        return named.length < before ? 'remove' : 'keep'
      },
    },
  }
  return scope
}
