/** The private key of the development issuer, kept in a file that nobody else may read. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createDevIssuer, type DevIssuerOptions } from '../authn/dev-issuer.ts'
import { systemClock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'

/** A private JWK. */
export type PrivateKey = NonNullable<DevIssuerOptions['privateJwk']>

const FILE_BYTES_MAX = 16 * 1024

/**
 * The key in `file`, which is created with a new one (0600) when it is not there. Two processes
 * that create it at once end with the same key.
 *
 * @param checkMode whether the platform has file modes
 * @throws ERR_CONFIG_UNREADABLE when the file cannot be read, is a link, can be read by others or
 * is no key; the message never quotes it
 */
export async function keyFrom(file: string, checkMode: boolean): Promise<PrivateKey> {
  return (await readKey(file, checkMode)) ?? (await createKey(file, checkMode))
}

async function readKey(file: string, checkMode: boolean): Promise<PrivateKey | undefined> {
  // What is opened is what is checked: a link that is swapped afterwards changes nothing.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unusable(file, 'cannot be opened; it must be a file, not a link', error)
    },
  )
  if (handle === undefined) return undefined
  try {
    const status = await handle.stat()
    if (!status.isFile() || status.size > FILE_BYTES_MAX) throw unusable(file, 'is no key file')
    if (checkMode && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
      throw unusable(file, `has mode ${mode}, so that others can use the key; run chmod 600 on it`)
    }
    return parseKey(file, await handle.readFile('utf8'))
  } finally {
    await handle.close()
  }
}

function parseKey(file: string, text: string): PrivateKey {
  let key: unknown
  try {
    key = JSON.parse(text)
  } catch {
    // The reason would quote the key.
    throw unusable(file, 'is not JSON')
  }
  if (typeof key === 'object' && key !== null && 'kty' in key && 'd' in key) {
    return key as PrivateKey
  }
  throw unusable(file, 'holds no private key (JWK)')
}

async function createKey(file: string, checkMode: boolean): Promise<PrivateKey> {
  const fresh = await newKey()
  const draft = `${file}.${randomUUID()}`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(draft, `${JSON.stringify(fresh)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    // Linking fails when somebody else was faster; then their key is the key.
    await link(draft, file)
    return fresh
  } catch (error) {
    const theirs = await readKey(file, checkMode)
    if (theirs === undefined) throw unusable(file, 'cannot be created', error)
    return theirs
  } finally {
    await unlink(draft)
  }
}

async function newKey(): Promise<PrivateKey> {
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  try {
    return await issuer.privateJwk()
  } finally {
    await issuer.close()
  }
}

function unusable(file: string, problem: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_CONFIG_UNREADABLE', `key file ${file} ${problem}`, { cause })
}
