/** Everything the rules give to anybody for good: each allow row, and everyone who comes to it. */
import { ACTIONS, type Action } from '../../domain/vocabulary.ts'
import { ANYONE, coversAction, type PolicyTable, type Rule, type RoleLink } from '../policy/rule.ts'
import { createRoleReach, type RoleReach } from './role-reach.ts'

/** One allow row of one holder. */
export interface StandingPrivilege {
  /** Whom a token must name: `user:…`, `group:…`, or a role that an issuer asserts. */
  readonly holder: string
  readonly rule: Rule
  readonly actions: readonly Action[]
  /** From the holder to the subject of the rule; one entry when they are the same. */
  readonly through: readonly string[]
  /** The `g` rows along the way, the first one of those that say the same. */
  readonly links: readonly RoleLink[]
  /** Nobody has it: the role is given by no row to a user or group, and no issuer asserts it. */
  readonly unheld: boolean
}

/** Says who comes to what a subject of a rule has. */
export interface Holders {
  /**
   * Every user and group that leads to `subject`, and every role that issuers assert and that does;
   * `subject` alone where there is none.
   */
  of(subject: string): ReadonlySet<string>
  /** Whether {@link Holders.of} is `subject` for want of anybody. */
  isUnheld(subject: string): boolean
}

/**
 * Holders by the links of a policy. Answers are kept: they are few, one per subject that rules name.
 * @param asserted roles that issuers may assert, prefix written; any role when it is not known
 */
export function createHolders(
  links: readonly RoleLink[],
  asserted: ReadonlySet<string> | undefined,
  reach: RoleReach = createRoleReach(links),
): Holders {
  const kept = new Map<
    string,
    { readonly holders: ReadonlySet<string>; readonly unheld: boolean }
  >()
  const isHolder = (name: string) =>
    !name.startsWith('role:') || name === ANYONE || (asserted?.has(name) ?? true)
  const look = (subject: string) => {
    const known = kept.get(subject)
    if (known !== undefined) return known
    const found = reach.holdersOf(subject).filter(isHolder)
    const unheld = found.length === 0
    const answer = { holders: new Set(unheld ? [subject] : found), unheld }
    kept.set(subject, answer)
    return answer
  }
  return { of: (subject) => look(subject).holders, isUnheld: (subject) => look(subject).unheld }
}

/** What limits {@link standingPrivileges}. */
export interface StandingOptions {
  /** See {@link createHolders}. */
  readonly asserted?: ReadonlySet<string> | undefined
  /** More than these are not listed: the generator ends. */
  readonly max: number
}

/**
 * Every allow row in force with each of its holders, in the order of the file; rows that say the same
 * count once. Denies are not looked at: a row that is of no use today is there all the same, and
 * comes to life when the deny goes. At most `max` and one more, so that too many are noticed.
 */
export function standingPrivileges(
  table: PolicyTable,
  { asserted, max }: StandingOptions,
): readonly StandingPrivilege[] {
  const reach = createRoleReach(table.links)
  const holders = createHolders(table.links, asserted, reach)
  const linkOf = new Map(
    [...table.links].reverse().map((link) => [`${link.member} ${link.role}`, link]),
  )
  const seen = new Set<string>()
  const found: StandingPrivilege[] = []
  for (const rule of table.rules) {
    if (rule.effect !== 'allow' || seen.has(rule.reference.text)) continue
    seen.add(rule.reference.text)
    const actions = ACTIONS.filter((action) => coversAction(rule.action, action))
    const unheld = holders.isUnheld(rule.subject)
    for (const holder of holders.of(rule.subject)) {
      if (found.length > max) return found
      const through = wayTo(reach, holder, rule.subject)
      found.push({ holder, rule, actions, through, links: linksAlong(through, linkOf), unheld })
    }
  }
  return found
}

function wayTo(reach: RoleReach, holder: string, subject: string): readonly string[] {
  const way = reach.heldBy(holder).get(subject)
  if (way !== undefined) return way
  // What everybody holds is left out of what one holds.
  const shared = reach.heldBy(ANYONE).get(subject)
  return shared === undefined ? [holder] : [holder, ...shared]
}

function linksAlong(
  through: readonly string[],
  linkOf: ReadonlyMap<string, RoleLink>,
): readonly RoleLink[] {
  return through.slice(1).flatMap((role, at) => {
    const link = linkOf.get(`${through[at] ?? ''} ${role}`)
    return link === undefined ? [] : [link]
  })
}
