import { stricter, type Treatment } from '../../domain/data-classes.ts'

/** What becomes of a value. */
export interface FieldRule {
  readonly dataClass: string
  readonly treatment: Treatment
  /** Whose key its tokens are made with: `dataset:people`, `model:fraud`. */
  readonly dataset: string
}

/** A field that is tagged, and what becomes of it. */
export interface TaggedField extends FieldRule {
  /** As `resources.yaml` has it. */
  readonly path: string
}

/** Of two rules for one value the stricter; the first when neither is. */
export function stricterRule(a: FieldRule | undefined, b: FieldRule): FieldRule {
  if (a === undefined) return b
  const treatment = stricter(a.treatment, b.treatment)
  if (treatment === a.treatment) return a
  return treatment === b.treatment ? b : { ...a, treatment }
}
