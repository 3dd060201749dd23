/** The answers of `test/cases/answers.yaml`, made. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { latin, floats, noise, prose } from './bytes.ts'
import * as chats from './chats.ts'
import { EXPLANATIONS, type Topic } from './explanations.ts'
import * as inference from './inference.ts'
import * as media from './media.ts'
import * as registries from './registries.ts'
import * as tables from './tables.ts'

/** Where an answer comes from: a route, a gRPC call, or a WebSocket. */
export type Place = 'answer' | 'tensors' | 'media' | 'data' | 'call' | 'socket'

/** One answer that must pass. */
export interface Answer {
  readonly name: string
  readonly at: Place
  readonly type: string
  /** Fields besides the Content-Type: name, value, name, value … */
  readonly headers: readonly string[]
  readonly body: Buffer
  /** The same in messages, where it comes in them. */
  readonly messages: readonly Buffer[]
}

/** A row of the table. */
interface Row {
  readonly name: string
  readonly at?: Place
  readonly type: string
  readonly make: string
  readonly with?: Readonly<Record<string, unknown>>
}

type Made = Buffer | { readonly header: number; readonly body: Buffer }
type Make = (options: never, ...more: never[]) => Made

const MAKERS: Readonly<Record<string, Make>> = {
  ...chats,
  ...inference,
  ...media,
  ...registries,
  ...tables,
  text: ({ about }: { about: Topic }) => Buffer.from(EXPLANATIONS[about]),
  noise: ({ bytes }: { bytes: number }) => noise(bytes, 77),
  floats: ({ count }: { count: number }) => floats(count, 78),
  realtime,
} as unknown as Record<string, Make>

/** What routes for data declare. */
export const DATA_TYPES: readonly string[] = [
  'application/vnd.apache.parquet',
  'application/vnd.apache.arrow.stream',
  'application/vnd.apache.arrow.file',
  'application/vnd.apache.orc',
  'application/avro',
]

/** Keys whose value is made by another generator, and given first. */
const INNER = ['picture', 'sound'] as const

/** Every answer, made when it is asked for: together they are large. */
export async function answers(): Promise<readonly { readonly name: string; make(): Answer }[]> {
  const file = new URL('../../cases/answers.yaml', import.meta.url)
  const rows = parse(await readFile(file, 'utf8')) as readonly Row[]
  return rows.map((row) => ({ name: row.name, make: () => answerOf(row) }))
}

function answerOf(row: Row): Answer {
  const made = make(row.make, row.with ?? {})
  const at = row.at ?? 'answer'
  const body = Buffer.isBuffer(made) ? made : made.body
  const headers = Buffer.isBuffer(made)
    ? []
    : ['inference-header-content-length', String(made.header)]
  const messages = at === 'call' ? [body] : at === 'socket' ? inMessages(row.type, body) : []
  return { name: row.name, at, type: row.type, headers, body, messages }
}

function make(name: string, options: Readonly<Record<string, unknown>>): Made {
  const maker = MAKERS[name]
  if (maker === undefined) throw new Error(`no generator is called ${name}`)
  const inner = INNER.find((key) => typeof options[key] === 'object')
  if (inner === undefined) return maker(options as never)
  const { make: innerName, ...innerOptions } = options[inner] as { make: string }
  return maker(make(innerName, innerOptions) as never, options as never)
}

/** Texts by their events; bytes in pieces as they are sent live, the first ones small. */
function inMessages(kind: string, body: Buffer): Buffer[] {
  if (kind === 'text') {
    return body
      .toString()
      .split(/(?<=\n\n)/)
      .map((text) => Buffer.from(text))
  }
  const sizes = [1, 20, 64, 65, 200]
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const size = sizes[pieces.length] ?? 3_200
    pieces.push(body.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** Events of a realtime API, one after the other with an empty line between. */
function realtime({ deltas = 20, audio = false }: { deltas?: number; audio?: boolean }): Buffer {
  const sound = media.pcm({ samples: deltas * 2_400 })
  const events = [
    { type: 'session.created', session: { model: 'gpt', voice: 'alloy' } },
  ] as object[]
  for (let i = 0; i < deltas; i++) {
    const delta = audio
      ? sound.subarray(i * 4_800, (i + 1) * 4_800).toString('base64')
      : `${prose(20, i + 1)} `
    const type = audio ? 'response.output_audio.delta' : 'response.output_text.delta'
    events.push({ type, event_id: `event_${i}`, response_id: 'r', output_index: 0, delta })
  }
  return latin(events.map((event) => JSON.stringify(event)).join('\n\n'))
}
