/**
 * The signer: holds the key of a log and signs only what appends to what it signed before, so that
 * whoever takes over the gateway can go on writing but not change what is written.
 */
import { checkpointText, parseCheckpointText } from '../tree/checkpoint.ts'
import type { NoteSigner } from '../tree/note.ts'
import { parseGrowth, refusedGrowth, refusing, type Answer, type TreeHead } from './growth.ts'
import type { GrowthMemory } from './growth-memory.ts'

/** What {@link createSigner} needs. */
export interface SignerOptions {
  /** Keys of one name: the origin of the log. The first is the newest. */
  readonly signers: readonly NoteSigner[]
  readonly origin: string
  readonly memory: GrowthMemory
}

/** See the head of this file. */
export interface Signer {
  /**
   * Answers the body of `POST /sign-checkpoint`: as `add-checkpoint` of C2SP tlog-witness, but the
   * checkpoint carries no signature. 200 with signature lines; 400, 404, 409 with the size, 422.
   * @throws ERR_AUDIT_UNAVAILABLE when its memory fails: then nothing was signed
   */
  answer(body: Buffer): Answer
  /** Goes on from a head that does not follow from the one before: an operator has said so. */
  accept(head: TreeHead): void
}

/** Builds a {@link Signer}. */
export function createSigner({ signers, origin, memory }: SignerOptions): Signer {
  const sign = (text: string): string => signers.map((signer) => signer.sign(text)).join('')
  return {
    answer(body) {
      const ask = parseGrowth(body)
      if (typeof ask === 'string') return refusing(400, ask)
      const checkpoint = parseCheckpointText(ask.rest.toString('utf8'))
      if (typeof checkpoint === 'string') return refusing(400, checkpoint)
      if (checkpoint.origin !== origin) return refusing(404, `this signs ${origin} alone`)
      const text = checkpointText(checkpoint)
      if (!ask.rest.equals(Buffer.from(text))) return refusing(400, 'more than a checkpoint')
      const refused = refusedGrowth(memory.headOf(origin), ask, checkpoint)
      if (refused !== undefined) return refused
      const lines = sign(text)
      memory.remember(origin, checkpoint, `${text}\n${lines}`)
      return { status: 200, body: lines }
    },
    accept(head) {
      const text = checkpointText({ origin, ...head })
      memory.accept(origin, head, `${text}\n${sign(text)}`)
    },
  }
}
