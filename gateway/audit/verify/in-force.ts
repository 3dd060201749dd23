/**
 * Whether decisions were made by rules and a configuration that the log says were in force.
 * `policy.changed` names both whenever either changes, and at the beginning of every run; a decision
 * names those it was made by. What is kept of a part of a log is small and can be joined with that
 * of the part before, so that parts may be read apart from each other.
 */

/** One thing that a record names the digest of. */
type Named = 'pol' | 'cfg'

/** A digest that a decision names and the announcement before it does not. */
interface Use {
  readonly what: Named
  readonly digest: string
  /** The record, and where it is. */
  readonly seq: number
  readonly file: string
  readonly line: number
  /** The latest time at which that digest must still have been in force; ms since the epoch. */
  readonly at: number
}

/** Records from one announcement to the next. */
export interface Stretch {
  /** `part`: from where reading began; `run`: from `log.opened`; `change`: from `policy.changed`. */
  readonly from: 'part' | 'run' | 'change'
  readonly at: number
  readonly pol: string | null
  readonly cfg: string | null
  readonly uses: readonly Use[]
}

/** A decision by what was not in force. */
export type Misuse = Pick<Use, 'seq' | 'file' | 'line'> & { readonly message: string }

/** What is known of a stretch of a log; JSON. */
export interface InForce {
  /** Of the last run. */
  readonly stretches: readonly Stretch[]
  /** Of runs that have ended, first to last. */
  readonly misuses: readonly Misuse[]
}

/** Nothing read. */
export const NOTHING_IN_FORCE: InForce = { stretches: [], misuses: [] }

type Body = Readonly<Record<string, unknown>>

const NAMED = ['pol', 'cfg'] as const
/** Digests of one stretch that are kept; a gateway has two at a time. */
const USES_MAX = 64
/** Announcements of one run that are looked back on. */
const STRETCHES_MAX = 1024
const MISUSES_MAX = 100
/** Between the change itself and the time of its record. */
const LAG_MS = 1_000
/**
 * A request keeps the configuration that it arrived under; after this, it has been decided on, or
 * its connection is gone.
 */
const UNDER_WAY_MS = 600_000

/** Where a record is, and when it was made. */
interface RecordPlace {
  readonly seq: number
  readonly at: number
  readonly file: string
  readonly line: number
}

/** Collects what {@link InForce} is made of, record by record. */
export interface InForceWatch {
  take(type: string, body: Body, place: RecordPlace): void
  /** What was seen so far. */
  seen(): InForce
}

/** See {@link InForceWatch}. */
export function createInForceWatch(): InForceWatch {
  const done: Stretch[] = []
  let now: Omit<Stretch, 'uses'> = { from: 'part', at: 0, pol: null, cfg: null }
  let uses = new Map<string, Use>()
  const begin = (next: typeof now) => {
    done.push({ ...now, uses: [...uses.values()] })
    now = next
    uses = new Map()
  }
  return {
    take(type, body, place) {
      const { at } = place
      if (type === 'log.opened') begin({ from: 'run', at, pol: null, cfg: null })
      if (type === 'policy.changed') {
        const [pol, cfg] = [textOf(body['pol']) ?? now.pol, textOf(body['cfg']) ?? now.cfg]
        begin({ from: 'change', at, pol, cfg })
      }
      if (type !== 'decision') return
      for (const what of NAMED) {
        const digest = body[what]
        if (typeof digest !== 'string' || digest === now[what]) continue
        addUse(uses, useOf(what, digest, { body, place }))
      }
    },
    seen: () =>
      joinInForce(NOTHING_IN_FORCE, stretched([...done, { ...now, uses: [...uses.values()] }])),
  }
}

/** Rules are chosen when the circumstances are known, the configuration when the request arrives. */
function useOf(
  what: Named,
  digest: string,
  { body, place }: { readonly body: Body; readonly place: RecordPlace },
): Use {
  const { seq, file, line } = place
  const judgedAt = Date.parse(textOf((body['env'] as Body | undefined)?.['now']) ?? '')
  const isKnown = what === 'pol' && !Number.isNaN(judgedAt)
  const at = isKnown ? judgedAt - LAG_MS : place.at - UNDER_WAY_MS
  return { what, digest, seq, file, line, at }
}

