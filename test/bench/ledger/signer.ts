/** What the ledger under test signs its checkpoints with. */
import { readFileSync } from 'node:fs'
import {
  createKeySigner,
  type CheckpointSigner,
} from '../../../gateway/audit/signing/signer-port.ts'
import { parseSkey } from '../../../gateway/audit/tree/note.ts'

/** Options of a ledger that signs with the key in the file at `path`. */
export function benchSigner(path: string): { readonly signer: CheckpointSigner } {
  const key = parseSkey(readFileSync(path, 'utf8'))
  if (typeof key === 'string') throw new Error(key)
  return { signer: createKeySigner([key]) }
}
