/** What signs the checkpoints of the ledger, as the configuration says. */
import { resolve } from 'node:path'
import { readKeyFile } from '../audit/signing/key-file.ts'
import { createKeySigner, type CheckpointSigner } from '../audit/signing/signer-port.ts'
import { createSocketSigner } from '../audit/signing/socket-signer.ts'
import { parseVkey, type NoteVerifier } from '../audit/tree/note.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Settings } from '../settings/settings.ts'

/** The longest a privileged request waits for the signer. */
const SIGNER_TIMEOUT_MS = 3_000

/** Where the ledger is, and who runs. */
export interface SignedLedger {
  readonly audit: Settings['audit']
  /** Origin of the log: the name that its keys must have. */
  readonly origin: string
  /** Directory of the ledger, absolute. */
  readonly dir: string
  readonly cwd: string
  readonly uid: number | undefined
  readonly groups?: readonly number[] | undefined
}

/**
 * The signer; `undefined` when none is configured.
 *
 * @throws ERR_CONFIG_UNREADABLE when a key file cannot be used
 * @throws ERR_CONFIG_INVALID when what is configured contradicts itself
 */
export function checkpointSigner(ledger: SignedLedger): CheckpointSigner | undefined {
  const { audit, origin, dir, cwd, uid, groups } = ledger
  const { signingKeyFile, previousSigningKeyFile, signer } = audit
  if (signer !== undefined) {
    if (signingKeyFile !== undefined || previousSigningKeyFile !== undefined) {
      throw invalid('audit.signer and audit.signing_key_file exclude each other; name one of them')
    }
    const socketPath = resolve(cwd, signer.socket)
    const verifier = verifierFrom(signer.vkey, 'audit.signer.vkey', 'ed25519')
    if (verifier.name !== origin) {
      throw invalid(`audit.signer.vkey: it is a key of ${verifier.name}, and this log is ${origin}`)
    }
    return createSocketSigner({ socketPath, verifier, timeoutMs: SIGNER_TIMEOUT_MS })
  }
  if (signingKeyFile === undefined) {
    if (previousSigningKeyFile === undefined) return undefined
    throw invalid('audit.previous_signing_key_file needs audit.signing_key_file beside it')
  }
  const read = (path: string) =>
    readKeyFile({ path, uid, groups, type: 'ed25519', name: origin, apartFrom: dir })
  const files = [
    signingKeyFile,
    ...(previousSigningKeyFile === undefined ? [] : [previousSigningKeyFile]),
  ]
  return createKeySigner(files.map(read))
}

/** A public key in the configuration. @throws ERR_CONFIG_INVALID naming its key in the file */
export function verifierFrom(text: string, at: string, type: NoteVerifier['type']): NoteVerifier {
  const verifier = parseVkey(text)
  if (typeof verifier === 'string') throw invalid(`${at}: ${verifier}`)
  if (verifier.type === type) return verifier
  const [is, must] = type === 'ed25519' ? ['witness', 'log'] : ['log', 'witness']
  throw invalid(`${at}: it is the key of a ${is}, and must be that of a ${must}`)
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', message)
}
