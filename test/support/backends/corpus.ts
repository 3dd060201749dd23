/** The requests of the route tables, and mutations of them, as bytes. */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { parse } from 'yaml'
import { MUTATIONS } from './mutations.ts'
import type { RequestParts } from './request-text.ts'

/** A request of a table. */
export interface TableRequest {
  readonly pack: string
  /** As it is written in the table. */
  readonly line: string
  /** What it is authorised as, where it is served. */
  readonly expect: readonly string[] | undefined
  /** The name of the upstream in the table. */
  readonly upstream: string
  readonly parts: RequestParts
}

interface Table {
  readonly pack: string
  readonly upstream: string
  readonly cases: readonly {
    readonly request: string
    readonly transport?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly form?: Readonly<Record<string, string>>
    readonly json?: unknown
    readonly raw?: string
    readonly contentType?: string
    readonly expect?: readonly string[]
  }[]
}

const DIRECTORY = new URL('../../cases/classify/', import.meta.url)

/** Every HTTP request of every table. */
export function tableRequests(): readonly TableRequest[] {
  return readdirSync(DIRECTORY).flatMap((file) => {
    const table = parse(readFileSync(new URL(file, DIRECTORY), 'utf8')) as Table
    const { pack, upstream } = table
    return table.cases
      .filter(({ transport }) => transport === undefined)
      .map((row) => {
        const { request: line, expect } = row
        return { pack, line, expect, upstream, parts: partsOfCase(row) }
      })
  })
}

function partsOfCase(row: Table['cases'][number]): RequestParts {
  const space = row.request.indexOf(' ')
  const { body, type } = bodyOf(row)
  const contentType = row.contentType ?? type
  return {
    method: row.request.slice(0, space),
    target: row.request.slice(space + 1),
    headers: [
      ...Object.entries(row.headers ?? {}),
      ...(contentType === '' ? [] : [['Content-Type', contentType] as const]),
    ],
    body: Buffer.from(body),
  }
}

function bodyOf({ raw, json, form }: Table['cases'][number]): { body: string; type: string } {
  if (raw !== undefined) return { body: raw, type: 'application/json' }
  if (json !== undefined) return { body: JSON.stringify(json), type: 'application/json' }
  if (form === undefined) return { body: '', type: '' }
  const parts = Object.entries(form).map(
    ([name, value]) => `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return { body: `${parts.join('')}--xx--\r\n`, type: 'multipart/form-data; boundary=xx' }
}

/** A mutated request, and how it came about. */
export interface Mutated {
  readonly pack: string
  readonly story: string
  readonly parts: RequestParts
}

/** Mutates requests, each up to three times; every pack is as likely as every other. */
export function mutatedRequests(requests: readonly TableRequest[]): fc.Arbitrary<Mutated> {
  const packs = [...new Set(requests.map(({ pack }) => pack))]
  const mutation = fc.tuple(fc.constantFrom(...Object.keys(MUTATIONS)), fc.nat(9999))
  return fc
    .constantFrom(...packs)
    .chain((pack) => {
      const own = requests.filter((request) => request.pack === pack)
      return fc.tuple(
        fc.constantFrom(...own),
        fc.constantFrom(...own),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
      )
    })
    .map(([base, other, steps]) => {
      let { parts } = base
      for (const [name, n] of steps) parts = MUTATIONS[name]?.(parts, n, other.parts) ?? parts
      const story = `${base.line} + ${steps.map(([name, n]) => `${name} (${n})`).join(' + ')}`
      return { pack: base.pack, story, parts }
    })
}
