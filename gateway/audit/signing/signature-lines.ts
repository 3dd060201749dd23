/** Signature lines of somebody else: what is taken from them is verified first. */
import {
  NOTE_BYTES_MAX,
  parseNote,
  verifyNote,
  type NoteSignature,
  type NoteVerifier,
} from '../tree/note.ts'

/** A line that was verified. */
export interface VerifiedLine {
  readonly verifier: NoteVerifier
  /** With its newline. */
  readonly line: string
  /** Of a cosignature, seconds since the epoch; 0 otherwise. */
  readonly at: number
}

/** The line of a signature, with its newline. */
export function signatureLine({ name, keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(keyId)
  return `\u2014 ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`
}

/**
 * Of lines that should sign `text`, one for each of `verifiers` that did. Lines of other keys are
 * left out. A text is what is wrong: not lines of signatures, or one that does not verify.
 */
export function verifiedLines(
  text: string,
  lines: Buffer,
  verifiers: readonly NoteVerifier[],
): readonly VerifiedLine[] | string {
  // The text is ours: longer than a note can be is only what was answered.
  if (lines.length > NOTE_BYTES_MAX - 2048) return 'the answer is too long'
  const note = parseNote(Buffer.concat([Buffer.from(`${text}\n`), lines]))
  if (typeof note === 'string') return note
  if (note.text !== text) return 'the answer holds more than signatures'
  const signed = verifyNote(note, verifiers)
  if (typeof signed === 'string') return signed
  return signed.flatMap(({ verifier, at }) => {
    const { name, keyId } = verifier
    const own = note.signatures.find((one) => one.name === name && one.keyId === keyId)
    return own === undefined ? [] : [{ verifier, at, line: signatureLine(own) }]
  })
}
