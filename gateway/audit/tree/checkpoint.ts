/** Checkpoints (C2SP tlog-checkpoint): the name of a log, its size and its root, as a signed note. */
import { HASH_BYTES } from './merkle.ts'
import { fromBase64, parseNote, type SignedNote } from './note.ts'

/** What a checkpoint says. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/** A checkpoint as read, with the note it came in; nothing is verified. */
export interface ReadCheckpoint extends Checkpoint {
  readonly note: SignedNote
}

/** The text that is signed: three lines, no extension lines. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** Reads a checkpoint with its signatures. A text is what is wrong with it. */
export function parseCheckpoint(bytes: Buffer): ReadCheckpoint | string {
  const note = parseNote(bytes)
  if (typeof note === 'string') return note
  const checkpoint = parseCheckpointText(note.text)
  return typeof checkpoint === 'string' ? checkpoint : { ...checkpoint, note }
}

/** Reads the text that is signed, without its signatures. A text is what is wrong with it. */
export function parseCheckpointText(text: string): Checkpoint | string {
  const [origin = '', size = '', encoded = '', ...more] = text.split('\n')
  // What stands behind the third line is an extension: allowed, of no meaning here.
  if (more.pop() !== '' || more.includes('') || origin === '') return 'not a checkpoint'
  if (!/^(?:0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    return 'the size of the checkpoint is not a decimal number'
  }
  const root = fromBase64(encoded)
  if (root?.length !== HASH_BYTES) return 'the root of the checkpoint is not a hash'
  return { origin, size: Number(size), root }
}