function addUse(uses: Map<string, Use>, use: Use): void {
  const key = `${use.what} ${use.digest}`
  const known = uses.get(key)
  if (known === undefined ? uses.size < USES_MAX : known.at < use.at) uses.set(key, use)
}

function stretched(stretches: readonly Stretch[]): InForce {
  return { stretches, misuses: [] }
}

/** What is known after two parts of a log, one after the other. */
export function joinInForce(a: InForce, b: InForce): InForce {
  if (b.stretches.length === 0) return a
  const runs = runsOf(joined(a.stretches, b.stretches))
  const last = runs.pop() ?? []
  const ended = runs.flatMap((run) => misusesOf(run, run.length))
  const over = Math.max(0, last.length - STRETCHES_MAX)
  const forgotten = over === 0 ? [] : misusesOf(last, over)
  // What is forgotten was announced before reading began, as far as the rest is concerned.
  const kept = last.slice(over).map((one, at): Stretch => {
    return over > 0 && at === 0 ? { ...one, from: 'part' } : one
  })
  const misuses = [...a.misuses, ...ended, ...forgotten, ...b.misuses].slice(0, MISUSES_MAX)
  return { stretches: kept, misuses }
}

/** The first stretch of the second part goes on with the last of the first. */
function joined(a: readonly Stretch[], b: readonly Stretch[]): readonly Stretch[] {
  const [before, [first, ...rest]] = [a.at(-1), b]
  if (before === undefined || first === undefined) return b
  if (first.from !== 'part') return [...a, ...b]
  const uses = new Map(before.uses.map((use) => [`${use.what} ${use.digest}`, use]))
  for (const use of first.uses) if (use.digest !== before[use.what]) addUse(uses, use)
  return [...a.slice(0, -1), { ...before, uses: [...uses.values()] }, ...rest]
}

function runsOf(stretches: readonly Stretch[]): Stretch[][] {
  const runs: Stretch[][] = []
  for (const stretch of stretches) {
    if (stretch.from === 'run' || runs.length === 0) runs.push([])
    runs.at(-1)?.push(stretch)
  }
  return runs
}

/** What was found in all that was read. `isEnded`: the last run has ended, too. */
export function misusesIn({ stretches, misuses }: InForce, isEnded: boolean): readonly Misuse[] {
  // What is in force may be said a moment after the first decision: that may still come.
  const isBeginning = stretches.at(-1)?.from === 'run' && !isEnded
  const count = stretches.length - (isBeginning ? 1 : 0)
  return [...misuses, ...misusesOf(stretches, count)].slice(0, MISUSES_MAX)
}

/** Judges the first `count` stretches of one run. */
function misusesOf(run: readonly Stretch[], count: number): readonly Misuse[] {
  const found: Misuse[] = []
  /** When each digest was followed by another. */
  const replacedAt = new Map<string, number>()
  const isWhole = run[0]?.from === 'run'
  // What came before the place where reading began is not known: until then, it may be anything.
  let firstAt = Number.POSITIVE_INFINITY
  for (const [index, stretch] of run.slice(0, count).entries()) {
    if (stretch.from === 'change') firstAt = Math.min(firstAt, stretch.at)
    noteReplaced(replacedAt, run[index - 1], stretch)
    const next = run[index + 1]
    for (const use of stretch.uses) {
      const { what, digest, at } = use
      const until = replacedAt.get(`${what} ${digest}`) ?? (isWhole ? undefined : firstAt)
      const isLate = until === undefined || at > until
      if (isLate && next?.[what] !== digest) found.push(misuseOf(use))
    }
  }
  return found
}

function noteReplaced(
  replacedAt: Map<string, number>,
  before: Stretch | undefined,
  stretch: Stretch,
): void {
  for (const what of NAMED) {
    const old = before?.[what] ?? null
    if (old !== null && old !== stretch[what]) replacedAt.set(`${what} ${old}`, stretch.at)
  }
}

function misuseOf({ what, digest, seq, file, line }: Use): Misuse {
  const by = what === 'pol' ? 'rules' : 'a configuration'
  const message = `decided by ${by} that the log does not say were in force: ${digest}`
  return { seq, file, line, message }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
