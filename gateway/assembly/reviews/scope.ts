/** What a review, or a question, is about. */
import type { ReviewScope } from '../../access/review.ts'
import type { ListedLine } from '../../access/reviews/lines.ts'
import type { Resource } from '../../domain/vocabulary.ts'
import { coversResource, parseResourcePattern } from '../../pdp/policy/resource-pattern.ts'

/** The part of a line that a scope looks at. */
type Scoped = Pick<ListedLine, 'holder' | 'actions' | 'resources'>

/**
 * Whether `line` is within `scope`. A resource without a version is met by whatever gives any version
 * of it. `names` are those that count as the holder that is asked for.
 */
export function isInScope(
  line: Scoped,
  { action, resource, holder }: ReviewScope,
  names: ReadonlySet<string> = new Set(holder === undefined ? [] : [holder]),
): boolean {
  if (holder !== undefined && !names.has(line.holder)) return false
  if (action !== undefined && !line.actions.includes(action)) return false
  return resource === undefined || line.resources.some((text) => reaches(text, resource))
}

function reaches(text: string, asked: string): boolean {
  if (text === asked) return true
  const pattern = parseResourcePattern(text)
  const resource = resourceOf(asked)
  // As a deny reads it: a version that is not named may be any.
  return pattern.ok && resource !== undefined && coversResource(pattern.value, resource, 'deny')
}

function resourceOf(text: string): Resource | undefined {
  const [, kind, name = '', version] = /^(model|dataset|server):([^@]+)(?:@(.+))?$/.exec(text) ?? []
  if (kind === undefined) return undefined
  return {
    kind: kind as Resource['kind'],
    name,
    ...(version === undefined ? {} : { version }),
  }
}
