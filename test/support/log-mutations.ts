/** Every way to change the files of a log: what is changed, and where a verifier must say it is. */
import { leafHash } from '../../gateway/audit/line/record.ts'
import type { FileTree } from './memory-files.ts'

/** Where the change must be found; what is absent may be anything. */
export interface Expected {
  /** Files one of which must be named. */
  readonly files?: readonly string[]
  /** The first record that is affected, or the first and the last that may be named. */
  readonly seq?: readonly [number, number]
}

/** A changed log. */
export interface Mutated {
  readonly tree: FileTree
  readonly expected: Expected
}

/** Chooses a whole number from 0, below `count`. */
export type Pick = (count: number) => number

/** One kind of change; `undefined` when the choice changes nothing. */
export type Mutation = (tree: FileTree, pick: Pick) => Mutated | undefined

const SEGMENT = /^seg\/(\d{16})\.jsonl$/
const NOTES = 'checkpoints.log'

/** All kinds, by the name of their row in docs/ledger.md. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a byte of a record': (tree, pick) => flip(tree, pick, isSegment),
  'a byte of a tile': (tree, pick) => flip(tree, pick, isTile),
  'a byte of `checkpoint`': (tree, pick) => flip(tree, pick, (path) => path === 'checkpoint'),
  'a byte of `checkpoints.log`': (tree, pick) => flip(tree, pick, (path) => path === NOTES),
  'a record removed': (tree, pick) => editLines(tree, pick, (lines, at) => lines.toSpliced(at, 1)),
  'two records swapped': (tree, pick) =>
    editLines(tree, pick, (lines, at) => {
      const other = pick(lines.length)
      const swapped = lines.with(at, lines[other] ?? '').with(other, lines[at] ?? '')
      return { lines: swapped, at: Math.min(at, other) }
    }),
  'a record twice': (tree, pick) =>
    editLines(tree, pick, (lines, at) => lines.toSpliced(at, 0, lines[pick(at + 1)] ?? '')),
  'an old record in the place of another': (tree, pick) =>
    editLines(tree, pick, (lines, at) => lines.with(at, lines[pick(lines.length)] ?? '')),
  'a record written anew, key order changed': (tree, pick) =>
    editLines(tree, pick, (lines, at) => lines.with(at, reordered(lines[at] ?? ''))),
  'all records from one on forged, chain and hashes with them': forgeSuffix,
  'a segment cut': (tree, pick) => cut(tree, pick, isSegment),
  'a tile cut': (tree, pick) => cut(tree, pick, isTile),
  '`checkpoint` cut': (tree, pick) => cut(tree, pick, (path) => path === 'checkpoint'),
  '`checkpoints.log` cut': (tree, pick) => cut(tree, pick, (path) => path === NOTES),
  'bytes put into a segment': (tree, pick) => insert(tree, pick, isSegment),
  'a file removed': removeFile,
  'two files swapped': swapFiles,
  'a file under the name of another': copyFile,
  'a file under a new name': strangeFile,
  'a checkpoint removed': (tree, pick) =>
    editNotes(tree, pick, (notes, at) => notes.toSpliced(at, 1)),
  'two checkpoints swapped': (tree, pick) =>
    editNotes(tree, pick, (notes, at) => {
      const other = pick(notes.length)
      return notes.with(at, notes[other] ?? '').with(other, notes[at] ?? '')
    }),
  'a checkpoint twice': (tree, pick) =>
    editNotes(tree, pick, (notes, at) => notes.toSpliced(at, 0, notes[pick(at + 1)] ?? '')),
  'an old checkpoint published again': (tree, pick) => {
    const notes = notesIn(tree)
    const old = notes[pick(notes.length - 1)]
    if (old === undefined) return undefined
    const changed = new Map(tree).set('checkpoint', Buffer.from(old.slice(0, -1)))
    return { tree: changed, expected: { files: ['checkpoint'] } }
  },
  'the end cut off, tiles and checkpoints with it, against an anchor': rollBack,
}

function isSegment(path: string): boolean {
  return SEGMENT.test(path)
}

function isTile(path: string): boolean {
  return path.startsWith('tile/')
}

function pathsOf(tree: FileTree, which: (path: string) => boolean = () => true): string[] {
  return [...tree.keys()].filter(which)
}

/** What must be found when the file at `path` is changed from byte `at` on. */
function placeOf(tree: FileTree, path: string, at: number): Expected {
  const first = firstSeqOf(path)
  if (first === undefined) {
    const level = Number(/^tile\/(\d+)\//.exec(path)?.[1] ?? 0)
    if (!isTile(path)) return { files: [path] }
    const tile = Number(/(\d{3})(?:\.p\/\d+)?$/.exec(path)?.[1] ?? 0)
    const hash = tile * 256 + Math.floor(at / 32)
    return { files: [path], seq: [hash * 256 ** level, (hash + 1) * 256 ** level - 1] }
  }
  const before =
    tree
      .get(path)
      ?.subarray(0, at)
      .filter((byte) => byte === 0x0a).length ?? 0
  return { seq: [first + before, first + before] }
}

function firstSeqOf(path: string): number | undefined {
  const digits = SEGMENT.exec(path)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function flip(tree: FileTree, pick: Pick, which: (path: string) => boolean): Mutated | undefined {
  const paths = pathsOf(tree, which)
  const path = paths[pick(paths.length)] ?? ''
  const bytes = Buffer.from(tree.get(path) ?? '')
  const at = pick(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 + pick(255))
  return { tree: new Map(tree).set(path, bytes), expected: placeOf(tree, path, at) }
}

function cut(tree: FileTree, pick: Pick, which: (path: string) => boolean): Mutated | undefined {
  const paths = pathsOf(tree, which)
  const path = paths[pick(paths.length)] ?? ''
  const bytes = tree.get(path) ?? Buffer.alloc(0)
  const at = pick(bytes.length)
  const changed = new Map(tree).set(path, bytes.subarray(0, at))
  if (isSegment(path)) return { tree: changed, expected: placeOf(tree, path, at) }
  // An empty `checkpoint`, and one that is no longer in `checkpoints.log`, look alike from both.
  const files = isTile(path) ? [path] : ['checkpoint', NOTES, ...pathsOf(tree, isSegment)]
  return { tree: changed, expected: { files } }
}

function insert(tree: FileTree, pick: Pick, which: (path: string) => boolean): Mutated | undefined {
  const paths = pathsOf(tree, which)
  const path = paths[pick(paths.length)] ?? ''
  const bytes = tree.get(path) ?? Buffer.alloc(0)
  const at = pick(bytes.length)
  const text = [' ', '\n', '{}', '\r', '\0', ',"x":1', '\n{"v":1}\n'][pick(7)] ?? ' '
  const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at)])
  const [seq = 0] = placeOf(tree, path, at).seq ?? []
  // At the end of a line, it is the line after that is wrong.
  const expected = { seq: [seq, bytes[at] === 0x0a ? seq + 1 : seq] } as const
  return { tree: new Map(tree).set(path, changed), expected }
}

