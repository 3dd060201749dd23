/** Builds a whole log on disk, tiles and signed checkpoints included, without the writer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { serializeRecord, GENESIS_HASH } from '../../gateway/audit/line/record.ts'
import { checkpointText } from '../../gateway/audit/tree/checkpoint.ts'
import { CompactRange } from '../../gateway/audit/tree/compact-range.ts'
import { leafHashOf, type HashAt } from '../../gateway/audit/tree/merkle.ts'
import {
  generateSkey,
  parseSkey,
  type NoteKeyType,
  type NoteSigner,
} from '../../gateway/audit/tree/note.ts'
import { partialTiles, TILE_HEIGHT, TILE_WIDTH, tilePath } from '../../gateway/audit/tree/tiles.ts'
import type { LedgerRecord } from '../../gateway/domain/ports.ts'

const NOON = Date.parse('2026-11-21T12:00:00.000Z')

/** What {@link buildTreeLog} writes. */
export interface TreeLogOptions {
  readonly dir?: string
  /** Origin; `test/audit/n1` by default. */
  readonly log?: string
  /** Records of all runs together, `log.opened` and `log.closed` included. */
  readonly records: number
  /** Records in a segment; 100 by default. */
  readonly perSegment?: number
  /** Records between two checkpoints; 64 by default. */
  readonly perCheckpoint?: number
  /** Runs of the process; 1 by default. */
  readonly runs?: number
  /** Signs every checkpoint, in this order; one new key by default, `[]` for none. */
  readonly signers?: readonly NoteSigner[]
  /** Records to put in place of the usual ones. */
  readonly at?: Readonly<Record<number, LedgerRecord>>
  /** Whether the log ends with `log.closed` and a checkpoint of all of it; true by default. */
  readonly closed?: boolean
  /** Milliseconds between two records. */
  readonly everyMs?: number
}

/** A log on disk and what was put in it. */
export interface TreeLog {
  readonly dir: string
  readonly log: string
  readonly lines: readonly string[]
  /** Signed notes in the order of `checkpoints.log`. */
  readonly notes: readonly string[]
  readonly signers: readonly NoteSigner[]
  /** Of the first signer. */
  readonly vkey: string
  readonly hashAt: HashAt
  rootAt(size: number): Buffer
}

const directories: string[] = []

/** Removes the logs built so far where no directory was given. */
export function removeTreeLogs(): void {
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
}

/** A new key that signs notes, or cosigns them. */
export function newSigner(name: string, type: NoteKeyType = 'ed25519'): NoteSigner {
  const signer = parseSkey(generateSkey(name, type))
  if (typeof signer === 'string') throw new TypeError(signer)
  return signer
}

/** Writes segments, tiles, `checkpoints.log` and `checkpoint`. */
export function buildTreeLog(options: TreeLogOptions): TreeLog {
  const { dir = newDirectory(), log = 'test/audit/n1', signers = [newSigner(log)] } = options
  const { perSegment = 100 } = options
  const grown = growLog(options, log, signers)
  writeSegments(dir, grown.lines, perSegment)
  if (grown.notes.length > 0) {
    put(dir, 'checkpoint', grown.notes.at(-1) ?? '')
    put(dir, 'checkpoints.log', grown.notes.map((note) => `${note}\n`).join(''))
    writeTiles(dir, grown.levels, grown.signedSize)
  }
  const vkey = signers[0]?.verifier.vkey ?? ''
  return { dir, log, signers, vkey, ...grown }
}

