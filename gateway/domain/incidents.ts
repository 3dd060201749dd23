/** Incidents and what finds them, as closed lists: metrics and records use these words only. */

/**
 * What there are incidents of. `weights`: an answer held a model. `handout`: it would have handed
 * one out by another way. `extraction`: requests that take a model apart. `digest`: what was
 * exported is not what was granted.
 */
export const INCIDENT_KINDS = ['weights', 'handout', 'extraction', 'digest'] as const

/** One of {@link INCIDENT_KINDS}. */
export type IncidentKind = (typeof INCIDENT_KINDS)[number]

/** What is watched for of requests over time; the names that `detect` in `limits.yaml` has. */
export const EXTRACTION_RULES = ['distinct_prompts', 'vectors', 'logits', 'sweep'] as const

/** One of {@link EXTRACTION_RULES}. */
export type ExtractionRule = (typeof EXTRACTION_RULES)[number]
