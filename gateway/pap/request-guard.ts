import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { problem, type Problem } from './problem.ts'

/** What the guard of the control API goes by. */
export interface GuardOptions {
  /** Names under which operators reach the listener, beside `localhost` and plain addresses. */
  readonly hosts: readonly string[]
}

/** Fields that are read here; sent twice, they would mean two things (I13). */
const SINGLE = [
  'host',
  'origin',
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'sec-fetch-site',
  'idempotency-key',
  'if-match',
  'if-none-match',
] as const

/** A field that must not be there twice. */
export type SingleField = (typeof SINGLE)[number]

/**
 * Keeps other sites' pages away from the control API (I21, CVE-2026-27589): no Host that is not the
 * gateway's own, which stops DNS rebinding; no foreign Origin; nothing a browser marks as coming from
 * elsewhere. Programs send neither Origin nor `Sec-Fetch-Site` and pass.
 */
export function guardRequest(request: IncomingMessage, options: GuardOptions): Problem | undefined {
  const fields = singleFields(request.rawHeaders)
  if (fields === undefined) return problem('header_invalid', { detail: 'A header was sent twice.' })
  const host = fields.get('host') ?? ''
  if (!isOwnHost(host, options.hosts)) return problem('host_refused')
  const origin = fields.get('origin')
  const isOwn = origin === `http://${host}` || origin === `https://${host}`
  if (origin !== undefined && !isOwn) return problem('origin_refused')
  const site = fields.get('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return problem('origin_refused')
  }
  return undefined
}

/** The fields of {@link SINGLE}; `undefined` when one is there twice. */
export function singleFields(raw: readonly string[]): ReadonlyMap<SingleField, string> | undefined {
  const found = new Map<SingleField, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = SINGLE.find((one) => one === raw[i]?.toLowerCase())
    if (name === undefined) continue
    if (found.has(name)) return undefined
    found.set(name, raw[i + 1] ?? '')
  }
  return found
}

/** A rebinding page has a name of the attacker's; an address has none. */
function isOwnHost(host: string, names: readonly string[]): boolean {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?$/i.exec(host)
  const name = match?.[1]?.toLowerCase()
  if (name === undefined) return false
  const isAddress = isIP(name.replace(/^\[|\]$/g, '')) !== 0
  return isAddress || name === 'localhost' || names.includes(name)
}
