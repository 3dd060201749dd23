/** What else changed between two revisions, as lists: its consequences are among gains and losses. */
import { conditionWords } from './condition-words.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { limitWords } from './limit-words.ts'
import { createRoleReach } from './role-reach.ts'
import { namesIn, parseExpression } from '../policy/expression.ts'
import { ANYONE } from '../policy/rule.ts'

/** A named thing that is in one revision only, or means something else in the other. */
export interface NamedChange {
  readonly name: string
  /** In words; absent where it did not exist. */
  readonly old?: string
  readonly new?: string
}

/** A `g` row of one revision only. */
export interface RoleChange {
  readonly change: 'added' | 'removed'
  readonly member: string
  readonly role: string
  /** In the revision that has it. */
  readonly line: number
}

/** The lists. */
export interface ListedChanges {
  readonly conditions: readonly NamedChange[]
  readonly roles: readonly RoleChange[]
  readonly limits: readonly NamedChange[]
  /** Entries of `resources.yaml`, as `model:fraud-*`. */
  readonly descriptions: readonly NamedChange[]
}

/** Makes the lists. */
export function listChanges(before: AnalysedRules, after: AnalysedRules): ListedChanges {
  return {
    conditions: namedChanges(conditionTexts(before), conditionTexts(after)),
    roles: roleChanges(before, after),
    limits: namedChanges(limitTexts(before), limitTexts(after)),
    descriptions: namedChanges(descriptionTexts(before), descriptionTexts(after)),
  }
}

/** What is compared, and what is shown. */
interface Text {
  readonly key: string
  readonly words: string
}

function namedChanges(
  before: ReadonlyMap<string, Text>,
  after: ReadonlyMap<string, Text>,
): NamedChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap((name) => {
    const old = before.get(name)
    const now = after.get(name)
    if (old?.key === now?.key) return []
    return [
      {
        name,
        ...(old !== undefined && { old: old.words }),
        ...(now !== undefined && { new: now.words }),
      },
    ]
  })
}

function conditionTexts({ definitions }: AnalysedRules): Map<string, Text> {
  const texts = new Map<string, Text>()
  for (const [name, { spec, canonical }] of definitions) {
    texts.set(name, { key: canonical, words: conditionWords(spec) })
  }
  return texts
}

/**
 * A limit is another one too when its conditions mean something else, or when the roles it names are
 * held by others; its words are then the same.
 */
function limitTexts({ limits, definitions, policy }: AnalysedRules): Map<string, Text> {
  const texts = new Map<string, Text>()
  const reach = createRoleReach(policy.table.links)
  for (const [name, spec] of Object.entries(limits)) {
    const { demands, for: whom, except, actions, resources, when } = limitWords(name, spec)
    const words = [
      demands.join(', '),
      `for ${whom.join(', ')}${except.length === 0 ? '' : ` except ${except.join(', ')}`}`,
      `${actions.join(', ')} on ${resources.join(', ')}`,
      ...(when === undefined ? [] : [`when ${when}`]),
    ].join('; ')
    const used = parseExpression(when ?? 'always')
    const meanings = used.ok
      ? namesIn(used.value).map((one) => definitions.get(one.name)?.canonical)
      : []
    const holders = [whom, except].map((names) =>
      names.filter((one) => one !== ANYONE).map((one) => [...reach.holdersOf(one)].sort()),
    )
    texts.set(name, { key: JSON.stringify([words, meanings, holders]), words })
  }
  return texts
}

function descriptionTexts({ described }: AnalysedRules): Map<string, Text> {
  const texts = new Map<string, Text>()
  for (const [kind, entries] of Object.entries(described)) {
    for (const [name, spec] of Object.entries(entries)) {
      const words = Object.entries(spec)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `${key} ${wordsOf(value)}`)
        .join(', ')
      texts.set(`${kind}:${name}`, { key: words, words })
    }
  }
  return texts
}

type Described = string | number | readonly string[] | Readonly<Record<string, string>> | undefined

function wordsOf(value: Described): string {
  if (typeof value !== 'object') return String(value ?? '')
  if (!isRecord(value)) return value.join(' ')
  return Object.entries(value)
    .map((pair) => pair.join(': '))
    .join('; ')
}

function isRecord<T>(
  value: readonly T[] | Readonly<Record<string, T>>,
): value is Record<string, T> {
  return !Array.isArray(value)
}

function roleChanges(before: AnalysedRules, after: AnalysedRules): RoleChange[] {
  const keyed = ({ policy }: AnalysedRules) =>
    new Map(policy.table.links.map((link) => [JSON.stringify([link.member, link.role]), link]))
  const old = keyed(before)
  const now = keyed(after)
  const only = (some: typeof old, others: typeof old, change: RoleChange['change']): RoleChange[] =>
    [...some]
      .filter(([key]) => !others.has(key))
      .map(([, { member, role, line }]) => ({ change, member, role, line }))
  return [...only(old, now, 'removed'), ...only(now, old, 'added')]
}
