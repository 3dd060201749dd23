/**
 * Makes of a damaged log one that can be gone on with: keeps what is right from the first record on,
 * and moves everything else, unchanged, to a directory beside it. Nothing is thrown away.
 */
import { dirname, join, relative } from 'node:path'
import { settled, writeAll } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { checkpointLogPath, checkpointPath } from '../files/checkpoint-log.ts'
import { listSegments, unavailable } from '../files/segments.ts'
import { readLines } from '../line/lines.ts'
import { WITNESS_LOG_FILE, WITNESSED_FILE } from '../signing/witnessed-files.ts'
import { createTileFiles } from '../files/tile-files.ts'
import { TILE_WIDTH } from '../tree/tiles.ts'
import { eachLeaf } from '../writer/leaves.ts'
import { createTreeWriter } from '../writer/tree-writer.ts'
import { isMissingOnly } from './end-checks.ts'
import { readCheckpointFile } from './checkpoint-file.ts'
import type { LogFault } from './fault.ts'
import { judgeCheckpoint, readyKeys, type KeyEntry } from './keys.ts'
import { FIRST_NOTE, readNotes } from './notes.ts'
import { verifyLog, type LogReport } from './verify-log.ts'

/** What {@link repairLog} needs. Nobody may be writing the log. */
export interface RepairOptions {
  readonly files: FilePort
  readonly dir: string
  /** Keys that sign the log; checkpoints of others are moved aside. */
  readonly keys: readonly KeyEntry[]
  /** Name of the directory below `dir` that things are moved to: `damaged-…`. */
  readonly aside: string
}

/** What was done. */
export interface Repaired {
  /** The log as it is now: without a fault. */
  readonly report: LogReport
  /** The first thing that was wrong; `undefined` when nothing was. */
  readonly fault: LogFault | undefined
  /** Files that were moved aside or shortened, below the directory of the log. */
  readonly moved: readonly string[]
}

/** Each round mends one fault, and a fault may hide another. */
const ROUNDS_MAX = 64

/**
 * See the head of this file.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when hashes of removed records are damaged: these are nowhere else
 */
export async function repairLog(options: RepairOptions): Promise<Repaired> {
  const { files, dir, keys } = options
  const moved = new Set<string>()
  let first: LogFault | undefined
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const report = await verifyLog({ dir, keys, files })
    const { fault } = report
    if (fault === undefined || isWhole(fault, report)) {
      if (fault !== undefined && fault.class !== 'gap') first ??= fault
      await settled((done) => files.syncDirectory(dir, done))
      return { report, fault: first, moved: [...moved].sort() }
    }
    first ??= fault
    const before = moved.size
    await mend(options, report, fault, moved)
    if (moved.size === before && isAgain(round, first, fault)) break
  }
  throw unavailable(
    `${dir}: cannot be made whole: ${first?.class}: ${first?.message}. Restore it from a backup`,
  )
}

/** What is left is for a record to say: there is nothing to move aside. */
function isWhole(fault: LogFault, { facts }: LogReport): boolean {
  return fault.class === 'gap' || isMissingOnly(fault, facts)
}

function isAgain(round: number, a: LogFault, b: LogFault): boolean {
  return round > 0 && a.class === b.class && a.file === b.file && a.seq === b.seq
}

async function mend(
  options: RepairOptions,
  report: LogReport,
  fault: LogFault,
  moved: Set<string>,
): Promise<void> {
  const { files, dir } = options
  const isRecords = !['tile', 'checkpoint', 'signature'].includes(fault.class)
  const isForeign = fault.class === 'segment' && fault.line === 0 && isStranger(files, dir, fault)
  const kept = isRecords && !isForeign ? Math.min(fault.seq, keptMax(report, fault)) : Infinity
  if (isForeign) await moveAside(options, fault.file, moved)
  if (kept < report.firstSeq) throw unavailable(`${dir}: nothing that is left fits together`)
  if (kept < Infinity) await cutRecords(options, kept, moved)
  await filterNotes(options, kept, moved)
  if (fault.class !== 'tile' && kept === Infinity) return
  await renewTiles(options, { kept, fault, first: report.firstSeq }, moved)
}

function keptMax({ size }: LogReport, fault: LogFault): number {
  return fault.class === 'truncated' ? size : Infinity
}

function isStranger(files: FilePort, dir: string, { file }: LogFault): boolean {
  return listSegments(files, dir).strangers.includes(file)
}

/** Leaves the first `kept` records. */
async function cutRecords(options: RepairOptions, kept: number, moved: Set<string>): Promise<void> {
  const { files, dir } = options
  const { segments } = listSegments(files, dir)
  for (const { path, firstSeq } of segments) {
    const end = firstSeq >= kept ? 0 : endOfRecord(files, path, kept - firstSeq)
    const size = files.status(path)?.size ?? 0
    if (end >= size) continue
    const aside = await moveAside(options, path, moved)
    if (end > 0) await copyStart(files, aside, path, end)
  }
}

/** Where the line after the first `count` begins. */
function endOfRecord(files: FilePort, path: string, count: number): number {
  let end = 0
  let number = 0
  for (const { offset, bytes, terminated } of readLines(files, path)) {
    if (!terminated || number >= count) return end
    end = offset + bytes.length + 1
    number += 1
  }
  return end
}

