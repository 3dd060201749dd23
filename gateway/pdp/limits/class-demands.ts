import type { Limit } from './limit-index.ts'

/** What a limit says of one class of data. */
export interface ClassDemand {
  readonly dataClass: string
  /** As the obligation has it: `mask`, `generalise:year`. */
  readonly treatment: string
  /** `limits.yaml:12`. */
  readonly source: string
}

/** What `limits` say of classes, in their order. */
export function classDemandsOf(limits: readonly Limit[]): readonly ClassDemand[] {
  const duties = limits.flatMap(({ obligations }) =>
    obligations.filter(({ type }) => type === 'response.classes'),
  )
  return duties.flatMap(({ parameters: { treatments }, source }) =>
    (treatments as readonly string[]).map((word) => {
      const [dataClass = '', treatment = ''] = word.split('=')
      return { dataClass, treatment, source }
    }),
  )
}
