/** Sentences that every format of the document shares. */
import type {
  DocumentRule,
  DocumentSubject,
  SeparationNote,
} from '../../pdp/analysis/matrix-document.ts'
import { joined } from '../../pdp/analysis/condition-words.ts'
import type { LimitWords } from '../../pdp/analysis/limit-words.ts'

/** A rule in three parts: `May`, what, and when. */
export function ruleSentence({ effect, actions, resources, when, whenWords }: DocumentRule) {
  const what = `${joined(actions)} on ${joined(resources.map(resourceText))}`
  if (effect === 'allow') return { verb: 'May', what, when: when === 'always' ? '' : whenWords }
  const unless = when === 'always' ? '' : `when ${whenWords}, or when that is not known`
  return { verb: 'Never', what, when: unless }
}

function resourceText(pattern: string): string {
  return pattern === '*' ? 'anything' : pattern
}

/** Who has it, and what it has in turn. */
export function membersText(subject: DocumentSubject): string[] {
  const { name, members, indirectMembers, alsoHas } = subject
  if (name === 'role:anyone') return ['Every authenticated caller.', ...also(alsoHas)]
  const direct = members.length === 0 ? [] : [`Held by ${joined(members)}.`]
  const indirect =
    indirectMembers.length === 0 ? [] : [`Through other roles also by ${joined(indirectMembers)}.`]
  const fromTokens =
    members.length === 0 && name.startsWith('role:')
      ? ['Held only by tokens whose issuer may assert it.']
      : []
  return [...direct, ...indirect, ...fromTokens, ...also(alsoHas)]
}

function also(alsoHas: readonly string[]): string[] {
  return alsoHas.length === 0 ? [] : [`Also has everything of ${joined(alsoHas)}.`]
}

/** Who can do two privileged things, and that nobody can do any other two. */
export function separationSentences(notes: readonly SeparationNote[]): string[] {
  const shared = notes.filter(({ both }) => both.length > 0)
  const said = shared.map(({ actions, both }) => `${joined(both)} can ${joined(actions)}.`)
  const two = shared.length === 0 ? 'two of the privileged actions' : 'any other two of them'
  return [...said, `No role, group or user that the rules name can do ${two} by itself.`]
}

/** What a limit demands, of whom, and when. */
export function limitSentence(limit: LimitWords): string {
  const { demands, for: whom, except, actions, resources, when } = limit
  const exempt = except.length === 0 ? '' : ` except ${joined(except)}`
  const who = whom.length === 1 && whom[0] === 'role:anyone' ? 'everybody' : joined(whom)
  const condition = when === undefined ? '' : `, unless it is known that not ${when}`
  const what = `${joined(actions)} on ${joined(resources.map(resourceText))}`
  return `${demands.join('; ')}. For ${who}${exempt}: ${what}${condition}.`
}
