import { LOOK_AHEAD, type Match } from './needle-search.ts'

const LINE_FEED = 0x0a
const GLOBAL = 0x63
const SHORT_BINUNICODE = 0x8c
const MEMOIZE = 0x94
/** Longest module or class name that is read. */
const NAME_MAX = 128

/**
 * Whether a module name at `at` is one that a pickle imports, not one that a text mentions: `GLOBAL`
 * with two lines of identifiers (protocols 0 to 3), or a short string that is memoized (4 and 5).
 */
export function isPickleImport(data: Buffer, at: number): Match {
  const before = data[at - 1]
  if (before === GLOBAL) return isGlobal(data, at)
  if (data[at - 2] !== SHORT_BINUNICODE || before === undefined) return 'no'
  const end = at + before
  if (identifierEnd(data, at, end) !== end && end <= data.length) return 'no'
  if (end >= data.length) return before > LOOK_AHEAD ? 'no' : 'more'
  return data[end] === MEMOIZE ? 'yes' : 'no'
}

/** Whether two lines of identifiers are at `at`: what `GLOBAL` is followed by. */
export function isGlobal(data: Buffer, at: number): Match {
  let from = at
  for (let line = 0; line < 2; line++) {
    const end = identifierEnd(data, from, from + NAME_MAX)
    if (end >= data.length) return 'more'
    if (end === from || data[end] !== LINE_FEED) return 'no'
    from = end + 1
  }
  return 'yes'
}

function identifierEnd(data: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && isIdentifier(data[at])) at++
  return at
}

/** A letter, a digit, `_` or the dot between modules. */
function isIdentifier(byte: number | undefined): boolean {
  if (byte === undefined) return false
  if (byte >= 0x61 && byte <= 0x7a) return true
  return (
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === 0x2e
  )
}

/** `80 04 95` or `80 05 95`, a frame of less than 16 MiB (64 KiB are usual) and an opcode it begins with. */
export function isFramedPickle(data: Buffer, at: number): Match {
  if (data.length < at + 12) return 'more'
  for (let i = at + 6; i < at + 11; i++) if (data[i] !== 0) return 'no'
  return data[at + 3] === 0 && data[at + 4] === 0 && data[at + 5] === 0
    ? 'no'
    : opcode(data[at + 11])
}

/** Opcodes that a pickled value begins with. */
const OPENERS: ReadonlySet<number> = new Set([
  ...Buffer.from('}](cNGIJKMLFXTUBC)\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x91\x96VSi', 'latin1'),
])

function opcode(byte: number | undefined): Match {
  return byte !== undefined && OPENERS.has(byte) ? 'yes' : 'no'
}

/** Protocol 2 or 3 at `at`: the marker, then a container that is memoized or filled, or an import. */
export function isPlainPickle(data: Buffer, at: number): Match {
  if (data.length < at + 3) return 'more'
  const first = data[at + 2]
  if (first === GLOBAL) return isGlobal(data, at + 3)
  if (data.length < at + 5) return 'more'
  // What tuples of four and more begin with: what they hold comes first.
  return isContainer(data, first === MARK ? at + 3 : at + 2)
}

/** Protocol 1 has no marker: a dict or a list with its place in the memo, then what fills it. */
export function isBarePickle(data: Buffer): Match {
  if (data.length < 6) return isPrefixOfBare(data) ? 'more' : 'no'
  const isFilled = data[1] === PUT && data[3] === MARK
  return isFilled && isContainer(data, 0) === 'yes' ? opcode(data[4]) : 'no'
}

function isPrefixOfBare([first, second = PUT, third = 0]: Buffer): boolean {
  return (first === EMPTY_DICT || first === EMPTY_LIST) && second === PUT && third === 0
}

const MARK = 0x28
const PUT = 0x71
const EMPTY_DICT = 0x7d
const EMPTY_LIST = 0x5d

/** `}q\0`, `]q\0`: a dict or list, put into the memo as its first; `}(`, `](`: filled, no memo. */
function isContainer(data: Buffer, at: number): Match {
  const first = data[at]
  if (first !== undefined && first !== EMPTY_DICT && first !== EMPTY_LIST) return 'no'
  if (data.length < at + 3) return 'more'
  if (data[at + 1] === MARK) return opcode(data[at + 2])
  return data[at + 1] === PUT && data[at + 2] === 0 ? 'yes' : 'no'
}
