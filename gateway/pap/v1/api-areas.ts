import { GATE_PREFIX } from '../../domain/vocabulary.ts'

/** What rules can permit in the control API, as `server:gate:<area>`. */
export const API_AREAS = [
  'requests',
  'grants',
  'locks',
  'tokens',
  'drills',
  'reviews',
  'privileges',
  'versions',
  'replicas',
  'policy',
  'lockouts',
] as const

/** One of {@link API_AREAS}. */
export type ApiArea = (typeof API_AREAS)[number]

/** The name behind `server:` under which rules know `area`. No upstream can have such a name. */
export function areaName(area: ApiArea): string {
  return `${GATE_PREFIX}${area}`
}
