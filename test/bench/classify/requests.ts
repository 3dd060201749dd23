/** What the bench asks, for any pack: the same kinds of requests, with bodies of the same size. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Transport } from '../../../gateway/domain/request.ts'
import { formBody, grpcFrame, protoMessage } from '../../unit/classify/support.ts'
import { MADE_UP, MADE_UP_SHAPES, madeUpPath } from './packs.ts'

/**
 * `path`: no body. `path-all`: the same, one route after the other. `target`: with the parsing of the
 * target. `json-front`, `json-end`: what
 * decides is the first or the last member. `form`: multipart. `grpc`: the first message. `stranger`: no
 * route has that path.
 */
export const KINDS = [
  'path',
  'path-all',
  'target',
  'json-front',
  'json-end',
  'form',
  'grpc',
  'stranger',
] as const

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number]

/** A request, before it is parsed. */
export interface BenchRequest {
  readonly transport: Transport
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
}

/** A case of a table of `test/cases/classify`, as far as it is of use here. */
interface Case {
  readonly request: string
  readonly transport?: Transport
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly proto?: Readonly<Record<string, string>>
  readonly refused?: string
}

const BODY_BYTES = 1024
const BOUNDARY = 'b'.repeat(40)
const TABLES = 'test/cases/classify'

/** Headers as a client behind a proxy sends them. */
const USUAL = [
  ['host', 'gate.example.com'],
  ['user-agent', 'OpenAI/Python 1.99.0'],
  ['accept', 'application/json'],
  ['accept-encoding', 'gzip, deflate'],
  ['authorization', `Bearer ${'a'.repeat(600)}`],
  ['x-forwarded-for', '203.0.113.7'],
  ['x-request-id', '0b5f3c3a-8a53-4b1d-9f4e-3f2f0d9f4a11'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
].flat()

/** Requests of one kind that the pack takes, spread over its routes; none where it has no such. */
export function requestsOf(pack: string, kind: Kind): readonly BenchRequest[] {
  const count = MADE_UP.exec(pack)?.[1]
  const cases = count === undefined ? readCases(pack) : madeUpCases(Number(count))
  if (kind === 'stranger') return cases.slice(0, 64).map((one) => stranger(one))
  const all = cases.flatMap((one) => {
    if (kindOf(one) !== BASE[kind]) return []
    const request = asSent(one, kind)
    return request.body === undefined || request.body.length <= 2 * BODY_BYTES ? [request] : []
  })
  const step = Math.max(1, Math.floor(all.length / ROUTES_IN_USE))
  return kind === 'path-all' ? all : all.filter((_, at) => at % step === 0)
}

/**
 * So many routes of a pack are in use at a time, as those of clients are, and lie in the caches then. To go
 * round all of a large pack measures how fast memory is.
 */
const ROUTES_IN_USE = 16

const BASE: Readonly<Record<Exclude<Kind, 'stranger'>, string>> = {
  path: 'path',
  'path-all': 'path',
  target: 'path',
  'json-front': 'json',
  'json-end': 'json',
  form: 'form',
  grpc: 'grpc',
}

function readCases(pack: string): Case[] {
  const table = parse(readFileSync(join(TABLES, `${pack}.yaml`), 'utf8')) as {
    readonly cases: readonly Case[]
  }
  return table.cases.filter(({ refused }) => refused === undefined)
}

function madeUpCases(count: number): Case[] {
  return Array.from({ length: count }, (_, at): Case => {
    const model = `team-${at % 31}/fraud-${at}`
    const shape = MADE_UP_SHAPES[at % MADE_UP_SHAPES.length]
    const request = `POST ${madeUpPath(at).replace('{model}', `fraud-${at}`)}`
    if (shape === 'json') return { request, json: { model } }
    if (shape === 'form') return { request, form: { model } }
    return shape === 'grpc' ? { request, transport: 'grpc', proto: { 1: model } } : { request }
  })
}

function kindOf({ transport, json, form }: Case): string | undefined {
  if (transport === 'grpc') return 'grpc'
  if (form !== undefined) return 'form'
  if (json === undefined) return 'path'
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? 'json' : undefined
}

function stranger(one: Case): BenchRequest {
  const { method, target, headers } = asSent({ request: one.request }, 'path')
  const [path = ''] = target.split('?')
  return {
    transport: 'http',
    method,
    target: `${path.replace(/\/$/, '')}/nobody/knows`,
    headers,
    body: undefined,
  }
}

function asSent(one: Case, kind: Kind): BenchRequest {
  const [method = '', target = ''] = one.request.split(' ')
  const body = bodyOf(one, kind)
  const own = Object.entries({ ...contentOf(one, body), ...one.headers }).flat()
  return { transport: one.transport ?? 'http', method, target, headers: [...USUAL, ...own], body }
}

function contentOf(one: Case, body: Buffer | undefined): Record<string, string> {
  if (body === undefined) return {}
  const types = { grpc: 'application/grpc', form: `multipart/form-data; boundary=${BOUNDARY}` }
  const kind = kindOf(one)
  const type = kind === 'grpc' || kind === 'form' ? types[kind] : 'application/json'
  return { 'content-type': type, 'content-length': String(body.length) }
}

function bodyOf({ json, form, transport, proto }: Case, kind: Kind): Buffer | undefined {
  if (transport === 'grpc') return grpcFrame(protoMessage({ ...proto, 15: 'x'.repeat(900) }))
  if (form !== undefined) return Buffer.from(formBody({ ...form, pad: 'x'.repeat(800) }, BOUNDARY))
  if (json === undefined) return undefined
  const padding = chat(BODY_BYTES - JSON.stringify(json).length)
  const ends = kind === 'json-end' ? [padding, json] : [json, padding]
  return Buffer.from(JSON.stringify(Object.assign({}, ...ends) as unknown))
}

/** Members such as those of a chat, of so many bytes: objects, numbers, words, texts with escapes. */
function chat(bytes: number): Record<string, unknown> {
  const said = { role: 'user', content: 'Why was "this" payment\nrefused, and what can I do? ' }
  const messages: unknown[] = []
  const all = { temperature: 0.7, top_p: 1, stream: true, stop: null, messages }
  while (JSON.stringify({ ...all, messages: [...messages, said] }).length < bytes) {
    messages.push(said)
  }
  return all
}
