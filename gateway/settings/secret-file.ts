/**
 * Secrets come from files (`*_file` keys), as Kubernetes and systemd hand them over, and are read
 * again when they change. Nothing here ever puts the content of a file into a message.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'

/** Larger files are refused unread (I17). */
export const SECRET_BYTES_MAX = 64 * 1024

/** Reads one secret; the shape of {@link readSecretFile}. */
export type SecretReader = (path: string) => Promise<Loaded<string>>

/**
 * Reads a secret that is one line of text: a token, an API key, a URL with a password. One newline
 * at the end is taken off. Refused: empty, larger than {@link SECRET_BYTES_MAX}, not UTF-8, control
 * characters (which would split a header, CWE-93) or spaces around. A file that everyone may read
 * gives a warning. Never throws.
 */
export function readSecretFile(path: string): Promise<Loaded<string>> {
  return read(path, (text) => {
    const line = text.replace(/\r?\n$/, '')
    if (line === '') return { problem: 'the file is empty' }
    if (hasControl(line)) return { problem: 'the file holds control characters or several lines' }
    if (line !== line.trim()) return { problem: 'there are spaces around the value' }
    return { value: line }
  })
}

/**
 * Reads PEM text: private keys, certificates. As {@link readSecretFile}, but lines are kept and at
 * least one PEM block (RFC 7468) must be there. Never throws.
 */
export function readPemFile(path: string): Promise<Loaded<string>> {
  return read(path, (text) => {
    if (!text.includes('-----BEGIN ')) return { problem: 'the file holds no PEM block' }
    if (hasControl(text.replaceAll(/[\r\n\t]/g, ''))) {
      return { problem: 'the file holds control characters' }
    }
    return { value: text }
  })
}

/** A secret that can be read again. */
export interface SecretFile {
  readonly path: string
  /** The last good value; `undefined` until the first successful {@link SecretFile.refresh}. */
  current(): string | undefined
  /**
   * Reads the file again. A file that cannot be read or holds nothing usable leaves the last good
   * value in place and says why, so that a half-finished rotation breaks nothing (I28).
   */
  refresh(): Promise<Loaded<{ readonly changed: boolean }>>
}

/**
 * Holds the secret in `path`. The content is compared, not the time of change: a Kubernetes symlink
 * swap and two writes within one clock tick are both noticed. `onChange` is called after a new
 * value is in place, not for the first one. Refreshes run one after another.
 */
export function createSecretFile(deps: {
  readonly path: string
  readonly readFile?: SecretReader
  readonly onChange?: () => void
}): SecretFile {
  const readFile = deps.readFile ?? readSecretFile
  let value: string | undefined
  let running: Promise<unknown> = Promise.resolve()

  async function readOnce(): Promise<Loaded<{ readonly changed: boolean }>> {
    const loaded = await readFile(deps.path)
    if (!loaded.ok) return loaded
    const [before, changed] = [value, value !== loaded.value]
    value = loaded.value
    if (changed && before !== undefined) deps.onChange?.()
    return { ok: true, value: { changed }, warnings: loaded.warnings }
  }

  return {
    path: deps.path,
    current: () => value,
    refresh: () => {
      const next = running.then(readOnce)
      running = next.catch(() => undefined)
      return next
    },
  }
}

type Judged = { readonly value: string } | { readonly problem: string }

async function read(path: string, judge: (text: string) => Judged): Promise<Loaded<string>> {
  const content = await readBounded(path)
  if ('problem' in content) return failed(path, content.problem)
  const text = decode(content.bytes)
  if (text === undefined) return failed(path, 'the file is not UTF-8 text')
  const judged = judge(text)
  if ('problem' in judged) return failed(path, judged.problem)
  // POSIX: the bit that lets everyone else on the machine read.
  const warnings = (content.mode & 0o004) === 0 ? [] : [worldReadable(path)]
  return { ok: true, value: judged.value, warnings }
}

type Content = { readonly bytes: Buffer; readonly mode: number } | { readonly problem: string }

async function readBounded(path: string): Promise<Content> {
  let file: FileHandle | undefined
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) return { problem: 'it is not a regular file' }
    const buffer = Buffer.alloc(SECRET_BYTES_MAX + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > SECRET_BYTES_MAX) return { problem: 'the file is larger than 64 KiB' }
    return { bytes: buffer.subarray(0, length), mode: stat.mode }
  } catch (error) {
    return { problem: `it cannot be read (${errorCode(error)})` }
  } finally {
    await file?.close()
  }
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown error'
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

function failed(path: string, problem: string): Loaded<string> {
  return { ok: false, diagnostics: [finding(path, 'error', 'secret-unusable', problem)] }
}

function worldReadable(path: string): Diagnostic {
  return finding(path, 'warning', 'secret-world-readable', 'everyone on this machine may read it')
}

function finding(
  file: string,
  severity: Diagnostic['severity'],
  code: string,
  problem: string,
): Diagnostic {
  const message = `secret file: ${problem}`
  const remedy =
    severity === 'error'
      ? 'Write the secret, and nothing else, to this file and let the gateway read it.'
      : 'Take the right to read away from others: chmod o-r.'
  return { file, line: 1, column: 1, severity, code, message, remedy }
}
