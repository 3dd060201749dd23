/** Which review, and which privileges: what verbs on reviews and privileges are told alike. */
import { ACTIONS } from '../../domain/vocabulary.ts'
import { onlyArgument, segment } from './control-verb.ts'

/** What of the privileges. */
export const SCOPE_OPTIONS = {
  resource: { type: 'string', value: 'NAME', help: 'only what reaches it: model:fraud' },
  action: { type: 'string', value: 'ACTION', words: ACTIONS, help: 'only what gives this' },
  holder: { type: 'string', value: 'NAME', help: 'only what this one has: group:auditors' },
} as const

/** Path of the one review that the argument names. @throws ERR_USAGE */
export function reviewPath(positionals: readonly string[]): string {
  return `/v1/reviews/${segment(onlyArgument(positionals, 'the id of one review'))}`
}
