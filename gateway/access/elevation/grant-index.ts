/** Grants of the journal, found for a request. */
import type { Approval, Grant } from '../../domain/access.ts'
import { byEnd, chooseGrant, grantCovers, nameOf, operationsToCover } from '../../domain/grants.ts'
import type { GrantAsk, GrantFound } from '../../domain/ports.ts'
import { parseResource } from '../../domain/vocabulary.ts'
import type { ElevationGrant } from '../elevation.ts'
import type { AccessState } from '../state.ts'
import type { ElevationDeps } from './deps.ts'
import type { Approver } from './eligible.ts'
import { createJudgements, type Judged, type Judgement, type Judgements } from './judgements.ts'
import { couldAsk, type GrantFault } from './stands.ts'

/** What of the state it takes to find a grant. */
export type GrantState = Pick<AccessState, 'grants' | 'people' | 'locks' | 'at'>

/** Finds grants of a state; follows it by itself. */
export interface GrantIndex {
  /**
   * The grant of `state` that fits `ask`, by the rules of `domain/grants.ts`: in force at `ask.now`,
   * not taken back, its seal opened, and standing (see `grantStands`). A grant that did not change is
   * the same object every time. Costs what the grants of one holder on one resource cost, whatever
   * there are besides; following a change of `state` costs one look at each of its grants.
   * @param holdings of the subject as its token says, which is newer than what is known of people
   */
  find(state: GrantState, ask: GrantAsk, holdings?: ReadonlySet<string>): GrantFound
}

/** @param deps those in force; called for every look-up, and the same object as long as rules are */
export function createGrantIndex(deps: () => ElevationDeps): GrantIndex {
  const slots = new GrantSlots()
  const judgements = createJudgements()
  return {
    find(state, ask, holdings) {
      slots.follow(state)
      const candidates = slots.of(ask)
      if (candidates.length === 0) return chooseGrant([], ask)
      return choose(candidates, { judgements, state, deps: deps(), ask, holdings })
    },
  }
}

/** A grant with what was made of it. */
interface Entry {
  readonly given: ElevationGrant
  readonly names: readonly string[]
  /** Of the last time that somebody asked; most grants of ten thousand are never asked about. */
  judgement?: Judgement
  made?: { readonly of: readonly Approver[]; readonly by: string; readonly grant: Grant }
}

interface Look {
  readonly judgements: Judgements
  readonly state: GrantState
  readonly deps: ElevationDeps
  readonly ask: GrantAsk
  readonly holdings: ReadonlySet<string> | undefined
}

function choose(entries: readonly Entry[], look: Look): GrantFound {
  const { ask } = look
  const covered = operationsToCover(ask.operations)
  const standing: Grant[] = []
  let fallen: { readonly id: string; readonly fault: GrantFault } | undefined
  for (const entry of entries) {
    const { given } = entry
    if (given.startsAt > ask.now || given.expiresAt <= ask.now) continue
    const judged = judge(entry, look)
    if (typeof judged !== 'string') standing.push(grantFrom(entry, judged))
    else if (ask.named === undefined || ask.named === given.id) {
      // Of one that is for something else there is nothing to say.
      const grant = made(given, [])
      const isForThis = covered.every((operation) => grantCovers(grant, operation))
      if (isForThis) fallen ??= { id: given.id, fault: judged }
    }
  }
  const found = chooseGrant(standing.sort(byEnd), ask)
  if (found.grant !== undefined || fallen === undefined) return found
  return { hint: `Grant ${fallen.id} is suspended: ${SUSPENDED[fallen.fault]}.` }
}

function judge(entry: Entry, look: Look): Judged {
  const { state, deps, ask, holdings, judgements } = look
  // An account that is given to somebody else brings its grants to nobody.
  if (ask.subject.person !== entry.given.holder.person) return 'holder_changed'
  const by = { state, deps, now: ask.now }
  const { judged } = (entry.judgement = judgements.of(entry.given, by, entry.judgement))
  if (typeof judged === 'string' || holdings === undefined) return judged
  return couldAsk(entry.given, deps, holdings) ? judged : 'may_not_ask'
}

