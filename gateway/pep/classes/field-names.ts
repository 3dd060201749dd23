import { foldFieldName } from '../../classify/names.ts'
import { stricterRule, type FieldRule } from './field-rule.ts'

/** Names that were looked up, kept: the rows of an answer have the same ones. */
const KNOWN_MAX = 4_096
/** A longer name is looked up by its end. */
const NAME_CHARACTERS_MAX = 512

/** What is to become of the column, feature or tensor of a name. */
export interface FieldNames {
  readonly size: number
  of(name: string): FieldRule | undefined
}

/**
 * Names of columns, features and tensors. They fold as field names do; a view, table or store before
 * the name (`view:feature`, `view__feature`, `table.column`) says where it is from, so that a tag on
 * the feature matches whatever the view; a tag with a view also matches the feature alone, which is
 * how a feature store writes it when it leaves the views out.
 */
export function createFieldNames(tagged: ReadonlyMap<string, FieldRule>): FieldNames {
  const exact = new Map<string, FieldRule>()
  const alone = new Map<string, FieldRule>()
  const put = (to: Map<string, FieldRule>, key: string, rule: FieldRule): void =>
    void to.set(key, stricterRule(to.get(key), rule))
  for (const [name, rule] of tagged) {
    put(exact, foldName(name), rule)
    put(exact, foldQualified(name), rule)
    const [, feature] = /(?:.*:|.*?__)([^:]+)$/.exec(name) ?? []
    if (feature !== undefined) put(alone, foldName(feature), rule)
  }
  const find = (name: string): FieldRule | undefined => {
    let found: FieldRule | undefined
    const take = (rule: FieldRule | undefined): void => {
      if (rule !== undefined) found = stricterRule(found, rule)
    }
    take(exact.get(foldName(name)))
    const qualified = foldQualified(name)
    if (!qualified.includes(':')) take(alone.get(qualified))
    for (let from = 0; from >= 0;) {
      take(exact.get(qualified.slice(from)))
      const colon = qualified.indexOf(':', from)
      from = colon < 0 ? -1 : colon + 1
    }
    return found
  }
  const known = new Map<string, FieldRule | undefined>()
  return {
    size: tagged.size,
    of(text) {
      if (tagged.size === 0) return undefined
      const name = text.length > NAME_CHARACTERS_MAX ? text.slice(-NAME_CHARACTERS_MAX) : text
      if (known.has(name)) return known.get(name)
      if (known.size === KNOWN_MAX) known.clear()
      const rule = find(name)
      known.set(name, rule)
      return rule
    },
  }
}

function foldQualified(name: string): string {
  return foldName(name.replaceAll('__', ':').replaceAll(/[./]/g, ':'))
}

/**
 * A field name as {@link foldFieldName} folds it, and without what cannot be seen: spaces, controls,
 * wide letters. A header with a space before its name is that column to whoever reads it.
 */
export function foldName(name: string): string {
  if (PLAIN.test(name)) return foldFieldName(name)
  return foldFieldName(name.normalize('NFKC').replaceAll(UNSEEN, ''))
}

const PLAIN = /^[\x21-\x7e]*$/
const UNSEEN = /[\p{Z}\p{C}]/gu
