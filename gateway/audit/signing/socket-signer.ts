/** The side of the gateway to `modelgate signer`. */
import { GatewayError } from '../../domain/errors.ts'
import { checkpointText } from '../tree/checkpoint.ts'
import type { NoteVerifier } from '../tree/note.ts'
import { askGrowth, type Growth } from './growth-client.ts'
import { createPeerClient } from './http-exchange.ts'
import { verifiedLines } from './signature-lines.ts'
import type { CheckpointSigner } from './signer-port.ts'

/** The path a signer takes checkpoints at. */
export const SIGN_PATH = '/sign-checkpoint'

/** What {@link createSocketSigner} needs. */
export interface SocketSignerOptions {
  readonly socketPath: string
  /** The key that must have signed. Signatures of other keys are left out. */
  readonly verifier: NoteVerifier
  /** A key that may have signed too, while one follows the other. */
  readonly previous?: NoteVerifier | undefined
  /** Longest wait for one answer. */
  readonly timeoutMs: number
}

/** Has checkpoints signed over a Unix socket. Nothing is believed but the signature. */
export function createSocketSigner(options: SocketSignerOptions): CheckpointSigner {
  const { socketPath, verifier, previous, timeoutMs } = options
  const verifiers = previous === undefined ? [verifier] : [verifier, previous]
  const peer = createPeerClient({ socketPath }, timeoutMs)
  return {
    verifiers,
    async sign(ask) {
      const text = checkpointText(ask.checkpoint)
      const { size } = ask.checkpoint
      const growth = await askGrowth(peer, {
        path: SIGN_PATH,
        from: ask.from.size,
        size,
        rest: text,
        proofFrom: (old) => ask.proofFrom(old),
      }).catch((error: unknown) => {
        throw unsigned(`${socketPath} does not answer: ${(error as Error).message}`, error)
      })
      if (growth.kind !== 'signed') throw unsigned(whyNot(growth, size))
      const lines = verifiedLines(text, growth.lines, verifiers)
      if (typeof lines === 'string') throw unsigned(lines)
      if (!lines.some((one) => one.verifier === verifier)) {
        throw unsigned(`${socketPath} did not sign with the key in audit.signer.vkey`)
      }
      return lines.map(({ line }) => line).join('')
    },
  }
}

function whyNot(growth: Exclude<Growth, { kind: 'signed' }>, size: number): string {
  const remedy =
    'Find out why. To go on: modelgate audit accept-gap, then modelgate signer --accept-gap.'
  switch (growth.kind) {
    case 'ahead': {
      const text = `it has signed ${growth.size} records and the ledger would have ${size}`
      return `${text}: an older state of the ledger was brought back, or it was cut. ${remedy}`
    }
    case 'forked':
      return `the ledger does not append to what was signed: it was changed. ${remedy}`
    case 'refused':
      return `it answers ${growth.status} ${growth.why}`
  }
}

function unsigned(why: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_AUDIT_UNAVAILABLE', `the signer did not sign: ${why}`, {
    cause,
    publicMessage: 'The decision could not be recorded.',
  })
}
