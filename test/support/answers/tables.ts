/** Data sets as routes for data answer: columns, records, lines. */
import { be32, floats, latin, le32, le64, noise, randomOf } from './bytes.ts'

/** Parquet: pages between two magics, the metadata and its length before the last. */
export function parquet({ bytes = 60_000, seed = 1, plain = false } = {}): Buffer {
  const page = plain ? floats(bytes / 4, seed) : noise(bytes, seed)
  const header = Buffer.from('150415c0bb0715c0bb074c15001200', 'hex')
  const names = ['id', 'amount', 'merchant', 'label']
  const metadata = Buffer.concat([
    Buffer.from('1504194c35001806736368656d6115080', 'hex'),
    ...names.map((name) => Buffer.concat([Buffer.of(0x25, 0x02, 0x18, name.length), latin(name)])),
    latin('(parquet-cpp-arrow version 15.0.0'),
    Buffer.of(0, 0),
  ])
  return Buffer.concat([
    latin('PAR1'),
    header,
    page,
    metadata,
    le32(metadata.length),
    latin('PAR1'),
  ])
}

function arrowMessage(metadataBytes: number, body: Buffer): Buffer {
  const metadata = Buffer.alloc(metadataBytes)
  metadata.writeUInt32LE(16, 0)
  latin('id').copy(metadata, metadataBytes - 16)
  return Buffer.concat([Buffer.alloc(4, 0xff), le32(metadataBytes), metadata, body])
}

/** The Arrow stream format: a schema and record batches. */
export function arrowStream({ rows = 4_096, seed = 1, ints = false } = {}): Buffer {
  const column = ints
    ? Buffer.concat(Array.from({ length: rows }, (_, i) => le64(i)))
    : floats(rows, seed)
  const end = Buffer.concat([Buffer.alloc(4, 0xff), le32(0)])
  return Buffer.concat([arrowMessage(256, Buffer.alloc(0)), arrowMessage(192, column), end])
}

/** The Arrow file format. */
export function arrowFile(options: Parameters<typeof arrowStream>[0] = {}): Buffer {
  const footer = Buffer.alloc(128, 4)
  const magic = latin('ARROW1')
  return Buffer.concat([magic, Buffer.alloc(2), arrowStream(options), footer, le32(128), magic])
}

/** Avro: a schema in JSON, then blocks. */
export function avro({ records = 500, seed = 1, codec = 'null' } = {}): Buffer {
  const schema = JSON.stringify({
    type: 'record',
    name: 'row',
    fields: [{ name: 'id', type: 'long' }],
  })
  const sync = noise(16, 99)
  const entry = (key: string, value: string): Buffer =>
    Buffer.concat([zigzag(key.length), latin(key), zigzag(value.length), latin(value)])
  const data = noise(records * 8, seed)
  return Buffer.concat([
    latin('Obj\x01'),
    zigzag(2),
    entry('avro.codec', codec),
    entry('avro.schema', schema),
    Buffer.of(0),
    sync,
    zigzag(records),
    zigzag(data.length),
    data,
    sync,
  ])
}

function zigzag(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}

/** ORC. */
export function orc({ bytes = 20_000, seed = 1 } = {}): Buffer {
  return Buffer.concat([latin('ORC'), noise(bytes, seed), latin('\x08\x03\x10\x02ORC\x17')])
}

/** Lines of values. */
export function csv({ rows = 1_000, separator = ',', quoted = false, seed = 1 } = {}): Buffer {
  const random = randomOf(seed)
  const cell = (text: string): string => (quoted ? `"${text}"` : text)
  const lines = [['id', 'amount', 'merchant', 'label'].map(cell).join(separator)]
  for (let i = 0; i < rows; i++) {
    const row = [String(i), (random() * 500).toFixed(2), `shop-${i % 37}`, String(i % 2)]
    lines.push(row.map(cell).join(separator))
  }
  return latin(`${lines.join('\n')}\n`)
}

/** A JSON object per line. */
export function jsonLines({ rows = 500, seed = 1 } = {}): Buffer {
  const random = randomOf(seed)
  const line = (i: number): string =>
    JSON.stringify({ id: i, features: [random(), random(), random()], label: i % 2 === 0 })
  return latin(`${Array.from({ length: rows }, (_, i) => line(i)).join('\n')}\n`)
}

/** Frames of `application/vnd.amazon.eventstream`: lengths, headers, a payload in JSON. */
export function eventStream({ events = 20, bytes = 40, seed = 1 } = {}): Buffer {
  const header = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.of(name.length),
      latin(name),
      Buffer.of(7, 0, value.length),
      latin(value),
    ])
  const frame = (i: number): Buffer => {
    const text = { contentBlockDelta: { delta: { text: `word ${i} `.repeat(bytes / 8) } } }
    const payload = latin(
      JSON.stringify({ bytes: Buffer.from(JSON.stringify(text)).toString('base64') }),
    )
    const headers = Buffer.concat([
      header(':event-type', 'chunk'),
      header(':content-type', 'application/json'),
      header(':message-type', 'event'),
    ])
    const total = 16 + headers.length + payload.length
    return Buffer.concat([
      be32(total),
      be32(headers.length),
      noise(4, seed + i),
      headers,
      payload,
      noise(4, seed + i + 1),
    ])
  }
  return Buffer.concat(Array.from({ length: events }, (_, i) => frame(i)))
}
