import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { issuerOptions } from '../assembly/issuer-options.ts'
import { loadConfig } from '../assembly/load-config.ts'
import { createAuthenticator } from '../authn/authenticator.ts'
import { fetchJson } from '../authn/http-fetch.ts'
import { TOKEN_CHARS_MAX } from '../authn/token-grammar.ts'
import { claimedSubject } from '../authn/unverified.ts'
import { GatewayError } from '../domain/errors.ts'
import { REASONS } from '../domain/reasons.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'
import type { IssuerSettings } from '../settings/settings.ts'
import type { CliIo } from './io.ts'
import { configFile, findingsOf, printDiagnostics, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

/** The subject of a token, and what became of the attempt to verify it. */
export interface TokenSubject {
  readonly subject: Subject
  /** `undefined`: an issuer of the configuration vouches for it. Else why the gateway refuses it. */
  readonly unverified: string | undefined
}

/**
 * Reads the token of `--token-file` and verifies it as the gateway would at `now`, keys fetched from
 * its issuer. One that does not verify is still read, and marked. The token itself is never shown.
 * @throws ERR_USAGE when it cannot be read at all
 */
export async function tokenSubject(
  options: OptionValues,
  io: CliIo,
  now: number,
): Promise<TokenSubject> {
  const text = await tokenText(textOption(options, 'token-file', ''), io)
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no issuers for the token')
  }
  const { issuers } = config.value
  const verified = await verifiedSubject(text, issuers, now)
  if (!isRefusal(verified)) return { subject: verified, unverified: undefined }
  const claimed = claimedSubject(text, await Promise.all(issuers.map(issuerOptions)))
  const why = `${verified.reason}: ${REASONS[verified.reason].title}`
  if (claimed.kind === 'claimed') return { subject: claimed.subject, unverified: why }
  throw new GatewayError('ERR_USAGE', `the token cannot be read: ${claimed.why} (${why})`)
}

async function verifiedSubject(
  text: string,
  issuers: readonly IssuerSettings[],
  now: number,
): Promise<Subject | Refusal> {
  const authenticator = createAuthenticator({
    issuers: await Promise.all(issuers.map(issuerOptions)),
    // The moment asked about, and no other: a token that has expired since is good at its time.
    clock: { now: () => now, monotonicMs: () => performance.now() },
    fetchJson,
    cacheEntriesMax: 0,
  })
  try {
    await authenticator.start()
    return await authenticator.authenticate(`Bearer ${text}`)
  } finally {
    authenticator.stop()
  }
}

/** Longest input looked at: a token and white space around it. */
const INPUT_BYTES_MAX = TOKEN_CHARS_MAX + 1024

/** The text of the file, or of standard input for `-`; a token, white space around it removed. */
async function tokenText(file: string, io: CliIo): Promise<string> {
  const end = INPUT_BYTES_MAX - 1
  const input = file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file), { end })
  if (input === undefined) throw new GatewayError('ERR_USAGE', 'there is no standard input to read')
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of input as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= INPUT_BYTES_MAX) break
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new GatewayError('ERR_USAGE', `--token-file ${file} cannot be read (${code})`)
  }
  return Buffer.concat(chunks).toString('latin1', 0, INPUT_BYTES_MAX).trim()
}
