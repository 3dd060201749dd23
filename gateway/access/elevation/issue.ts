/** The grant that comes of an approved request: the terms, or less. */
import { inNetwork, parseNetwork, type Network } from '../../domain/network.ts'
import type { ApprovalRule } from '../approvals/rule.ts'
import { decline, type Declined } from '../command.ts'
import type {
  ApprovalVote,
  ElevationGrant,
  ElevationRequest,
  ElevationTerms,
  Narrowing,
  RequirementSet,
} from '../elevation.ts'
import { grantIdOf } from '../ids.ts'
import { longestMs, smallest } from './bounds.ts'

/** What a grant is made of. */
export interface Issue {
  readonly request: ElevationRequest
  readonly votes: readonly ApprovalVote[]
  readonly demands: readonly RequirementSet[]
  /** Those in force. */
  readonly rules: readonly ApprovalRule[]
  readonly now: number
  readonly auto?: string
}

/**
 * The grant of an approved request: of its terms, of what every approver made of them and of what the
 * rules in force allow, the least. Declined with `over_bounds` when nothing is left, and with
 * `closed` when its time is over.
 */
export function issued(issue: Issue): ElevationGrant | Declined {
  const { request, votes, demands, rules, now, auto } = issue
  const terms = least(request, votes, rules)
  if ('declined' in terms) return terms
  const isSeal = request.kind === 'break-glass'
  const startsAt = Math.max(terms.startsAt ?? now, now)
  // A window that was named ends when it was to end, however late people agreed to it.
  const endsAt = (terms.startsAt ?? now) + terms.durationMs
  if (!isSeal && endsAt <= now) return decline('closed', 'The time it was asked for is over.')
  return {
    id: grantIdOf(request.id),
    request: request.id,
    terms,
    holder: request.by,
    digest: request.digest,
    votes,
    demands,
    ...(auto === undefined ? {} : { auto }),
    issuedAt: now,
    startsAt,
    expiresAt: isSeal ? startsAt + sealKeepsMs(rules) : endsAt,
    ...(isSeal ? { sealed: {} } : {}),
  }
}

function sealKeepsMs(rules: readonly ApprovalRule[]): number {
  return Math.min(...rules.map(({ breakGlass }) => breakGlass?.validForMs ?? 0))
}

function least(
  { terms, kind }: ElevationRequest,
  votes: readonly ApprovalVote[],
  rules: readonly ApprovalRule[],
): ElevationTerms | Declined {
  const bounds: Narrowing = {
    durationMs: longestMs(rules, kind),
    ...amounts({ usesMax: smallest(rules, 'usesMax'), bytesMax: smallest(rules, 'bytesMax') }),
  }
  const narrowings = [bounds, ...votes.map(({ narrowing }) => narrowing ?? {})]
  let narrowed = terms
  for (const narrowing of narrowings) {
    const next = narrow(narrowed, narrowing)
    if ('declined' in next) return next
    narrowed = next
  }
  return narrowed
}

/** `terms` with what `narrowing` leaves of them. Declined with `over_bounds` when that is nothing. */
export function narrow(terms: ElevationTerms, narrowing: Narrowing): ElevationTerms | Declined {
  const networks = commonNetworks(terms.networks, narrowing.networks)
  const devices = common(terms.devices, narrowing.devices)
  if (networks?.length === 0 || devices?.length === 0) {
    return decline('over_bounds', 'With what others have left of it, nothing would be left.')
  }
  return {
    ...terms,
    durationMs: lesser(terms.durationMs, narrowing.durationMs) ?? terms.durationMs,
    ...amounts({
      usesMax: lesser(terms.usesMax, narrowing.usesMax),
      bytesMax: lesser(terms.bytesMax, narrowing.bytesMax),
    }),
    ...(networks === undefined ? {} : { networks }),
    ...(devices === undefined ? {} : { devices }),
  }
}

/** Declined with `over_bounds` when `narrowing` is more than `terms` in anything. */
export function widens(terms: ElevationTerms, narrowing: Narrowing): Declined | undefined {
  const isMore = (['durationMs', 'usesMax', 'bytesMax'] as const).some(
    (key) => (narrowing[key] ?? 0) > (terms[key] ?? Infinity),
  )
  const devices = common(terms.devices, narrowing.devices)
  const networks = commonNetworks(terms.networks, narrowing.networks)
  const isElsewhere =
    (narrowing.devices ?? []).some((one) => devices?.includes(one) !== true) ||
    (narrowing.networks ?? []).some((one) => networks?.includes(one) !== true)
  if (!isMore && !isElsewhere) return undefined
  return decline('over_bounds', 'Who approves can make less of a request, never more.')
}

type Amounts = Pick<Narrowing, 'usesMax' | 'bytesMax'>

function amounts(given: { readonly [K in keyof Amounts]: Amounts[K] | undefined }): Amounts {
  return {
    ...(given.usesMax === undefined ? {} : { usesMax: given.usesMax }),
    ...(given.bytesMax === undefined ? {} : { bytesMax: given.bytesMax }),
  }
}

function lesser(a: number | undefined, b: number | undefined): number | undefined {
  const least = Math.min(a ?? Infinity, b ?? Infinity)
  return least === Infinity ? undefined : least
}

type Texts = readonly string[] | undefined

function common(a: Texts, b: Texts): Texts {
  if (a === undefined || b === undefined) return a ?? b
  return a.filter((one) => b.includes(one))
}

/** Networks hold one another or share nothing: the common part is those that the other side holds. */
function commonNetworks(a: Texts, b: Texts): Texts {
  if (a === undefined || b === undefined) return a ?? b
  const within = (inner: readonly string[], outer: readonly string[]): string[] =>
    inner.filter((one) => outer.some((other) => holds(other, one)))
  return [...new Set([...within(a, b), ...within(b, a)])].sort()
}

function holds(outer: string, inner: string): boolean {
  const [wide, narrow] = [networkOf(outer), networkOf(inner)]
  if (wide === undefined || narrow === undefined) return false
  return wide.family === narrow.family && wide.prefix <= narrow.prefix && inNetwork(wide, narrow)
}

function networkOf(text: string): Network | undefined {
  const network = parseNetwork(text)
  return 'problem' in network ? undefined : network
}
