/** Lists what rules and grants give, with what history, journal and configuration know of it. */
import type { ReviewScope } from '../../access/review.ts'
import { inOrder, type ListedLine } from '../../access/reviews/lines.ts'
import type { HeldPrivilege, PrivilegeListing } from '../../access/reviews/listing.ts'
import { EVERYONE } from '../../access/reviews/names.ts'
import { privilegeOf } from '../../access/reviews/privileges.ts'
import { createRevocations, type Revocations } from '../../access/reviews/revocations.ts'
import { REVIEW_LINES_MAX } from '../../access/reviews/start.ts'
import type { AccessState } from '../../access/state.ts'
import type { Grant } from '../../domain/access.ts'
import type { JournalStore } from '../../domain/journal.ts'
import { analysedRules } from '../../pdp/analysis/analysed-rules.ts'
import { createHolders, standingPrivileges } from '../../pdp/analysis/standing-privileges.ts'
import type { CompiledPolicy } from '../../pdp/compiled-policy.ts'
import type { KnownNames } from '../../pdp/policy/warnings-of-names.ts'
import { loadGrants } from '../../pip/grants.ts'
import { loadResources } from '../../pip/resources.ts'
import type { RuleFiles } from '../rule-files.ts'
import { createGhosts } from './ghosts.ts'
import { fileGrantLines, journalGrantLine, type GrantLine } from './grant-lines.ts'
import { grantPlaces } from './grant-places.ts'
import { rowOrigins, type OriginSource } from './row-origins.ts'
import { rowsOf, ruleLine, type LineFacts } from './rule-lines.ts'
import { isInScope } from './scope.ts'

/** The rules in force. */
export interface RulesNow {
  readonly policy: CompiledPolicy
  readonly files: RuleFiles
  readonly known: KnownNames
}

/** What a listing is made from. */
export interface ListingDeps {
  rules(): RulesNow
  readonly history: OriginSource
  readonly journal: Pick<JournalStore, 'uses'>
}

/** Privileges looked at: with a scope, most of them are not listed. */
const STANDING_MAX = 1_000_000

/** See {@link PrivilegeListing}. */
export function createPrivilegeListing(deps: ListingDeps): PrivilegeListing {
  return {
    async list(state, now, scope) {
      const names = new Set(scope.holder === undefined ? [] : [scope.holder])
      const found = await privilegesOf(deps, { state, now, scope, names })
      const lines = inOrder(found.held.map(({ line }) => line))
      return { revision: found.revision, lines, more: found.more }
    },
    async whoHas(state, now, scope) {
      const names = namesOfHolder(state, scope.holder)
      const { revision, held, more } = await privilegesOf(deps, { state, now, scope, names })
      const expiry = new Map(held.map(({ line, expiresAt }) => [line, expiresAt]))
      const privileges = inOrder(held.map(({ line }) => line)).map((line): HeldPrivilege => {
        const { kind, ...rest } = line
        const expiresAt = expiry.get(line)
        const ends = expiresAt === undefined ? {} : { expiresAt }
        return { ...rest, ...ends, by: kind === 'grant' ? 'grant' : 'rule' }
      })
      const byRule = privileges.filter(({ by }) => by === 'rule')
      const byGrant = privileges.filter(({ by }) => by === 'grant')
      const asked = scope.kind === undefined ? pendingOf(state, now, scope) : []
      return { revision, privileges: [...byRule, ...byGrant, ...asked], more }
    },
    isNobody(name) {
      const { policy, known } = deps.rules()
      if (createGhosts({ known, described: {} }).isHolder(name)) return true
      return createHolders(policy.table.links, known.issuerRoles).isUnheld(name)
    },
  }
}

interface Asked {
  readonly state: AccessState
  readonly now: number
  readonly scope: ReviewScope
  /** Who counts as the holder that is asked for. */
  readonly names: ReadonlySet<string>
}

type Held = Pick<GrantLine, 'line'> & Partial<GrantLine>

