/** Which privileges reviews took away: looked up for every request, so kept ready. */
import type { ReviewCampaign, ReviewLine } from '../review.ts'
import type { AccessState } from '../state.ts'
import type { RevokedPrivilege } from '../view.ts'
import { privilegeOf } from './privileges.ts'
import { isComplete, standingOf, verdictOf, type Verdict } from './verdicts.ts'

/** The index; it follows the state and costs nothing while nothing is revoked. */
export interface Revocations {
  /** Privileges of holders that are revoked or will lapse. */
  readonly size: number
  /** Takes over what changed; in proportion to the lines of the campaigns that changed. */
  follow(state: Pick<AccessState, 'reviews'>): void
  /**
   * Whether `privilege` (a rule as written, or `grant <id>`) is taken from one of `names` at `now`,
   * by the store's clock. `names` are those the token gives: see `namesOf`. With everything the
   * subject holds it refuses more, never less. A lapse counts from the day it was due.
   */
  find(privilege: string, names: ReadonlySet<string>, now: number): RevokedPrivilege | undefined
}

interface Standing {
  readonly from: number
  readonly revoked: RevokedPrivilege
}

interface Said {
  readonly privilege: string
  readonly holder: string
  readonly verdicts: readonly Verdict[]
}

/** The index of the reviews of `state`. */
export function createRevocations(state: Pick<AccessState, 'reviews'>): Revocations {
  const index = new RevocationIndex()
  index.follow(state)
  return index
}

class RevocationIndex implements Revocations {
  #seen: AccessState['reviews'] = new Map()
  /** What campaigns say, by privilege and holder. */
  readonly #said = new Map<string, Said>()
  /** By privilege, then by holder. */
  readonly #standing = new Map<string, Map<string, Standing>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  follow({ reviews }: Pick<AccessState, 'reviews'>): void {
    if (reviews === this.#seen) return
    const touched = new Set<string>()
    for (const [id, before] of this.#seen) {
      if (!reviews.has(id)) this.#drop(before, touched)
    }
    for (const [id, review] of reviews) this.#change(this.#seen.get(id), review, touched)
    for (const key of touched) this.#settle(key)
    this.#seen = reviews
  }

  find(privilege: string, names: ReadonlySet<string>, now: number): RevokedPrivilege | undefined {
    if (this.#size === 0) return undefined
    const byHolder = this.#standing.get(privilege)
    if (byHolder === undefined) return undefined
    for (const name of names) {
      const found = byHolder.get(name)
      if (found !== undefined && found.from <= now) return found.revoked
    }
    return undefined
  }

  #change(before: ReviewCampaign | undefined, after: ReviewCampaign, touched: Set<string>): void {
    if (before === after) return
    // Lines keep their places while a campaign lasts; what was left out later is another matter.
    const isSame =
      before !== undefined &&
      before.lines.length <= after.lines.length &&
      isComplete(before) === isComplete(after)
    if (before !== undefined && !isSame) this.#drop(before, touched)
    for (const [at, line] of after.lines.entries()) {
      if (!isSame || before.lines[at] !== line) {
        this.#note(after.id, line, verdictOf(after, line), touched)
      }
    }
  }

  #drop(review: ReviewCampaign, touched: Set<string>): void {
    for (const line of review.lines) this.#note(review.id, line, undefined, touched)
  }

  #note(
    review: string,
    line: ReviewLine,
    verdict: Verdict | undefined,
    touched: Set<string>,
  ): void {
    const privilege = privilegeOf(line)
    const key = `${privilege}\0${line.holder}`
    const others = this.#said.get(key)?.verdicts.filter((one) => one.review !== review) ?? []
    const verdicts = verdict === undefined ? others : [...others, verdict]
    this.#said.set(key, { privilege, holder: line.holder, verdicts })
    touched.add(key)
  }

  #settle(key: string): void {
    const said = this.#said.get(key)
    if (said === undefined) return
    const { privilege, holder, verdicts } = said
    if (verdicts.length === 0) this.#said.delete(key)
    const first = standingOf(verdicts)
    const byHolder = this.#standing.get(privilege) ?? new Map<string, Standing>()
    const before = byHolder.size
    if (first === undefined) byHolder.delete(holder)
    else {
      const { review, from, kind } = first
      byHolder.set(holder, { from, revoked: { review, holder, lapsed: kind === 'lapse' } })
    }
    this.#size += byHolder.size - before
    if (byHolder.size === 0) this.#standing.delete(privilege)
    else this.#standing.set(privilege, byHolder)
  }
}

/**
 * When the next line lapses after `now`: what is open then is to be decided again. `undefined` when
 * nothing will.
 */
export function nextLapse(
  { reviews }: Pick<AccessState, 'reviews'>,
  now: number,
): number | undefined {
  let next: number | undefined
  for (const review of reviews.values()) {
    const { dueAt, closed, lines } = review
    if (closed !== undefined || dueAt <= now || !isComplete(review)) continue
    if (next !== undefined && next <= dueAt) continue
    if (lines.some(({ decision }) => decision === undefined)) next = dueAt
  }
  return next
}
