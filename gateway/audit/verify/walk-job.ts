/** One part of a verification: what it starts from, and what it ends with. All of it is JSON. */
import type { Link } from '../line/chain.ts'
import type { Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import type { KeyEntry } from './keys.ts'
import type { NotePlace } from './notes.ts'

/** Where a verification stands between two records. */
export interface Carry {
  /** The record before; `null` at the beginning, and after records that were removed. */
  readonly last: Link | null
  /** The hash that the next record must name where `last` is not known. */
  readonly prev: string | null
  /** Records so far, removed ones included. */
  readonly size: number
  /** The right edge of the tree, base64; `null` when the tree is not known. */
  readonly edge: readonly string[] | null
  /** A record whose hash is not the one in its tile: the next line tells which of the two is wrong. */
  readonly suspect: Suspect | null
  /** The size of the last checkpoint that fitted. */
  readonly proven: number
  /** Where the next checkpoint begins in each file of checkpoints. */
  readonly notes: readonly NotePlace[]
}

/** See {@link Carry}. Either half is a fault, once it is known which. */
export interface Suspect {
  readonly record: LogFault
  readonly tile: LogFault
}

/** A tree that is known from elsewhere than `checkpoints.log`. */
export interface AnchorPoint {
  readonly size: number
  /** Base64. */
  readonly root: string
  readonly file: string
  readonly kind: 'published' | 'witnessed' | 'anchor'
}

/** A file of checkpoints: read up to `until`, what came later is left alone. */
export interface NotesFile {
  readonly path: string
  readonly until: number
  /** Whether each checkpoint must be larger than the one before, and signed by the log. */
  readonly isOwn: boolean
}

/** What holds for all parts of a verification. */
export interface WalkPlan {
  readonly dir: string
  /** Origin that the log must have; `null` for that of its first record. */
  readonly log: string | null
  readonly keys: readonly KeyEntry[]
  readonly witnesses: readonly KeyEntry[]
  /** Cosignatures that make a checkpoint count as witnessed. */
  readonly quorum: number
  /** Smallest first. */
  readonly anchors: readonly AnchorPoint[]
  /** The note that was published last; `null` for none. */
  readonly published: { readonly size: number; readonly note: string } | null
  readonly notesFiles: readonly NotesFile[]
  /** Whether records are held against their schema. */
  readonly isShapeChecked: boolean
}

/** One segment to verify. */
export interface WalkJob {
  readonly plan: WalkPlan
  readonly start: Carry
  readonly segment: SegmentPart
}

/** A segment, or the rest of it. */
export interface SegmentPart {
  readonly path: string
  readonly firstSeq: number
  readonly isLast: boolean
  /** Where its first line that counts begins. */
  readonly offset: number
  /** The number of that line, from 1. */
  readonly line: number
}

/** What a part ends with. */
export interface WalkOutcome {
  readonly carry: Carry
  readonly facts: Facts
  readonly fault: LogFault | null
  /** Whether no checkpoint of so many records or fewer can still come. */
  readonly isSettled: boolean
  /** Where the next line will begin in the segment. */
  readonly offset: number
  readonly line: number
  /** Bytes of a last line that has no end. */
  readonly torn: number
}
