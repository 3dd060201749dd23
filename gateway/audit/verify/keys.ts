/**
 * The keys a log is verified with. They come from whoever verifies, never from the log: a log that
 * brings its own key proves nothing.
 */
import { parseVkey, verifyNote, type NoteVerifier } from '../tree/note.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'

/** A key and the sizes of the log at which it may sign, both ends included. */
export interface KeyEntry {
  readonly vkey: string
  readonly from: number
  readonly to: number
}

/** A {@link KeyEntry} that can verify. */
export interface ReadyKey extends KeyEntry {
  readonly verifier: NoteVerifier
}

const KEYS_MAX = 256

/**
 * Reads a list of keys: a line each, `<vkey>`, `<vkey> <from>` or `<vkey> <from> <to>`, sizes of the
 * log as decimal numbers; empty lines and lines that begin with `#` do not count. A text is what is
 * wrong with it.
 */
export function parseKeyList(text: string): readonly KeyEntry[] | string {
  const entries: KeyEntry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const entry = parseEntry(trimmed)
    if (typeof entry === 'string') return `line ${index + 1}: ${entry}`
    entries.push(entry)
    if (entries.length > KEYS_MAX) return `more than ${KEYS_MAX} keys`
  }
  return entries.length === 0 ? 'no key is in it' : entries
}

function parseEntry(line: string): KeyEntry | string {
  const [vkey = '', from = '0', to = String(Number.MAX_SAFE_INTEGER), ...more] = line.split(/\s+/)
  const verifier = parseVkey(vkey)
  if (typeof verifier === 'string') return verifier
  const isSize = /^\d{1,16}$/
  if (more.length > 0 || !isSize.test(from) || !isSize.test(to) || Number(from) > Number(to)) {
    return 'expected <vkey> [<from size> [<to size>]]'
  }
  return { vkey, from: Number(from), to: Number(to) }
}

/** Keys ready to verify. @throws when one is no key: they were parsed before */
export function readyKeys(entries: readonly KeyEntry[]): readonly ReadyKey[] {
  return entries.map((entry) => {
    const verifier = parseVkey(entry.vkey)
    if (typeof verifier === 'string') throw new TypeError(verifier)
    return { ...entry, verifier }
  })
}

/** Who signed a checkpoint. */
export interface Judged {
  /** Whether a key of the log that was valid at this size did. */
  readonly isSigned: boolean
  /** How many of the witnesses did. */
  readonly witnesses: number
}

/** Whose signatures are on a checkpoint. A text is what is wrong with them. */
export function judgeCheckpoint(
  { note, size }: ReadCheckpoint,
  keys: readonly ReadyKey[],
  witnesses: readonly ReadyKey[],
): Judged | string {
  const known = [...keys, ...witnesses].map(({ verifier }) => verifier)
  const signed = verifyNote(note, known)
  if (typeof signed === 'string') return signed
  const has = (list: readonly ReadyKey[]) =>
    list.filter(
      ({ verifier, from, to }) =>
        from <= size && size <= to && signed.some((one) => one.verifier.vkey === verifier.vkey),
    ).length
  return { isSigned: has(keys) > 0, witnesses: has(witnesses) }
}
