/**
 * JSON strings that stay on one physical line and cannot play tricks on a terminal, whatever was
 * sent: log injection by CR, LF, NUL, ANSI escapes, C1 controls, U+2028/2029, lone surrogates and
 * bidirectional overrides (CVE-2021-42574) all end as `\uXXXX`.
 */
import { hash } from 'node:crypto'

// What JSON.stringify leaves as it is although a terminal or a line splitter minds it.
const LEFT_UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** `text` as a JSON string, quotes included. Exact: `JSON.parse` gives `text` back. */
export function quote(text: string): string {
  return escapeJson(JSON.stringify(text))
}

/** JSON text from `JSON.stringify`, made as safe as {@link quote} makes a string. */
export function escapeJson(json: string): string {
  // All syntax of JSON is ASCII: what is escaped here can only be within strings.
  return isPlain(json) ? json : json.replace(LEFT_UNSAFE, escapeUnits)
}

/**
 * Whether there is nothing to escape: JSON.stringify leaves no control below U+0020, text that is
 * as long in UTF-8 as in UTF-16 is ASCII, and of that only DEL is left. Ten times as fast as a
 * regular expression over the text.
 */
function isPlain(json: string): boolean {
  return Buffer.byteLength(json) === json.length && !json.includes('\x7f')
}

/**
 * `text` as JSON when it is at most `charsMax` UTF-16 units long; otherwise an object that keeps
 * its beginning, the length of the whole in UTF-8 bytes, and SHA-256 (hex) of the whole:
 * `{"head":"…","cut":70000,"sha256":"…"}`. Lone surrogates count and hash as U+FFFD.
 */
export function quoteCut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return quote(text)
  const head = quote(text.slice(0, charsMax))
  return `{"head":${head},"cut":${Buffer.byteLength(text)},"sha256":"${hash('sha256', text)}"}`
}

/** `key` as a JSON string of bounded length: past `charsMax`, its beginning, `~` and its SHA-256. */
export function quoteKey(key: string, charsMax: number): string {
  if (key.length <= charsMax) return quote(key)
  return quote(`${key.slice(0, charsMax)}~${hash('sha256', key)}`)
}

function escapeUnits(match: string): string {
  let escaped = ''
  for (let i = 0; i < match.length; i++) {
    escaped += `\\u${match.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return escaped
}
