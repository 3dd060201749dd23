/** What the writer of a ledger asks of whatever signs its checkpoints, and the key at hand that does. */
import { checkpointText, type Checkpoint } from '../tree/checkpoint.ts'
import type { NoteSigner, NoteVerifier } from '../tree/note.ts'

/** One checkpoint to sign. */
export interface SignAsk {
  readonly checkpoint: Checkpoint
  /** The size that the signer of this log last signed, as the writer knows it; 0 for none. */
  readonly from: { readonly size: number }
  /**
   * The hashes that show that the checkpoint only appends to the first `size` records (RFC 9162
   * §2.1.4), for any `size` up to that of the checkpoint. Throws when the tree cannot be read.
   */
  proofFrom(size: number): readonly Buffer[]
}

/** Signs the checkpoints of one ledger, one at a time. */
export interface CheckpointSigner {
  /** The keys that its lines verify with; the first is the newest. */
  readonly verifiers: readonly NoteVerifier[]
  /**
   * Signature lines, each with its newline. Throws or rejects with a `GatewayError`
   * `ERR_AUDIT_UNAVAILABLE` when it will not.
   */
  sign(ask: SignAsk): Promise<string> | string
}

/** Signs with keys at hand, synchronously; two keys while one follows the other. */
export function createKeySigner(signers: readonly NoteSigner[]): CheckpointSigner {
  return {
    verifiers: signers.map(({ verifier }) => verifier),
    sign({ checkpoint }) {
      const text = checkpointText(checkpoint)
      return signers.map((signer) => signer.sign(text)).join('')
    },
  }
}
