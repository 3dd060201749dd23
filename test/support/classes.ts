/** Documents with tagged fields, treated. */
import { readTreatment, type ChangingTreatment } from '../../gateway/domain/data-classes.ts'
import { createDataTokens, type DataTokens } from '../../gateway/egress/tokens/data-tokens.ts'
import { editClasses } from '../../gateway/pep/classes/class-edit.ts'
import { compileFields, type FieldRules } from '../../gateway/pep/classes/field-rules.ts'

/** Thirty-two bytes, in hex. */
export const DATA_KEY = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

/** Tokens with {@link DATA_KEY}. */
export const TOKENS: DataTokens = createDataTokens(() => DATA_KEY)

/** Rules from `path: treatment`; the class of each is `c`, the dataset `dataset:d`. */
export function rulesOf(fields: Readonly<Record<string, string>>): FieldRules {
  return compileFields(
    Object.entries(fields).map(([path, word]) => {
      const treatment = readTreatment(word)
      if (treatment === undefined) throw new Error(`there is no treatment ${word}`)
      return { path, treatment, dataClass: 'c', dataset: 'dataset:d' }
    }),
  )
}

/** What became of `document`, and how many values each treatment was given to. */
export function treat(
  document: string | Buffer,
  fields: Readonly<Record<string, string>>,
  isPart = false,
): { readonly text: string | undefined; readonly counts: ReadonlyMap<ChangingTreatment, number> } {
  const counts = new Map<ChangingTreatment, number>()
  const onTreated = (one: ChangingTreatment) => void counts.set(one, (counts.get(one) ?? 0) + 1)
  const bytes = Buffer.from(document)
  const edited = editClasses(bytes, rulesOf(fields), { tokens: TOKENS, onTreated, isPart })
  return { text: edited?.toString(), counts }
}

/** The value that became of `value`, written as JSON and read again. */
export function treated(value: unknown, fields: Readonly<Record<string, string>>): unknown {
  const { text } = treat(JSON.stringify(value), fields)
  return text === undefined ? undefined : (JSON.parse(text) as unknown)
}
