/** Kleene's strong three-valued logic: what is unknown stays unknown unless it cannot matter. */
import type { Truth } from '../../domain/access.ts'

/** `false` wins, then `unknown`. */
export function and(a: Truth, b: Truth): Truth {
  if (a === 'false' || b === 'false') return 'false'
  return a === 'true' && b === 'true' ? 'true' : 'unknown'
}

/** `true` wins, then `unknown`. */
export function or(a: Truth, b: Truth): Truth {
  if (a === 'true' || b === 'true') return 'true'
  return a === 'false' && b === 'false' ? 'false' : 'unknown'
}

/** The negation of `unknown` is `unknown`: not knowing is never evidence. */
export function not(a: Truth): Truth {
  if (a === 'unknown') return 'unknown'
  return a === 'true' ? 'false' : 'true'
}
