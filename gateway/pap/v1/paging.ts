/**
 * Pages of lists. A cursor says behind which entry the next page begins, and is signed with a key
 * that every replica derives from the journal: it cannot be made up or used for another list
 * (threats §2.J 338). That is for integrity: whoever sees all answers may learn the key's source, and
 * gains nothing by it, for a cursor gives no access to anything.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalText, type Json } from '../../access/canonical.ts'
import { problem } from '../problem.ts'
import type { Paged } from './api-route.ts'

/** Entries of a page that does not say how many. */
const LIMIT = 50

/** What a page is asked for by. */
export interface PageAsk {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly order?: 'newest' | 'oldest' | undefined
}

/** The list that is paged through. */
export interface PagedList {
  /** Identity of the journal. */
  readonly epoch: string
  /** The operation, and what else the list depends on: a cursor is good for the same only. */
  readonly list: Json
}

/** The page of `entries` that `ask` is for; ids sort by time. */
export function pageOf<T>(
  entries: Iterable<T>,
  idOf: (entry: T) => string,
  { ask, of }: { readonly ask: PageAsk; readonly of: PagedList },
): Paged<T> {
  const { limit = LIMIT, cursor, order = 'newest' } = ask
  const after = cursor === undefined ? undefined : openCursor(cursor, of)
  if (cursor !== undefined && after === undefined) {
    return problem('cursor_invalid')
  }
  const isBehind = (id: string): boolean =>
    after === undefined || (order === 'newest' ? id < after : id > after)
  const sign = order === 'newest' ? -1 : 1
  const found = [...entries]
    .map((entry) => ({ entry, id: idOf(entry) }))
    .filter(({ id }) => isBehind(id))
    .sort((a, b) => (a.id < b.id ? -sign : sign))
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last !== undefined ? sealCursor(last.id, of) : undefined
  return {
    entries: page.map(({ entry }) => entry),
    ...(next === undefined ? {} : { next }),
  }
}

function sealCursor(id: string, of: PagedList): string {
  return `${Buffer.from(id).toString('base64url')}.${tag(id, of).toString('base64url')}`
}

function openCursor(cursor: string, of: PagedList): string | undefined {
  const [id = '', given = ''] = cursor.split('.').map((part) => Buffer.from(part, 'base64url'))
  if (typeof id === 'string' || typeof given === 'string') return undefined
  const wanted = tag(id.toString(), of)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
    ? id.toString()
    : undefined
}

function tag(id: string, { epoch, list }: PagedList): Buffer {
  const key = createHmac('sha256', 'modelgate cursor').update(epoch).digest()
  return createHmac('sha256', key)
    .update(canonicalText([list, id]))
    .digest()
    .subarray(0, 16)
}