function growLog(options: TreeLogOptions, log: string, signers: readonly NoteSigner[]) {
  const { perCheckpoint = 64, closed = true } = options
  const tree = newTree()
  const notes: string[] = []
  const lines: string[] = []
  let [prev, notesEnd, signedSize] = [GENESIS_HASH, 0, 0]
  const sign = () => {
    const text = checkpointText({ origin: log, size: lines.length, root: tree.range.root() })
    const note = `${text}\n${signers.map((signer) => signer.sign(text)).join('')}`
    notes.push(note)
    notesEnd += Buffer.byteLength(note) + 1
    signedSize = lines.length
  }
  for (const record of recordsOf(options)) {
    const seq = lines.length
    const own = {
      previous: seq === 0 ? null : { seq: seq - 1, hash: prev },
      size: seq,
      root: tree.range.root().toString('base64'),
    }
    const fields = {
      ...record.fields,
      ...(record.type === 'log.opened' ? own : {}),
      ...(record.type.startsWith('log.') ? { signed: { size: signedSize, end: notesEnd } } : {}),
    }
    const stamp = stampOf(options, { log, seq, prev, run: record.run })
    const line = serializeRecord(stamp, { type: record.type, fields })
    lines.push(line)
    const leaf = leafHashOf(Buffer.from(line))
    prev = leaf.toString('base64')
    tree.append(leaf)
    if (signers.length > 0 && lines.length % perCheckpoint === 0) sign()
  }
  if (signers.length > 0 && closed && signedSize < lines.length) sign()
  const { hashAt, rootAt, levels } = tree
  return { lines, notes, signedSize, hashAt, rootAt, levels }
}

interface RunRecord extends LedgerRecord {
  readonly run: number
}

function* recordsOf({
  records,
  runs = 1,
  at = {},
  closed = true,
}: TreeLogOptions): Generator<RunRecord> {
  const perRun = Math.ceil(records / runs)
  for (let seq = 0; seq < records; seq++) {
    const run = Math.floor(seq / perRun)
    const isFirst = seq % perRun === 0
    const isLast = seq % perRun === perRun - 1 || seq === records - 1
    const other = at[seq]
    if (other !== undefined) yield { ...other, run }
    else if (isFirst) yield { type: 'log.opened', fields: { versions: { node: 'v20' } }, run }
    else if (isLast && (closed || run < runs - 1)) yield { type: 'log.closed', fields: {}, run }
    else
      yield {
        type: 'decision',
        fields: { id: `r${seq}`, effect: 'permit', sub: `u${seq % 7}` },
        run,
      }
  }
}

function stampOf(
  { everyMs = 100 }: TreeLogOptions,
  at: { readonly log: string; readonly seq: number; readonly prev: string; readonly run: number },
) {
  const { log, seq, prev, run } = at
  const ts = new Date(NOON + seq * everyMs).toISOString()
  return { log, seq, ts, monotonicMs: seq * everyMs, boot: `boot-${run}`, prev }
}

function newTree() {
  const range = new CompactRange()
  const levels: Buffer[][] = []
  const hashAt: HashAt = (level, index) => levels[level]?.[index] ?? Buffer.alloc(0)
  return {
    range,
    levels,
    hashAt,
    append: (leaf: Buffer) =>
      range.append(leaf, (level, index, hash) => ((levels[level] ??= [])[index] = hash)),
    rootAt: (size: number) => CompactRange.restore(size, hashAt).root(),
  }
}

function writeSegments(dir: string, lines: readonly string[], perSegment: number): void {
  for (let first = 0; first < lines.length; first += perSegment) {
    const text = lines.slice(first, first + perSegment).map((line) => `${line}\n`)
    put(dir, `seg/${String(first).padStart(16, '0')}.jsonl`, text.join(''))
  }
}

function writeTiles(dir: string, levels: readonly Buffer[][], size: number): void {
  const write = (level: number, index: number, width: number) => {
    const from = index * TILE_WIDTH
    const hashes = levels[level * TILE_HEIGHT]?.slice(from, from + width) ?? []
    put(dir, tilePath(level, index, width), Buffer.concat(hashes))
  }
  for (let level = 0, count = size; count >= TILE_WIDTH; level++) {
    count = Math.floor(count / TILE_WIDTH)
    for (let index = 0; index < count; index++) write(level, index, TILE_WIDTH)
  }
  for (const { level, index, width } of partialTiles(size)) write(level, index, width)
}

function put(dir: string, name: string, bytes: string | Buffer): void {
  const path = join(dir, name)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, bytes, { mode: 0o600 })
}

function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'modelgate-tree-'))
  directories.push(dir)
  return join(dir, 'audit')
}