/** What the holder is told; who is locked is not told why (see `Lock.reason`). */
const SUSPENDED: Readonly<Record<GrantFault, string>> = {
  no_approval_rule: 'the rules in force do not say who may agree to it',
  approver_missing: 'too few of those who agreed may still do so',
  not_automatic: 'the rules in force want somebody to agree to it',
  holder_locked: 'its holder is locked out',
  holder_changed: 'the account is another person’s than when it was given',
  may_not_ask: 'the rules in force do not let its holder ask for it',
  demand_missing: 'the rules in force want it bound to devices or networks',
  over_bounds: 'the rules in force allow less than it gives',
}

function grantFrom(entry: Entry, approvers: readonly Approver[]): Grant {
  if (entry.made?.of === approvers) return entry.made.grant
  const by = approvers.map(({ vote, holds }) => `${vote.by.id} ${[...holds].join(' ')}`).join(' ')
  const grant = entry.made?.by === by ? entry.made.grant : made(entry.given, approvers)
  entry.made = { of: approvers, by, grant }
  return grant
}

function made(given: ElevationGrant, approvers: readonly Approver[]): Grant {
  const { id, terms, startsAt, expiresAt, request, sealed } = given
  const { usesMax, bytesMax, digest, networks, devices, training } = terms
  return Object.freeze({
    id,
    to: [terms.holder],
    actions: terms.actions,
    resources: terms.resources.map(parseResource),
    startsAt,
    expiresAt,
    ...(usesMax === undefined ? {} : { usesMax }),
    ...(bytesMax === undefined ? {} : { bytesMax }),
    ...(digest === undefined ? {} : { digest }),
    ...(networks === undefined ? {} : { networks }),
    ...(devices === undefined ? {} : { devices }),
    ...(training === undefined ? {} : { training }),
    ...(sealed === undefined ? {} : { breakGlass: true as const }),
    request,
    approvals: approvers.map(({ vote, holds }): Approval => ({
      by: vote.by.id,
      holds: [...holds],
      at: vote.at,
    })),
  })
}

/** Grants that can be of use, by holder and resource. */
class GrantSlots {
  #followed: GrantState['grants'] | undefined
  readonly #entries = new Map<string, Entry>()
  /** By holder, then by resource: of most callers it is known at once that they hold nothing. */
  readonly #slots = new Map<string, Map<string, Entry[]>>()

  /** What the subject holds on the first resource that a grant has to cover. */
  of({ subject, operations }: GrantAsk): readonly Entry[] {
    const held = this.#slots.get(subject.id)
    if (held === undefined) return []
    const [first] = operationsToCover(operations)
    return first === undefined ? [] : (held.get(nameOf(first.resource)) ?? [])
  }

  /** Takes over what is different in `grants`; nothing when it is the map of before. */
  follow({ grants, at }: GrantState): void {
    if (grants === this.#followed) return
    let there = 0
    for (const [id, given] of grants) {
      const entry = this.#entries.get(id)
      if (entry?.given === given && given.expiresAt > at) {
        there += 1
        continue
      }
      if (entry !== undefined) this.#remove(id, entry)
      if (!isOfUse(given, at)) continue
      this.#add(id, given)
      there += 1
    }
    if (there < this.#entries.size) this.#forget(grants)
    this.#followed = grants
  }

  /** Drops what is not in `grants` any more. */
  #forget(grants: GrantState['grants']): void {
    for (const [id, entry] of this.#entries) {
      if (!grants.has(id)) this.#remove(id, entry)
    }
  }

  #add(id: string, given: ElevationGrant): void {
    const { holder, resources } = given.terms
    // As `nameOf` writes them; ten thousand of them need not be taken apart for that.
    const names = new Set(resources.map((text) => text.split('@', 1)[0] ?? text))
    const entry: Entry = { given, names: [...names] }
    this.#entries.set(id, entry)
    const held = this.#slots.get(holder) ?? new Map<string, Entry[]>()
    this.#slots.set(holder, held)
    for (const name of names) {
      const slot = held.get(name)
      if (slot === undefined) held.set(name, [entry])
      else slot.push(entry)
    }
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id)
    const { holder } = entry.given.terms
    const held = this.#slots.get(holder)
    for (const name of entry.names) {
      const left = held?.get(name)?.filter((one) => one !== entry) ?? []
      if (left.length === 0) held?.delete(name)
      else held?.set(name, left)
    }
    if (held?.size === 0) this.#slots.delete(holder)
  }
}

function isOfUse({ revoked, sealed, expiresAt }: ElevationGrant, at: number): boolean {
  if (revoked !== undefined || expiresAt <= at) return false
  return sealed === undefined || sealed.openedAt !== undefined
}
