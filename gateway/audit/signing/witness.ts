/**
 * The witness (C2SP tlog-witness): remembers how far the logs it knows had come, and cosigns only
 * what appends to that. On another machine than the logs, it makes cut tails and forks visible.
 */
import type { Clock } from '../../domain/clock.ts'
import { parseCheckpoint, checkpointText } from '../tree/checkpoint.ts'
import { verifyNote, type NoteSigner, type NoteVerifier } from '../tree/note.ts'
import { parseGrowth, refusedGrowth, refusing, type Answer, type TreeHead } from './growth.ts'
import { originHash, type GrowthMemory } from './growth-memory.ts'
import { signatureLine } from './signature-lines.ts'

/** What {@link createWitness} needs. */
export interface WitnessOptions {
  /** Keys of type `cosignature`; the first is the newest. */
  readonly signers: readonly NoteSigner[]
  /** Keys of the logs it knows; their names are the origins. */
  readonly logs: readonly NoteVerifier[]
  readonly memory: GrowthMemory
  readonly clock: Clock
}

/** See the head of this file. */
export interface Witness {
  /**
   * Answers the body of `POST <prefix>/add-checkpoint`: 200 with cosignatures; 400, 403, 404, 409
   * with the size, 422. @throws ERR_AUDIT_UNAVAILABLE when its memory fails: then nothing was signed
   */
  answer(body: Buffer): Answer
  /** The newest note of the log whose origin has that SHA-256, in hex, of a log it knows. */
  noteOf(originHash: string): string | undefined
  /** Goes on from a head that does not follow from the one before: an operator has said so. */
  accept(origin: string, head: TreeHead): void
}

/** Builds a {@link Witness}. */
export function createWitness({ signers, logs, memory, clock }: WitnessOptions): Witness {
  const cosign = (text: string): string => {
    const at = Math.floor(clock.now() / 1000)
    return signers.map((signer) => signer.sign(text, at)).join('')
  }
  const known = new Set(logs.map(({ name }) => originHash(name)))
  return {
    answer(body) {
      const ask = parseGrowth(body)
      if (typeof ask === 'string') return refusing(400, ask)
      const read = parseCheckpoint(ask.rest)
      if (typeof read === 'string') return refusing(400, read)
      const keys = logs.filter(({ name }) => name === read.origin)
      if (keys.length === 0) return refusing(404, 'this log is not known here')
      const signed = verifyNote(read.note, keys)
      if (typeof signed === 'string') return refusing(403, signed)
      if (signed.length === 0) return refusing(403, 'no key of this log has signed')
      const refused = refusedGrowth(memory.headOf(read.origin), ask, read)
      if (refused !== undefined) return refused
      const { text, signatures } = read.note
      const lines = cosign(text)
      const own = signatures.filter(({ name, keyId }) =>
        signed.some(({ verifier }) => verifier.name === name && verifier.keyId === keyId),
      )
      const kept = own.map(signatureLine).join('')
      memory.remember(read.origin, read, `${text}\n${kept}${lines}`)
      return { status: 200, body: lines }
    },
    noteOf: (name) => (known.has(name) ? memory.noteOf(name) : undefined),
    accept(origin, head) {
      const text = checkpointText({ origin, ...head })
      memory.accept(origin, head, `${text}\n${cosign(text)}`)
    },
  }
}
