/**
 * DSSE v1 (github.com/secure-systems-lab/dsse): a payload with its type, and signatures over both.
 * Signed with the Ed25519 keys of signed notes, whose texts never begin as PAE does: a signature of
 * the one is never one of the other.
 */
import { isUtf8 } from 'node:buffer'
import type { NoteSigner, NoteVerifier } from '../tree/note.ts'

/** An envelope, as it is written. */
export interface DsseEnvelope {
  readonly payloadType: string
  /** Base64 (RFC 4648 §4). */
  readonly payload: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

/** What an envelope held, once it was verified. */
export interface DssePayload {
  readonly payloadType: string
  readonly payload: string
  /** The key that signed. */
  readonly signedBy: NoteVerifier
}

/** Signatures of an envelope that are looked at. */
const SIGNATURES_MAX = 16

/** What is signed: `PAE(type, body)` of protocol.md. Lengths are those of the UTF-8 bytes. */
export function pae(type: string, body: string): string {
  return `DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(body)} ${body}`
}

/** `payload` in an envelope, signed by `signer`. */
export function sealEnvelope(
  signer: NoteSigner,
  { payloadType, payload }: Pick<DssePayload, 'payloadType' | 'payload'>,
): DsseEnvelope {
  const line = signer.sign(pae(payloadType, payload))
  // `— <name> <base64>`, where four bytes of the key's id stand before the signature.
  const encoded = line.slice(line.lastIndexOf(' ') + 1).trimEnd()
  const sig = Buffer.from(encoded, 'base64').subarray(4).toString('base64')
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: keyIdOf(signer.verifier), sig }],
  }
}

/** `<name>+<key id>`: a hint only, as the protocol has it. */
function keyIdOf({ vkey }: NoteVerifier): string {
  return vkey.split('+', 2).join('+')
}

/**
 * What is in an envelope that one of `keys` signed. A text is why it is not to be believed. Which
 * key a signature says it is of is not relied on: any of `keys` will do.
 */
export function openEnvelope(text: string, keys: readonly NoteVerifier[]): DssePayload | string {
  const envelope = envelopeIn(text)
  if (envelope === undefined) return 'it is no DSSE envelope'
  const { payloadType, signatures } = envelope
  const bytes = Buffer.from(envelope.payload, 'base64')
  if (!isUtf8(bytes)) return 'its payload is not UTF-8'
  const payload = bytes.toString('utf8')
  const signed = pae(payloadType, payload)
  for (const { sig } of signatures.slice(0, SIGNATURES_MAX)) {
    const signature = Buffer.from(sig, 'base64')
    const signedBy = keys.find(
      (key) => key.type === 'ed25519' && key.verify(signed, signature) !== undefined,
    )
    if (signedBy !== undefined) return { payloadType, payload, signedBy }
  }
  return 'none of the keys has signed it'
}

function envelopeIn(text: string): DsseEnvelope | undefined {
  const value = parsed(text)
  if (!isObject(value)) return undefined
  const { payloadType, payload, signatures } = value
  if (typeof payloadType !== 'string' || typeof payload !== 'string') return undefined
  if (!Array.isArray(signatures) || !signatures.every(isSignature)) return undefined
  return { payloadType, payload, signatures }
}

function isSignature(value: unknown): value is DsseEnvelope['signatures'][number] {
  return isObject(value) && typeof value['sig'] === 'string'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is no envelope.
    return undefined
  }
}
