/** What somebody may have meant who named no verb. */
import { closest } from '../domain/diagnostics.ts'
import { GROUPS, VERBS } from './verbs.ts'

/** More verbs than these with the same second word are no hint any more. */
const ALIKE_MAX = 3

/** For a command line that begins with no verb; a sentence. */
export function suggestVerb([name = '', word]: readonly string[]): string {
  const names = VERBS.map((verb) => verb.name)
  const both = word === undefined ? undefined : closest(`${name} ${word}`, names)
  const near = both ?? closest(name, [...names, ...GROUPS])
  if (near !== undefined) return `Did you mean ${near}?`
  const alike = names.filter((one) => one.endsWith(` ${name}`))
  const few = alike.length > 0 && alike.length <= ALIKE_MAX
  return few ? `Did you mean ${alike.join(' or ')}?` : 'Run: modelgate --help'
}

/** For a word that is no verb of `group`, or none at all; a sentence. */
export function suggestOfGroup(group: string, word: string | undefined): string {
  const near = word === undefined ? undefined : nearInGroup(group, word)
  if (near !== undefined) return `Did you mean ${near}?`
  const help = `Run: modelgate ${group} --help`
  return group === 'version' ? `${help}; of this program: modelgate --version` : help
}

/** For a verb that is a group as well, `lock`: a word behind it that is nearly one of the group. */
export function nearInGroup(group: string, word: string): string | undefined {
  const names = VERBS.flatMap(({ name }) => (name.startsWith(`${group} `) ? [name] : []))
  const near = closest(
    word,
    names.map((name) => name.slice(group.length + 1)),
  )
  return near === undefined ? undefined : `${group} ${near}`
}
