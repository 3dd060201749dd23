import { Buffer } from 'node:buffer'
import { createClassifier } from '../../../gateway/classify/classifier.ts'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import { builtInPackFiles, loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'
import { parseRequestTarget } from '../../../gateway/classify/target/request-target.ts'
import type { ClassifiableRequest } from '../../../gateway/domain/ports.ts'
import { isRefusal, type Refusal } from '../../../gateway/domain/refusal.ts'
import type {
  Classification,
  HeaderBag,
  Method,
  Transport,
} from '../../../gateway/domain/request.ts'
import { resourceText } from '../../../gateway/domain/vocabulary.ts'

/** The limits of the shipped configuration. */
export const LIMITS = {
  targetBytesMax: 8192,
  segmentsMax: 256,
  segmentBytesMax: 1024,
  queryParametersMax: 256,
}

/** A request as a test writes it. */
export interface Sent {
  readonly transport?: Transport
  readonly proto?: ProtoFields
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly raw?: string | Buffer
  readonly contentType?: string
  readonly upgrade?: boolean
  readonly peekBytesMax?: number
  /** What targets may hold, as the pack of some upstream says. */
  readonly takes?: Pick<CompiledPack, 'encodable' | 'emptySegments'>
}

const packs = new Map<string, CompiledPack>()

/** A built-in pack. */
export async function builtInPack(name: string): Promise<CompiledPack> {
  if (packs.size === 0) {
    const loaded = loadPacks(await builtInPackFiles())
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
    for (const [key, pack] of loaded.value) packs.set(key, pack)
  }
  const pack = packs.get(name)
  if (pack === undefined) throw new Error(`no pack ${name}`)
  return pack
}

/** A multipart/form-data body of plain fields. */
export function formBody(fields: Readonly<Record<string, string>>, boundary: string): string {
  const parts = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return `${parts.join('')}--${boundary}--\r\n`
}

/** A field of a protobuf message: a string, an integer, a message. */
export type ProtoValue = string | number | ProtoFields

/** The fields of a protobuf message, by their numbers or those on the way to them. */
export interface ProtoFields {
  readonly [path: string]: ProtoValue
}

/** A protobuf message of these fields in the order given; a path with dots is a message each. */
export function protoMessage(fields: ProtoFields): Buffer {
  const own = Object.entries(fields).map(([path, value]): Buffer => {
    const [number = '', ...deeper] = path.split('.')
    if (deeper.length === 0 && typeof value === 'number') {
      return Buffer.concat([varint(Number(number) << 3), varint(value)])
    }
    const below = deeper.length === 0 ? value : { [deeper.join('.')]: value }
    const bytes = typeof below === 'object' ? protoMessage(below) : Buffer.from(`${below}`)
    return Buffer.concat([varint((Number(number) << 3) | 2), varint(bytes.length), bytes])
  })
  return Buffer.concat(own)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) | 128)
  }
}

/** A message as gRPC sends it: not compressed, its length in front. */
export function grpcFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function headerBag(headers: Readonly<Record<string, string>>): HeaderBag {
  return { get: (name) => headers[name], pairs: Object.entries(headers).flat() }
}

function bodyOf(sent: Sent): { body: Buffer | undefined; type: string } {
  if (sent.raw !== undefined) return { body: Buffer.from(sent.raw), type: 'application/json' }
  if (sent.transport === 'grpc') {
    return { body: grpcFrame(protoMessage(sent.proto ?? {})), type: 'application/grpc' }
  }
  if (sent.form !== undefined) {
    return {
      body: Buffer.from(formBody(sent.form, 'xx')),
      type: 'multipart/form-data; boundary=xx',
    }
  }
  if (sent.json === undefined) return { body: undefined, type: '' }
  return { body: Buffer.from(JSON.stringify(sent.json)), type: 'application/json' }
}

/** The request, or the refusal of its target. */
export function requestOf(line: string, sent: Sent = {}): ClassifiableRequest | Refusal {
  const space = line.indexOf(' ')
  const target = parseRequestTarget(line.slice(space + 1), { ...LIMITS, ...sent.takes })
  if (isRefusal(target)) return target
  const { body, type } = bodyOf(sent)
  const contentType = sent.contentType ?? type
  const content = contentType === '' ? {} : { 'content-type': contentType }
  return {
    transport: sent.transport ?? 'http',
    method: line.slice(0, space) as Method,
    target,
    headers: headerBag({ ...content, ...sent.headers }),
    upgrade: sent.upgrade ?? false,
    hasBody: body !== undefined,
    peekBody: (bytesMax) => {
      const bytes = (body ?? Buffer.alloc(0)).subarray(0, bytesMax)
      return Promise.resolve({ bytes, complete: (body?.length ?? 0) <= bytesMax })
    },
  }
}

/** Classifies a request line, from the target as sent to the answer. */
export async function classify(
  pack: CompiledPack,
  line: string,
  sent: Sent & { upstream?: string } = {},
): Promise<Classification | Refusal> {
  const request = requestOf(line, { takes: pack, ...sent })
  if (isRefusal(request)) return request
  const { peekBytesMax = 65_536, upstream = 'up' } = sent
  return createClassifier({ pack, upstream, peekBytesMax }).classify(request)
}

/** `infer model:m1` for each operation, or the reason of the refusal. */
export function outcome(result: Classification | Refusal): readonly string[] | string {
  if (isRefusal(result)) return result.reason
  return result.operations.map(({ action, resource }) => `${action} ${resourceText(resource)}`)
}
