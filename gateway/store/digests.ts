/**
 * Names of keys. Whatever a subject, a model or a transfer is called, with NUL, newlines, `{tags}` or
 * two kilobytes, a key is the SHA-256 of its parts, each with its length before it: no two lists of
 * parts are alike, no text of a caller is part of a command, and none chooses a slot of a cluster.
 */
import { createHash } from 'node:crypto'

/** SHA-256 of the length-prefixed UTF-16 of `parts`, in hexadecimal. */
export function digestOf(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    // UTF-16 keeps lone surrogates apart, which UTF-8 would all make the same character.
    const bytes = Buffer.from(String(part), 'utf16le')
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}