async function privilegesOf(deps: ListingDeps, { state, now, scope, names }: Asked) {
  const rules = deps.rules()
  const uses = await deps.journal.uses()
  const facts = {
    ghosts: createGhosts({ known: rules.known, described: describedIn(rules) }),
    uses: new Map(uses.map(({ privilege, at }) => [privilege, at])),
  }
  const found = [
    ...(scope.kind === 'grant' ? [] : await standingLines(deps, rules, { facts, scope, names })),
    ...(scope.kind === 'standing' ? [] : grantLines(rules, { state, now, facts })),
  ].filter(({ line }) => isInScope(line, scope, names))
  const revocations = createRevocations(state)
  const held = found
    .slice(0, REVIEW_LINES_MAX)
    .map((one) => ({ ...one, line: withRevocation(one.line, revocations, now) }))
  return { revision: rules.policy.revision, held, more: found.length > REVIEW_LINES_MAX }
}

async function standingLines(
  { history }: ListingDeps,
  { policy, known }: RulesNow,
  asked: {
    readonly facts: LineFacts
    readonly scope: ReviewScope
    readonly names: ReadonlySet<string>
  },
): Promise<readonly Held[]> {
  const { facts, scope, names } = asked
  const options = { asserted: known.issuerRoles, max: STANDING_MAX }
  const standing = standingPrivileges(policy.table, options)
    .filter(({ holder, actions, rule }) =>
      isInScope({ holder, actions, resources: [rule.resource.text] }, scope, names),
    )
    .slice(0, REVIEW_LINES_MAX + 1)
  const origins = await rowOrigins(new Set(standing.flatMap(rowsOf)), history)
  return standing.map((privilege) => ({ line: ruleLine(privilege, origins, facts) }))
}

function grantLines(
  { policy, files, known }: RulesNow,
  at: { readonly state: AccessState; readonly now: number; readonly facts: LineFacts },
): readonly GrantLine[] {
  const { state, now, facts } = at
  const ofJournal = [...state.grants.values()].flatMap(
    (grant) => journalGrantLine(grant, now, facts) ?? [],
  )
  const given: readonly Grant[] = grantsIn(files, now)
  if (given.length === 0 || files.grants === undefined) return ofJournal
  const holders = createHolders(policy.table.links, known.issuerRoles)
  const placeOf = grantPlaces(files.grants)
  const ofFile = given.flatMap((grant) =>
    fileGrantLines(grant, placeOf(grant.id), { now, holders, facts }),
  )
  return [...ofJournal, ...ofFile]
}

function grantsIn({ grants }: RuleFiles, now: number): readonly Grant[] {
  if (grants === undefined) return []
  const loaded = loadGrants(grants, now)
  return loaded.ok ? loaded.value : []
}

function describedIn({ policy, files }: RulesNow) {
  const resources = loadResources(files.resources)
  if (!resources.ok) return {}
  return analysedRules({ policy, resources: resources.value, files }).described
}

/** Those a line may name for `holder`: of a user, also what their last token gave them. */
function namesOfHolder({ people }: AccessState, holder: string | undefined): ReadonlySet<string> {
  if (holder === undefined) return new Set()
  if (!holder.startsWith('user:')) return new Set([holder])
  return new Set([holder, ...(people.get(holder)?.holds ?? []), EVERYONE])
}

function withRevocation(line: ListedLine, revocations: Revocations, now: number): ListedLine {
  const found = revocations.find(privilegeOf(line), new Set([line.holder]), now)
  return found === undefined ? line : { ...line, revokedIn: found.review }
}

function pendingOf({ requests }: AccessState, now: number, scope: ReviewScope): HeldPrivilege[] {
  return [...requests.values()].flatMap(({ id, status, expiresAt, createdAt, terms }) => {
    const { holder, actions, resources } = terms
    if (status !== 'pending' || expiresAt <= now) return []
    if (!isInScope({ holder, actions, resources }, scope)) return []
    const about = { holder, privilege: id, source: id, actions, resources }
    return {
      ...about,
      givenBy: [],
      givenAt: createdAt,
      ghost: false,
      by: 'request',
      expiresAt,
      status,
    }
  })
}
