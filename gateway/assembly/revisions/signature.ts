/**
 * Signed rule sets: an Ed25519 signature over the revision, so that a gateway can be told to accept
 * only what the holder of a key has released, whoever can write its rule folder.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { jwkThumbprint } from '../../authn/jwk-thumbprint.ts'
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { GatewayError } from '../../domain/errors.ts'
import { readPemFile } from '../../settings/secret-file.ts'
import { readBounded } from './files.ts'
import { isRevision } from './revision.ts'

/** Beside the rule files; not part of the digest it is about. */
export const SIGNATURE_FILE = 'signature.json'

/** A key whose signatures count. */
export interface TrustedKey {
  /** RFC 7638 thumbprint. */
  readonly id: string
  readonly key: KeyObject
  readonly file: string
}

const BYTES_MAX = 16 * 1024

/** What is signed. The first line keeps a signature made for anything else from counting here. */
function signedText(revision: string): Buffer {
  return Buffer.from(`modelgate rule set v1\n${revision}\n`)
}

/**
 * The text of `signature.json` for `revision`, and the id of the key.
 * @throws ERR_USAGE when the key cannot be used
 */
export function signRevision(
  revision: string,
  privatePem: string,
): { readonly text: string; readonly keyId: string } {
  const key = privateKeyOf(privatePem)
  const keyId = idOf(createPublicKey(key))
  const signature = sign(null, signedText(revision), key).toString('base64')
  const text = `${JSON.stringify({ revision, key_id: keyId, signature }, null, 2)}\n`
  return { text, keyId }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (error) {
    throw new GatewayError('ERR_USAGE', 'the key is no private key in PEM (PKCS #8)', {
      cause: error,
    })
  }
  throw new GatewayError(
    'ERR_USAGE',
    'the key is not Ed25519; make one with: openssl genpkey -algorithm ed25519 -out rules.pem',
  )
}

function idOf(key: KeyObject): string {
  return jwkThumbprint({ ...key.export({ format: 'jwk' }) }) ?? ''
}

/** The keys in `files`. One that cannot be used is a diagnostic: fewer keys are never assumed. */
export async function readTrustedKeys(
  files: readonly string[],
): Promise<Loaded<readonly TrustedKey[]>> {
  const results = await Promise.all(files.map(readTrustedKey))
  const diagnostics = results.filter((result) => 'severity' in result)
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  const keys = results.filter((result): result is TrustedKey => !('severity' in result))
  return { ok: true, value: keys, warnings: [] }
}

async function readTrustedKey(file: string): Promise<TrustedKey | Diagnostic> {
  const pem = await readPemFile(file)
  if (!pem.ok) {
    return pem.diagnostics[0] ?? problem(file, 'unusable-key', 'it cannot be read', KEY_REMEDY)
  }
  if (pem.value.includes('PRIVATE KEY')) {
    const remedy = 'Keep the private key with whoever signs; name the public one here.'
    return problem(file, 'unusable-key', 'this is a private key', remedy)
  }
  try {
    const key = createPublicKey(pem.value)
    if (key.asymmetricKeyType === 'ed25519') return { id: idOf(key), key, file }
    return problem(file, 'unusable-key', 'the key is not Ed25519', KEY_REMEDY)
  } catch {
    return problem(file, 'unusable-key', 'this is no public key in PEM', KEY_REMEDY)
  }
}

const KEY_REMEDY = 'Name a PEM file from: openssl pkey -in rules.pem -pubout -out rules.pub.pem'

/** The text of `signature.json` in the rule folder `dir`; `undefined` when there is none. */
export async function readSignature(dir: string): Promise<Loaded<string | undefined>> {
  const file = join(dir, SIGNATURE_FILE)
  try {
    return { ok: true, value: await readBounded(file, BYTES_MAX), warnings: [] }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ok: false, diagnostics: [problem(file, 'unsigned', reason, SIGN_REMEDY)] }
  }
}

const SIGN_REMEDY = 'Sign the set as it is: modelgate rules sign --key PRIVATE.pem --rules DIR'

/**
 * What is wrong with the signature `text` of `revision`, if anything. `file` is where the signature
 * is, for the message. No signature is wrong too.
 */
export function signatureProblem(
  signed: { readonly file: string; readonly text: string | undefined; readonly revision: string },
  keys: readonly TrustedKey[],
): Diagnostic | undefined {
  const { file, text, revision } = signed
  const fail = (message: string, remedy = SIGN_REMEDY): Diagnostic =>
    problem(file, 'unsigned', message, remedy)
  if (text === undefined) return fail('the rule set is not signed')
  const found = partsOf(text)
  if (found === undefined) return fail('it is no signature of a rule set')
  if (found.revision !== revision) {
    return fail(
      `it signs ${found.revision}, and the rules are ${revision}: they were changed since`,
    )
  }
  const trusted = keys.find(({ id }) => id === found.keyId)
  if (trusted === undefined) {
    const remedy = 'Sign with a trusted key, or add its public key to rules.trusted_keys_files.'
    return fail(`the key ${found.keyId} is not trusted`, remedy)
  }
  const holds = verify(null, signedText(revision), trusted.key, found.signature)
  return holds ? undefined : fail(`the signature does not verify with the key of ${trusted.file}`)
}

/** What is wrong with the signature of the rule folder `dir`, of `revision`: nothing where no key is asked for. */
export async function folderSignatureProblems(
  dir: string,
  revision: string,
  keyFiles: readonly string[],
): Promise<readonly Diagnostic[]> {
  if (keyFiles.length === 0) return []
  const keys = await readTrustedKeys(keyFiles)
  if (!keys.ok) return keys.diagnostics
  const text = await readSignature(dir)
  if (!text.ok) return text.diagnostics
  const signed = { file: join(dir, SIGNATURE_FILE), text: text.value, revision }
  const problem = signatureProblem(signed, keys.value)
  return problem === undefined ? [] : [problem]
}

function partsOf(
  text: string,
): { readonly revision: string; readonly keyId: string; readonly signature: Buffer } | undefined {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    const { revision, key_id: keyId, signature } = value ?? {}
    if (typeof revision !== 'string' || !isRevision(revision)) return undefined
    if (typeof keyId !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(keyId)) return undefined
    if (typeof signature !== 'string' || !/^[A-Za-z0-9+/]{86}==$/.test(signature)) return undefined
    return { revision, keyId, signature: Buffer.from(signature, 'base64') }
  } catch {
    return undefined
  }
}

function problem(file: string, code: string, message: string, remedy: string): Diagnostic {
  return { file, line: 1, column: 1, severity: 'error', code, message, remedy }
}
