/**
 * The safetensors format, as Hugging Face specifies it: eight bytes with the length of the header
 * (unsigned, little-endian), the header as JSON padded with spaces, then the bytes of all tensors
 * without gaps. The reader trusts nothing of what it reads.
 */

/** Numbers in row-major order. The product of `shape` is `data.length`. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** What a safetensors file holds. Metadata is free text by free names. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly metadata: ReadonlyMap<string, string>
}

/** The bytes are not a safetensors file of 32-bit floats; the message says where they go wrong. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'
}

const LENGTH_BYTES = 8
const FLOAT_BYTES = 4
const METADATA_KEY = '__metadata__'
/** The format allows 100 MB; a header that names a few tensors needs far less. */
const HEADER_BYTES_MAX = 1024 * 1024
const RANK_MAX = 8

/** Where a tensor lies, counted from the end of the header. */
interface Entry {
  readonly name: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/**
 * Reads the bytes of a safetensors file whose tensors are all `F32`. Every offset is within the
 * bytes, tensors neither overlap nor leave gaps, and every shape agrees with its offsets.
 * @throws SafetensorsError
 */
export function readSafetensors(bytes: Buffer): SafetensorsFile {
  const header = readHeader(bytes)
  const payload = bytes.subarray(LENGTH_BYTES + header.bytes)
  const metadata = readMetadata(header.json[METADATA_KEY])
  const entries = Object.entries(header.json)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, value]) => readEntry(name, value))
  checkLayout(entries, payload.length)
  const tensors = new Map(
    entries.map((entry) => [entry.name, { shape: entry.shape, data: readFloats(payload, entry) }]),
  )
  return { tensors, metadata }
}

/** Writes tensors in the order given. What it writes, {@link readSafetensors} reads back. */
export function writeSafetensors(file: SafetensorsFile): Buffer {
  const header: Record<string, unknown> = {}
  if (file.metadata.size > 0) header[METADATA_KEY] = Object.fromEntries(file.metadata)
  const chunks: Buffer[] = []
  let offset = 0
  for (const [name, { shape, data }] of file.tensors) {
    if (product(shape) !== data.length) throw fail(`shape and data of "${name}" disagree`)
    const chunk = Buffer.alloc(data.length * FLOAT_BYTES)
    data.forEach((value, i) => chunk.writeFloatLE(value, i * FLOAT_BYTES))
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + chunk.length] }
    offset += chunk.length
    chunks.push(chunk)
  }
  const json = Buffer.from(JSON.stringify(header))
  // Spaces at the end of the header let the tensors start on a multiple of eight bytes.
  const padding = Buffer.alloc(-json.length & 7, ' ')
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(json.length + padding.length))
  return Buffer.concat([length, json, padding, ...chunks])
}

function readHeader(bytes: Buffer): { json: Record<string, unknown>; bytes: number } {
  if (bytes.length < LENGTH_BYTES) throw fail('shorter than the eight bytes of the header length')
  const length = bytes.readBigUInt64LE()
  if (length > HEADER_BYTES_MAX) throw fail(`a header of ${length.toString()} bytes is too long`)
  const end = LENGTH_BYTES + Number(length)
  if (end > bytes.length) throw fail('the header reaches past the end')
  if (bytes[LENGTH_BYTES] !== 0x7b) throw fail('the header does not start with "{"')
  const json = parseJson(bytes.subarray(LENGTH_BYTES, end))
  if (!isRecord(json)) throw fail('the header is not a JSON object')
  return { json, bytes: Number(length) }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw fail('the header is not JSON in UTF-8')
  }
}

function readMetadata(value: unknown): Map<string, string> {
  const metadata = new Map<string, string>()
  if (value === undefined) return metadata
  if (!isRecord(value)) throw fail('the metadata is not an object')
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw fail(`metadata "${name}" is not a string`)
    metadata.set(name, text)
  }
  return metadata
}

function readEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) throw fail(`tensor "${name}" is not an object`)
  const { dtype, shape, data_offsets: offsets, ...unknown } = value
  const [extra] = Object.keys(unknown)
  if (extra !== undefined) throw fail(`tensor "${name}" has the unknown key "${extra}"`)
  if (dtype !== 'F32') throw fail(`tensor "${name}" is not of dtype F32`)
  if (!isSizes(shape) || shape.length > RANK_MAX) throw fail(`tensor "${name}" has no valid shape`)
  if (!isSizes(offsets) || offsets.length !== 2) throw fail(`tensor "${name}" has no valid offsets`)
  const [begin = 0, end = 0] = offsets
  if (end - begin !== product(shape) * FLOAT_BYTES) {
    throw fail(`shape and offsets of tensor "${name}" disagree`)
  }
  return { name, shape, begin, end }
}

/** In the order of their offsets, each tensor must begin where the one before it ends. */
function checkLayout(entries: readonly Entry[], payloadBytes: number): void {
  let offset = 0
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin < offset) throw fail(`tensor "${entry.name}" overlaps the one before it`)
    if (entry.begin > offset) throw fail(`there is a gap before tensor "${entry.name}"`)
    offset = entry.end
  }
  if (offset > payloadBytes) throw fail('the tensors reach past the end')
  if (offset < payloadBytes) throw fail('there are bytes that belong to no tensor')
}

function readFloats(payload: Buffer, entry: Entry): Float32Array {
  const count = (entry.end - entry.begin) / FLOAT_BYTES
  return Float32Array.from({ length: count }, (_, i) =>
    payload.readFloatLE(entry.begin + i * FLOAT_BYTES),
  )
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1)
}

function fail(what: string): SafetensorsError {
  return new SafetensorsError(`not a safetensors file: ${what}`)
}
