/** Remembers, beside the ledger, how far the journal was known: a restart forgets everything else. */
import { join } from 'node:path'
import { readBounded, writeAtomically } from '../revisions/files.ts'
import type { Seen } from './position.ts'

/** Its name in `audit.dir`. */
export const SEEN_FILE = 'journal-seen.json'

/** Its name in `audit.dir`, from the word of an operator until it is taken up. */
export const ACCEPTED_FILE = 'journal-loss-accepted.json'

/** Far more than either file ever has. */
const BYTES_MAX = 16_384

/** What is in the file. */
export interface SeenContent extends Seen {
  /** What is there instead, when the journal is not what it was. */
  readonly found?: { readonly epoch: string; readonly seq: number }
}

/** An operator's word on a journal that is not what it was. */
export interface AcceptedLoss {
  readonly by: string
  readonly reason: string
  /** What was known and what was found, as the file said: another loss is not accepted by it. */
  readonly known: { readonly epoch: string; readonly seq: number }
  readonly found: { readonly epoch: string }
}

/** A file that is there and says nothing: what was known of the journal is not known. */
export const UNREADABLE: SeenContent = Object.freeze({ epoch: 'unreadable', seq: 0 })

/** What was known; `undefined` before anything was. One that cannot be read is {@link UNREADABLE}. */
export async function readSeen(dir: string): Promise<SeenContent | undefined> {
  try {
    const text = await readBounded(join(dir, SEEN_FILE), BYTES_MAX)
    if (text === undefined) return undefined
    const read = JSON.parse(text) as Partial<SeenContent> | null
    const isWhole = typeof read?.epoch === 'string' && Number.isSafeInteger(read.seq)
    return isWhole ? withKnownMark(read as SeenContent) : UNREADABLE
  } catch {
    return UNREADABLE
  }
}

/** A mark of another form, as other versions leave it, says nothing: it is not known then. */
function withKnownMark({ epoch, seq, last, found }: SeenContent): SeenContent {
  const isMark = Number.isSafeInteger(last?.at) && typeof last?.digest === 'string'
  return {
    ...{ epoch, seq },
    ...(isMark ? { last } : {}),
    ...(found === undefined ? {} : { found }),
  }
}

/** Keeps `content`: whole or not at all, and on disk. */
export function writeSeen(dir: string, content: SeenContent): Promise<void> {
  return writeAtomically(join(dir, SEEN_FILE), `${JSON.stringify(content)}\n`)
}

/** What an operator has accepted, if it can be read. */
export async function readAccepted(dir: string): Promise<AcceptedLoss | undefined> {
  try {
    const text = await readBounded(join(dir, ACCEPTED_FILE), BYTES_MAX)
    if (text === undefined) return undefined
    const read = JSON.parse(text) as Partial<AcceptedLoss> | null
    const { by, reason, known, found } = read ?? {}
    if (typeof by !== 'string' || typeof reason !== 'string') return undefined
    if (typeof known?.epoch !== 'string' || typeof found?.epoch !== 'string') return undefined
    return { by, reason, known, found }
  } catch {
    return undefined
  }
}

/** Leaves the word of an operator for the gateway. */
export function writeAccepted(dir: string, accepted: AcceptedLoss): Promise<void> {
  return writeAtomically(join(dir, ACCEPTED_FILE), `${JSON.stringify(accepted)}\n`)
}
