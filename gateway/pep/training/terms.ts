/** Compares what a request trains with to what a grant is for, and to what is allowed at all. */
import type { ResourceAttributes } from '../../domain/access.ts'
import type { ResourceCatalog } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { TrainingTerms } from '../../domain/access.ts'
import type { TrainingFacts } from '../../domain/training.ts'

/** What the operator says of trainings. */
export interface TrainingRules {
  /** Upstreams that may train under grants. */
  readonly zone: ReadonlySet<string>
  /** Classifications of datasets that may be trained with, where the dataset does not say itself. */
  readonly classifications: ReadonlySet<string>
  /** Whether every training needs a grant that says what it is for. */
  readonly required: boolean
}

/** What differs from the grant; `undefined` when the request is exactly what it is for. */
export function differsFrom(terms: TrainingTerms, facts: TrainingFacts): Refusal | undefined {
  const granted = new Set(terms.datasets.map(({ name }) => name))
  const extra = facts.datasets.find((name) => !granted.has(name))
  if (extra !== undefined) return mismatch(`The grant is not for dataset:${extra}.`)
  const missing = terms.datasets.find(({ name }) => !facts.datasets.includes(name))
  if (missing !== undefined) return mismatch(`The grant is for dataset:${missing.name} as well.`)
  if (facts.base !== terms.base) {
    return mismatch(`The grant is for ${terms.base ?? 'no model'} as the base.`)
  }
  if (facts.destination === terms.destination) return undefined
  return mismatch(`The grant is for ${terms.destination} as the destination.`)
}

/** A refusal that says what is not as granted. */
export function mismatch(detail: string): Refusal {
  return refuse('grant_mismatch', { detail })
}

/** What is trained with or where, and must not be. */
export function forbiddenBy(
  rules: TrainingRules,
  terms: TrainingTerms,
  { resources, upstream }: { readonly resources: ResourceCatalog; readonly upstream: string },
): Refusal | undefined {
  if (!rules.zone.has(upstream)) {
    return refuse('training_refused', { detail: `${upstream} is not in the training zone.` })
  }
  for (const { name, digest } of terms.datasets) {
    const attributes = resources.attributesOf({ kind: 'dataset', name })
    const why = datasetProblem(attributes, digest, rules)
    if (why !== undefined) return refuse('training_refused', { detail: `dataset:${name} ${why}.` })
  }
  return undefined
}

function datasetProblem(
  attributes: ResourceAttributes | undefined,
  digest: string,
  { classifications }: TrainingRules,
): string | undefined {
  // What nobody has registered with its digest could be anything by now.
  if (attributes?.digest === undefined) return 'is not registered with a digest'
  if (attributes.digest !== digest) return 'has another digest than what was granted'
  const { training, classification } = attributes
  if (training === 'forbidden') return 'must not be trained with'
  if (training === 'allowed') return undefined
  const isAllowed = classification !== undefined && classifications.has(classification)
  return isAllowed ? undefined : 'is of a classification that must not be trained with'
}