/** Leaves the checkpoints of at most `kept` records that are signed and in order. */
async function filterNotes(
  options: RepairOptions,
  kept: number,
  moved: Set<string>,
): Promise<void> {
  const { files, dir } = options
  let newest: Buffer | undefined
  for (const path of [checkpointLogPath(dir), join(dir, WITNESS_LOG_FILE)]) {
    const status = files.status(path)
    if (status?.kind !== 'file') continue
    const good = goodNotes(options, path, { kept, until: status.size })
    if (path === checkpointLogPath(dir)) newest = good.at(-1)
    const text = Buffer.concat(good.flatMap((note) => [note, Buffer.from('\n')]))
    if (text.length === status.size) continue
    await moveAside(options, path, moved)
    if (text.length > 0) await writeNew(files, path, text)
  }
  const cosigned = readCheckpointFile(files, join(dir, WITNESSED_FILE))
  const isKept = typeof cosigned !== 'string' && (cosigned?.size ?? 0) <= kept
  if (!isKept) await moveAside(options, join(dir, WITNESSED_FILE), moved)
  await publishAgain(options, newest, moved)
}

async function publishAgain(
  options: RepairOptions,
  newest: Buffer | undefined,
  moved: Set<string>,
): Promise<void> {
  const { files, dir } = options
  const path = checkpointPath(dir)
  const published = readCheckpointFile(files, path)
  const size = newest === undefined ? 0 : Number(newest.toString('latin1').split('\n')[1])
  const isSame = typeof published === 'object' && published.size === size
  if (isSame && judgedGood(options, published)) return
  if (files.status(path) !== undefined) await moveAside(options, path, moved)
  if (newest !== undefined) await writeNew(files, path, newest)
}

function judgedGood({ keys }: RepairOptions, note: Parameters<typeof judgeCheckpoint>[0]): boolean {
  const judged = judgeCheckpoint(note, readyKeys(keys), [])
  return typeof judged !== 'string' && (keys.length === 0 || judged.isSigned)
}

function goodNotes(
  options: RepairOptions,
  path: string,
  { kept, until }: { readonly kept: number; readonly until: number },
): readonly Buffer[] {
  const good: Buffer[] = []
  const isOwn = path === checkpointLogPath(options.dir)
  let last = -1
  for (const note of readNotes(options.files, path, { from: FIRST_NOTE, until })) {
    // Behind a place that cannot be read, nothing says where the next one begins.
    if ('message' in note) break
    const isInOrder = isOwn ? note.size > last : note.size >= last
    if (note.size > kept || !isInOrder || !judgedGood(options, note)) continue
    good.push(note.bytes)
    last = note.size
  }
  return good
}

interface Dropped {
  readonly kept: number
  readonly fault: LogFault
  /** The first record that is still there. */
  readonly first: number
}

/** Makes the tiles again from the records; those that were there are moved aside where that can be. */
async function renewTiles(
  options: RepairOptions,
  { kept, fault, first }: Dropped,
  moved: Set<string>,
): Promise<void> {
  const { files, dir } = options
  const base = Math.ceil(first / TILE_WIDTH) * TILE_WIDTH
  const isHeldOnlyThere = fault.class === 'tile' ? fault.seq < base : kept < base
  if (first > 0 && isHeldOnlyThere) {
    throw unavailable(`${fault.file}: ${fault.message}: hashes of removed records are only there`)
  }
  if (first === 0) await moveAside(options, join(dir, 'tile'), moved)
  else if (fault.class === 'tile') await moveAside(options, fault.file, moved)
  const tree = createTreeWriter(createTileFiles(files, dir), base)
  const size = endOf(files, dir)
  await eachLeaf({ files, dir }, { from: base, to: size }, (leaves, count) => {
    tree.append(leaves, count)
    tree.writeFull(true)
  })
  const published = readCheckpointFile(files, checkpointPath(dir))
  const isWithin = typeof published === 'object' && published.size <= size
  if (isWithin) tree.writePartial(published.size)
}

/** How many records the log has. */
function endOf(files: FilePort, dir: string): number {
  const last = listSegments(files, dir).segments.at(-1)
  if (last === undefined) return 0
  let size = last.firstSeq
  for (const { terminated } of readLines(files, last.path)) if (terminated) size += 1
  return size
}

/** Moves a file or a directory; gives its new path. Does nothing when it is gone. */
async function moveAside(
  { files, dir, aside }: RepairOptions,
  path: string,
  moved: Set<string>,
): Promise<string> {
  const name = relative(dir, path)
  let target = join(dir, aside, name)
  if (files.status(path) === undefined) return target
  for (let again = 1; files.status(target) !== undefined; again++) {
    target = join(dir, aside, `${name}.${again}`)
  }
  files.makeDirectory(dirname(target))
  files.rename(path, target)
  moved.add(name)
  await settled((done) => files.syncDirectory(dirname(target), done))
  await settled((done) => files.syncDirectory(dirname(path), done))
  return target
}

async function writeNew(files: FilePort, path: string, bytes: Buffer): Promise<void> {
  const fd = files.openAppend(path, true)
  try {
    writeAll(files, fd, bytes, { start: 0, end: bytes.length })
    await settled((done) => files.sync(fd, done))
  } finally {
    files.close(fd)
  }
}

async function copyStart(files: FilePort, from: string, to: string, length: number): Promise<void> {
  const source = files.openRead(from)
  const target = files.openAppend(to, true)
  try {
    const block = Buffer.alloc(256 * 1024)
    for (let at = 0; at < length;) {
      const read = files.read(source, block, at)
      if (read === 0) throw unavailable(`${from}: became shorter while it was copied`)
      const end = Math.min(read, length - at)
      writeAll(files, target, block, { start: 0, end })
      at += end
    }
    await settled((done) => files.sync(target, done))
  } finally {
    files.close(source)
    files.close(target)
  }
}