type LinesEdit = (
  lines: readonly string[],
  at: number,
) => readonly string[] | { readonly lines: readonly string[]; readonly at: number }

/** Edits all records as one list and writes them back to the segments they are in. */
function editLines(tree: FileTree, pick: Pick, edit: LinesEdit): Mutated | undefined {
  const lines = linesIn(tree)
  const at = pick(lines.length)
  const edited = edit(lines, at)
  const to = 'lines' in edited ? edited : { lines: edited, at }
  const first = to.lines.findIndex((line, index) => line !== lines[index])
  if (first === -1 && to.lines.length === lines.length) return undefined
  const seq = first === -1 ? to.lines.length : first
  return { tree: withLines(tree, to.lines), expected: { seq: [seq, seq] } }
}

function linesIn(tree: FileTree): string[] {
  return pathsOf(tree, isSegment).flatMap((path) =>
    (tree.get(path) ?? '').toString('utf8').split('\n').slice(0, -1),
  )
}

function withLines(tree: FileTree, lines: readonly string[]): FileTree {
  const changed = new Map(tree)
  const paths = pathsOf(tree, isSegment)
  for (const [index, path] of paths.entries()) {
    const [from, to] = [firstSeqOf(path), firstSeqOf(paths[index + 1] ?? '')]
    const text = lines.slice(from, to).map((line) => `${line}\n`)
    changed.set(path, Buffer.from(text.join('')))
  }
  return changed
}

function reordered(line: string): string {
  const entries = Object.entries(JSON.parse(line) as Record<string, unknown>)
  return JSON.stringify(Object.fromEntries([...entries.slice(0, 8), ...entries.slice(8).reverse()]))
}

/** What whoever has the files and not the key can do best: everything fits but the signatures. */
function forgeSuffix(tree: FileTree, pick: Pick): Mutated | undefined {
  const lines = linesIn(tree)
  const at = pick(lines.length)
  let prev = at === 0 ? '' : leafHash(lines[at - 1] ?? '')
  const forged = lines.slice(at).map((line, index) => {
    const linked = at + index === 0 ? line : line.replace(/"prev":"[^"]+"/, `"prev":"${prev}"`)
    const edited = index === 0 ? linked.replace(/}$/, ',"x":1}') : linked
    prev = leafHash(edited)
    return edited
  })
  const changed = new Map(withLines(tree, [...lines.slice(0, at), ...forged]))
  for (const path of pathsOf(tree, (one) => one.startsWith('tile/0/'))) {
    const tile = Number(/(\d{3})(?:\.p\/\d+)?$/.exec(path)?.[1] ?? 0)
    const hashes = [...lines.slice(0, at), ...forged]
      .slice(tile * 256, tile * 256 + (tree.get(path)?.length ?? 0) / 32)
      .map((line) => Buffer.from(leafHash(line), 'base64'))
    changed.set(path, Buffer.concat(hashes))
  }
  // Only roots speak for the records: somewhere between two checkpoints, or at a stated tree.
  return { tree: changed, expected: { seq: [Math.max(0, at - CHECKPOINT_RECORDS), lines.length] } }
}

