/** A revision: SHA-256 over the names and texts of a rule set, `sha256:<64 hex digits>`. */

const REVISION = /^sha256:[0-9a-f]{64}$/

/** Whether `text` is a whole revision. */
export function isRevision(text: string): boolean {
  return REVISION.test(text)
}

/** The first twelve digits: what people read and type. */
export function shortRevision(revision: string): string {
  return revision.slice(0, 'sha256:'.length + 12)
}

/** What a name of a revision is looked up in. */
export interface KnownRevisions {
  /** Revisions that are kept, any order. */
  readonly kept: readonly string[]
  /** Revisions as they came into force, oldest first; the last is in force. */
  readonly accepted: readonly string[]
}

/** A revision, or why the name means none. */
export type ResolvedRevision =
  { readonly revision: string } | { readonly problem: string; readonly remedy: string }

/**
 * The revision that `name` means: a digest, at least 8 digits of one, `previous`, or `~N` for the
 * N-th before the one in force (`~0` is that one). A prefix that fits two is none.
 */
export function resolveRevision(name: string, known: KnownRevisions): ResolvedRevision {
  const back = name === 'previous' ? '~1' : name
  if (/^~\d{1,4}$/.test(back)) return stepBack(Number(back.slice(1)), known)
  const digits = name.startsWith('sha256:') ? name.slice('sha256:'.length) : name
  if (!/^[0-9a-f]{8,64}$/.test(digits)) {
    return {
      problem: `${JSON.stringify(name.slice(0, 80))} names no revision`,
      remedy:
        'Give a digest, at least 8 hex digits of one, previous, or ~N (in quotes: a shell may ' +
        'take ~N for a folder); see modelgate history.',
    }
  }
  const found = known.kept.filter((revision) => revision.startsWith(`sha256:${digits}`))
  const [first, second] = found
  if (first !== undefined && second === undefined) return { revision: first }
  return first === undefined
    ? {
        problem: `no rule set that is kept begins with ${digits}`,
        remedy: 'modelgate history lists those that are kept.',
      }
    : {
        problem: `${digits} fits ${found.length} revisions, ${shortRevision(first)} among them`,
        remedy: 'Give more digits.',
      }
}

function stepBack(steps: number, { accepted, kept }: KnownRevisions): ResolvedRevision {
  const changes = accepted.filter((revision, i) => revision !== accepted[i - 1])
  const revision = changes[changes.length - 1 - steps]
  if (revision === undefined) {
    return {
      problem: `that is further back than what is on record (${changes.length})`,
      remedy: 'modelgate history lists them.',
    }
  }
  if (!kept.includes(revision)) {
    return {
      problem: `${shortRevision(revision)} is on record, but is not kept any more`,
      remedy: 'Raise rules.history_max to keep more, and take an older set from version control.',
    }
  }
  return { revision }
}
