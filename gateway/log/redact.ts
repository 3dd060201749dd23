/**
 * Makes any value safe to write to the log: bounded, plain, and without credentials (I24). Works by
 * the name of a field and by the look of a text, so that a token in an unexpected place is hidden
 * as well.
 */
import { createHash } from 'node:crypto'

const HIDDEN = '[redacted]'
const DEPTH_MAX = 5
const ENTRIES_MAX = 64
const TEXT_MAX = 2048

/** Field names whose values never reach the log, compared without case, `-` and `_`. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'dpop',
  'token',
  'accesstoken',
  'idtoken',
  'refreshtoken',
  'assertion',
  'clientassertion',
  'jwt',
  'bearer',
  'apikey',
  'xapikey',
  'credential',
  'credentials',
  'privatekey',
  'signingkey',
  'passphrase',
  'body',
  'prompt',
  'xmodelgateassertion',
])

/** Names that contain one of these are secret whatever else they say. */
const SECRET_PARTS = ['secret', 'password', 'passwd', 'privatekey', 'apikey'] as const

/** Whether the value of a field with this name must not be written. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_.]/g, '')
  return SECRET_NAMES.has(plain) || SECRET_PARTS.some((part) => plain.includes(part))
}

/**
 * Hides credentials inside a text: compact JWS, `Bearer …`, secrets in a query, user info in a URL.
 * Texts past 2048 characters are cut and end in their length and SHA-256, so that two can still be
 * told apart.
 */
export function scrubText(text: string): string {
  const bounded = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text
  // Each pattern starts at a literal and runs over one class, so that it cannot backtrack.
  const scrubbed = bounded
    .replaceAll(/eyJ[\w-]{8,}(?:\.[\w-]*)*/g, HIDDEN)
    .replaceAll(/\b(bearer|dpop|basic) +[^\s"',]+/gi, `$1 ${HIDDEN}`)
    .replaceAll(/\b(\w*(?:token|secret|password|api_key|signature))=[^&\s"']+/gi, `$1=${HIDDEN}`)
    .replaceAll(/:\/\/[^\s/?#"']+@/g, `://${HIDDEN}@`)
  return bounded === text ? scrubbed : `${scrubbed}… ${mark(text)}`
}

function mark(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `[${text.length} characters, sha256 ${digest}]`
}

/** A copy of `fields` that is safe to write. Never throws; what cannot be read is named as such. */
export function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return safeObject(Object.entries(fields), 0)
  } catch {
    return { unloggable: true }
  }
}

function safe(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return '[too deep]'
  return safeContainer(value, depth + 1)
}

function safeContainer(value: object, depth: number): unknown {
  if (value instanceof Error) return safeError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value
  if (value instanceof URL) return scrubText(value.href)
  // Bytes may be a body, which is nobody's business here.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Map)
    return safeObject(
      [...value].map(([k, v]) => [String(k), v]),
      depth,
    )
  if (value instanceof Set || Array.isArray(value)) {
    return [...value].slice(0, ENTRIES_MAX).map((item) => safe(item, depth))
  }
  return safeObject(Object.entries(value), depth)
}

function safeObject(entries: readonly (readonly [string, unknown])[], depth: number) {
  const safeEntries = entries
    .slice(0, ENTRIES_MAX)
    .map(([key, value]): [string, unknown] => [
      scrubText(key),
      isSecretName(key) && value !== undefined ? HIDDEN : safe(value, depth),
    ])
  return Object.fromEntries(safeEntries)
}

function safeError(error: Error, depth: number): Record<string, unknown> {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  return {
    name: scrubText(error.name),
    ...(typeof code === 'string' ? { code: scrubText(code) } : {}),
    message: scrubText(error.message),
    ...(cause === undefined ? {} : { cause: safe(cause, depth) }),
    ...(error.stack === undefined ? {} : { stack: scrubText(error.stack) }),
  }
}
