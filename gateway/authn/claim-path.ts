/** Reading claims: by own member only, so that `__proto__` in a token is a name like any other. */

/** Member names from the root of the claims set, 1 to 8 of them. */
export type ClaimPath = readonly string[]

const PATH_STEPS_MAX = 8

/**
 * Parses a claim path as operators write it: names joined by dots (`realm_access.roles`), a dot
 * inside a name escaped (`kubernetes\.io.namespace`). A path that starts with `http://` or
 * `https://` is one name, as namespaced claims are. `undefined` when a name is empty.
 */
export function parseClaimPath(text: string): ClaimPath | undefined {
  if (text.length > 256) return undefined
  if (/^https?:\/\//.test(text)) return [text]
  const steps: string[] = []
  let step = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '.') {
      steps.push(step)
      step = ''
    } else {
      if (text[i] === '\\' && text[i + 1] === '.') i++
      step += text.charAt(i)
    }
  }
  steps.push(step)
  return steps.length > PATH_STEPS_MAX || steps.includes('') ? undefined : steps
}

/** The value at `path`, or `undefined` when a step is not an own member of an object. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: ClaimPath): unknown {
  let value: unknown = claims
  for (const step of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** The first defined value of several paths. */
export function firstClaim(
  claims: Readonly<Record<string, unknown>>,
  paths: readonly ClaimPath[],
): unknown {
  for (const path of paths) {
    const value = claimAt(claims, path)
    if (value !== undefined) return value
  }
  return undefined
}