/** Records between two checkpoints of the logs that are changed here. */
export const CHECKPOINT_RECORDS = 32

function removeFile(tree: FileTree, pick: Pick): Mutated | undefined {
  const paths = pathsOf(tree)
  const path = paths[pick(paths.length)] ?? ''
  const changed = new Map(tree)
  changed.delete(path)
  const first = firstSeqOf(path)
  if (first === undefined) return { tree: changed, expected: { files: [path] } }
  return { tree: changed, expected: { seq: [first, first] } }
}

function swapFiles(tree: FileTree, pick: Pick): Mutated | undefined {
  const paths = pathsOf(tree)
  const [one, other] = [paths[pick(paths.length)] ?? '', paths[pick(paths.length)] ?? '']
  const [a, b] = [tree.get(one), tree.get(other)]
  if (a === undefined || b === undefined || a.equals(b)) return undefined
  return {
    tree: new Map(tree).set(one, b).set(other, a),
    expected: { files: [one, other, 'checkpoint', NOTES] },
  }
}

function copyFile(tree: FileTree, pick: Pick): Mutated | undefined {
  const paths = pathsOf(tree)
  const [one, other] = [paths[pick(paths.length)] ?? '', paths[pick(paths.length)] ?? '']
  const [a, b] = [tree.get(one), tree.get(other)]
  if (a === undefined || b === undefined || a.equals(b)) return undefined
  return { tree: new Map(tree).set(other, a), expected: { files: [other, 'checkpoint', NOTES] } }
}

function strangeFile(tree: FileTree, pick: Pick): Mutated | undefined {
  const paths = pathsOf(tree, (path) => isSegment(path) || isTile(path))
  const path = paths[pick(paths.length)] ?? ''
  const first = firstSeqOf(path)
  const last = linesIn(tree).length
  const name =
    first === undefined
      ? [`${path}.bak`, 'tile/0/007', 'tile/1/003'][pick(2)]
      : [`${path}.bak`, `seg/${String(1 + pick(last * 2)).padStart(16, '0')}.jsonl`][pick(2)]
  if (name === undefined || tree.has(name)) return undefined
  const changed = new Map(
    [...tree, [name, tree.get(path) ?? Buffer.alloc(0)] as const].sort(byName),
  )
  return { tree: changed, expected: { files: [name] } }
}

function byName([a]: readonly [string, Buffer], [b]: readonly [string, Buffer]): number {
  return a < b ? -1 : 1
}

function notesIn(tree: FileTree): string[] {
  const parts = (tree.get(NOTES) ?? '').toString('utf8').split('\n\n')
  const notes: string[] = []
  for (let at = 0; at + 1 < parts.length; at += 2)
    notes.push(`${parts[at]}\n\n${parts[at + 1]}\n\n`)
  return notes
}

function editNotes(
  tree: FileTree,
  pick: Pick,
  edit: (notes: readonly string[], at: number) => readonly string[],
): Mutated | undefined {
  const notes = notesIn(tree)
  const edited = edit(notes, pick(notes.length))
  if (edited.join('') === notes.join('')) return undefined
  const changed = new Map(tree).set(NOTES, Buffer.from(edited.join('')))
  // A checkpoint that is missing shows at the next record that says what had been signed.
  return { tree: changed, expected: { files: [NOTES, 'checkpoint', ...pathsOf(tree, isSegment)] } }
}

/** Yesterday's copy of all files, put back: whole in itself. */
function rollBack(tree: FileTree, pick: Pick): Mutated | undefined {
  const notes = notesIn(tree)
  const at = pick(notes.length - 1)
  const note = notes[at] ?? ''
  const size = Number(note.split('\n')[1])
  const changed = new Map(withLines(tree, linesIn(tree).slice(0, size)))
  for (const path of pathsOf(tree, isSegment)) {
    if ((firstSeqOf(path) ?? 0) >= size) changed.delete(path)
  }
  for (const path of pathsOf(tree, isTile)) changed.delete(path)
  const hashes = linesIn(tree)
    .slice(0, size)
    .map((line) => Buffer.from(leafHash(line), 'base64'))
  for (let tile = 0; tile * 256 < size; tile++) {
    const bytes = Buffer.concat(hashes.slice(tile * 256, tile * 256 + 256))
    const width = bytes.length / 32
    changed.set(`tile/0/00${tile}${width < 256 ? `.p/${width}` : ''}`, bytes)
  }
  const upper = [...tree].find(([path]) => path.startsWith('tile/1/'))
  if (size >= 256 && upper !== undefined) changed.set(...upper)
  changed.set(NOTES, Buffer.from(notes.slice(0, at + 1).join('')))
  changed.set('checkpoint', Buffer.from(note.slice(0, -1)))
  return { tree: changed, expected: { seq: [size, size], files: ['anchor'] } }
}
