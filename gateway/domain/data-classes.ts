/** What becomes of fields of a class of data, and which of two treatments is the stricter. */

/** What may be left of a value that is generalised. */
export const GENERALISATIONS = [
  'year',
  'month',
  'decade',
  'hundred',
  'thousand',
  'network',
  'initial',
] as const

/** One of {@link GENERALISATIONS}. */
export type Generalisation = (typeof GENERALISATIONS)[number]

/** The treatments that change a value, for metrics and records; the strictest first. */
export const CHANGING_TREATMENTS = ['remove', 'mask', 'tokenise', 'generalise'] as const

/** One of {@link CHANGING_TREATMENTS}. */
export type ChangingTreatment = (typeof CHANGING_TREATMENTS)[number]

/** A treatment as obligations carry it. */
export type Treatment =
  Exclude<ChangingTreatment, 'generalise'> | 'pass' | `generalise:${Generalisation}`

/** Reads the word of an obligation; `undefined` when there is no such treatment. */
export function readTreatment(word: string): Treatment | undefined {
  if (word === 'remove' || word === 'mask' || word === 'tokenise' || word === 'pass') return word
  const kept = GENERALISATIONS.find((one) => word === `generalise:${one}`)
  return kept === undefined ? undefined : `generalise:${kept}`
}

/** Under which name it is counted; `undefined` when it changes nothing. */
export function countedAs(treatment: Treatment): ChangingTreatment | undefined {
  return CHANGING_TREATMENTS.find((one) => treatment === one || treatment.startsWith(`${one}:`))
}

/** Within each, the later says less. */
const COARSER: readonly (readonly Treatment[])[] = [
  ['generalise:month', 'generalise:year'],
  ['generalise:decade', 'generalise:hundred', 'generalise:thousand'],
]

/** The stricter of two: remove, mask, tokenise, generalise, pass. */
export function stricter(a: Treatment, b: Treatment): Treatment {
  const [first, second] = [rank(a), rank(b)]
  if (a === b || first < second) return a
  if (second < first) return b
  const ladder = COARSER.find((steps) => steps.includes(a) && steps.includes(b))
  // Two generalisations that have nothing in common leave nothing together.
  if (ladder === undefined) return 'mask'
  return ladder.indexOf(a) > ladder.indexOf(b) ? a : b
}

function rank(treatment: Treatment): number {
  const as = countedAs(treatment)
  return as === undefined ? CHANGING_TREATMENTS.length : CHANGING_TREATMENTS.indexOf(as)
}
