/**
 * Verifies records one after another: their chain, their hashes against the tiles, the tree against
 * every checkpoint. Finds the first record that is wrong.
 */
import type { FilePort } from '../files/file-port.ts'
import {
  checkRecord,
  isFault,
  type CheckedRecord,
  type LineFault,
  type Link,
} from '../line/chain.ts'
import type { RawLine } from '../line/lines.ts'
import { CompactRange } from '../tree/compact-range.ts'
import { TILE_HEIGHT } from '../tree/tiles.ts'
import { createContentsCheck, type ContentsCheck } from './contents.ts'
import { mergeFacts, NO_FACTS, type Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import { isNotable, statedNote, statedTree, withRecord } from './notable.ts'
import { createNoteCheck, type FittingNote, type NoteCheck, type TreeNow } from './note-check.ts'
import { sizeOfNoteBefore } from './notes.ts'
import { createTileCheck, type TileCheck, type TileFault } from './tile-check.ts'
import type { ShapeCheck } from './record-shape.ts'
import type { AnchorPoint, Carry, Suspect, WalkPlan } from './walk-job.ts'

/** Where a line is. */
export interface LineAt {
  readonly file: string
  readonly number: number
}

type Wrong = Pick<LogFault, 'class' | 'message'>

/** A run that says nothing for longer than this was stopped, or did not beat. */
const SILENCE_MS = 30_000

/** See the head of this file. */
export class Walk implements TreeNow {
  readonly tiles: TileCheck
  readonly contents: ContentsCheck
  facts: Facts = NO_FACTS
  private readonly files: FilePort
  private readonly plan: WalkPlan
  private readonly notes: NoteCheck
  private readonly range: CompactRange | undefined
  private last: Link | undefined
  private prev: string | null
  private suspect: Suspect | null
  private count: number
  private provenSize: number
  private anchorAt: number

  constructor(files: FilePort, plan: WalkPlan, start: Carry, shape?: ShapeCheck) {
    this.contents = createContentsCheck(shape)
    this.files = files
    this.plan = plan
    this.tiles = createTileCheck(files, plan.dir, plan.published?.size ?? 0)
    this.notes = createNoteCheck(files, plan, start.notes)
    this.range = start.edge === null ? undefined : rangeOf(start.size, start.edge)
    this.last = start.last ?? undefined
    this.prev = start.prev
    this.suspect = start.suspect
    this.count = start.size
    this.provenSize = start.proven
    this.anchorAt = plan.anchors.findIndex(({ size }) => size > start.size || start.size === 0)
  }

  get size(): number {
    return this.count
  }

  get log(): string | undefined {
    return this.last?.log ?? this.plan.log ?? undefined
  }

  get proven(): number {
    return this.provenSize
  }

  /** Whether no checkpoint of so many records or fewer can still come. */
  get isSettled(): boolean {
    return this.provenSize === this.count || this.notes.isAhead
  }

  root(): Buffer | undefined {
    return this.range?.root()
  }

  /** Where it stands. */
  carry(): Carry {
    return {
      last: this.last ?? null,
      prev: this.prev,
      size: this.count,
      edge: this.range?.hashes.map((hash) => hash.toString('base64')) ?? null,
      suspect: this.suspect,
      proven: this.provenSize,
      notes: this.notes.places,
    }
  }

  /** Compares what is known of the tree as it is now; done after every record, and at the start. */
  settle(): LogFault | undefined {
    const fault = this.notes.at(this, (fit) => this.onFit(fit)) ?? this.anchors()
    if (fault === undefined) {
      // A root that fits says that the records are right.
      return this.provenSize === this.count ? this.suspect?.tile : undefined
    }
    // A record that is not the one in its tile explains a root that does not fit.
    return this.suspect !== null && isRootFault(fault) ? this.suspect.record : fault
  }

  /** Takes the next line. */
  take(line: RawLine, at: LineAt): LogFault | undefined {
    const previous = this.prev === null ? this.last : 'unknown'
    const checked = checkRecord(line, previous)
    const wrong = isFault(checked) ? checked : this.misplaced(checked.link, line)
    if (wrong !== undefined) return this.suspect?.record ?? this.faultAt(at, wrong)
    const { link, body } = checked as CheckedRecord
    if (this.suspect !== null) return this.suspect.tile
    const misstated = this.misstated(body)
    if (misstated !== undefined) return this.faultAt(at, misstated)
    this.counted(link, line)
    this.contents.take(link, body, at)
    if (isNotable(link.type)) {
      this.missingNotes(body, at)
      this.facts = withRecord(this.facts, link.seq, link.type, body)
    }
    this.last = link
    this.prev = null
    return this.leaf(Buffer.from(link.hash, 'base64'), at)
  }

  /** Takes the hash of a record that was removed. */
  takeHash(hash: Buffer): LogFault | undefined {
    this.prev = hash.toString('base64')
    return this.leaf(hash, { file: this.plan.dir, number: 0 })
  }

  /** Whether a tile speaks for the record before: then that one is right. */
  isBeforeKnown(): boolean {
    return this.count > 0 && this.tiles.holds(this.count - 1)
  }

  /** What is wrong once no record follows. */
  finish(): LogFault | undefined {
    return this.suspect?.record ?? this.notes.beyond(this)
  }

  close(): void {
    this.notes.close()
  }

  private leaf(hash: Buffer, at: LineAt): LogFault | undefined {
    const seq = this.count
    const wrong = this.tiles.check(0, seq, hash)
    if (wrong !== undefined) this.suspect = this.suspectOf(seq, at, wrong)
    let above: TileFault | undefined
    this.range?.append(hash, (level, index, node) => {
      if (level === 0 || level % TILE_HEIGHT !== 0) return
      above ??= this.tiles.check(level / TILE_HEIGHT, index, node)
    })
    this.count += 1
    if (above !== undefined && this.suspect === null) return tileFault(above, seq)
    return this.settle()
  }

  private suspectOf(seq: number, at: LineAt, wrong: TileFault): Suspect {
    const message = 'the record is not the one whose hash is in the tree'
    const record = { class: 'record', file: at.file, line: at.number, seq, message } as const
    return { record, tile: tileFault(wrong, seq) }
  }

  private faultAt(at: LineAt, { class: kind, message }: Wrong): LogFault {
    return { class: kind, file: at.file, line: at.number, seq: this.count, message }
  }

  private misplaced(link: Link, line: RawLine): LineFault | undefined {
    const log = this.plan.log ?? link.log
    if (link.log !== log) {
      return { class: 'origin', message: `the record is of log ${link.log}, not ${log}` }
    }
    if (this.prev === null) return undefined
    if (link.seq !== this.count) {
      return { class: 'sequence', message: `record ${link.seq} where ${this.count} belongs` }
    }
    const isLinked = line.bytes.includes(`"prev":"${this.prev}"`)
    return isLinked
      ? undefined
      : { class: 'chain', message: 'prev is not the hash of the record before' }
  }

  private misstated(body: Readonly<Record<string, unknown>>): Wrong | undefined {
    const tree = body['type'] === 'log.opened' ? statedTree(body) : undefined
    if (tree !== undefined && this.range !== undefined) {
      const isSame = tree.size === this.count && tree.root === this.range.root().toString('base64')
      if (!isSame) return { class: 'boot', message: 'log.opened misstates the tree before it' }
    }
    return undefined
  }

  /** Checkpoints that were removed show where a record says which was the last before it. */
  private missingNotes(body: Readonly<Record<string, unknown>>, at: LineAt): void {
    const note = statedNote(body)
    const own = this.plan.notesFiles.find(({ isOwn }) => isOwn)
    if (note === undefined || note.end === 0) return
    if (own !== undefined && sizeOfNoteBefore(this.files, own.path, note.end) === note.size) return
    const message = 'checkpoints that were signed before it are missing'
    const fault = this.faultAt(at, { class: 'checkpoint', message })
    const missing = { first: this.facts.missing?.first ?? fault, last: fault }
    this.facts = { ...this.facts, missing }
  }

  private counted({ at, boot, type }: Link, line: RawLine): void {
    const facts = { ...this.facts, records: this.facts.records + 1 }
    facts.bytes += line.bytes.length + 1
    if (boot !== this.last?.boot) facts.boots += 1
    else if (type !== 'clock.step' && type !== 'log.degraded') {
      if (at < this.last.at) facts.clockBackwards += 1
      if (at - this.last.at > SILENCE_MS) facts.silences += 1
    }
    this.facts = facts
  }

  private onFit({ note, isSigned, witnesses }: FittingNote): void {
    const { size } = note
    const at = this.last?.at ?? 0
    const { plan } = this
    const isPublished = note.bytes.toString('utf8') === plan.published?.note
    const isWitnessed = plan.witnesses.length > 0 && witnesses >= plan.quorum
    this.provenSize = Math.max(size, this.provenSize)
    this.facts = mergeFacts(this.facts, {
      ...NO_FACTS,
      checkpoints: 1,
      signed: isSigned ? size : 0,
      witnessed: isWitnessed ? size : 0,
      isPublishedKnown: isPublished || isSameText(note.note.text, plan.published?.note),
      newest: { size, at },
    })
  }

  private anchors(): LogFault | undefined {
    const { anchors } = this.plan
    for (; this.anchorAt >= 0 && this.anchorAt < anchors.length; this.anchorAt++) {
      const anchor = anchors[this.anchorAt]
      if (anchor === undefined || anchor.size > this.count) return undefined
      const fault = this.anchor(anchor)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  private anchor({ size, root, file, kind }: AnchorPoint): LogFault | undefined {
    if (this.root()?.toString('base64') !== root) {
      const message = `records before ${size} are not those that ${file} speaks for`
      const fault = kind === 'published' ? 'root' : 'anchor'
      return { class: fault, file, line: 0, seq: this.provenSize, message }
    }
    const { facts } = this
    if (kind === 'anchor') this.facts = { ...facts, anchored: Math.max(size, facts.anchored) }
    if (kind === 'witnessed') this.facts = { ...facts, witnessed: Math.max(size, facts.witnessed) }
    if (kind === 'published') this.facts = { ...facts, publishedAt: this.last?.at ?? 0 }
    return undefined
  }
}

function isRootFault({ class: kind }: LogFault): boolean {
  return kind === 'root' || kind === 'anchor'
}

/** The published note may have gained cosignatures that the one in the log does not have. */
function isSameText(text: string, note: string | undefined): boolean {
  return note?.startsWith(`${text}\n`) ?? false
}

function tileFault({ file, message }: TileFault, seq: number): LogFault {
  return { class: 'tile', file, line: 0, seq, message }
}

function rangeOf(size: number, edge: readonly string[]): CompactRange {
  let at = 0
  return CompactRange.restore(size, () => Buffer.from(edge[at++] ?? '', 'base64'))
}
