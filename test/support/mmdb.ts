/**
 * Writes files in the MaxMind DB format, version 2, small and plain: a search tree of any of the
 * three record sizes, records of maps and texts, metadata. Longer networks win over shorter ones.
 */
import { parseIp, parseNetwork } from '../../gateway/domain/network.ts'

/** What a record or the metadata may hold. */
export type MmdbValue = string | number | bigint | { readonly [key: string]: MmdbValue }

/** See {@link mmdbOf}. */
export interface MmdbOptions {
  readonly ipVersion?: 4 | 6
  readonly recordSize?: 24 | 28 | 32
  /** Laid over the metadata that fits the tree. */
  readonly metadata?: Readonly<Record<string, MmdbValue>>
}

/** A record as databases of countries have them. */
export function countryRecord(code: string, registered = code): MmdbValue {
  return {
    country: { geoname_id: 1, iso_code: code, names: { en: code } },
    registered_country: { geoname_id: 2, iso_code: registered, names: { en: registered } },
  }
}

/** A database with one record for each network, in CIDR form; IPv4 is ::/96 in an IPv6 tree. */
export function mmdbOf(
  networks: Readonly<Record<string, MmdbValue>>,
  options: MmdbOptions = {},
): Buffer {
  const { ipVersion = 6, recordSize = 24 } = options
  const data = new DataSection()
  const nodes: Node[] = [[undefined, undefined]]
  const entries = Object.entries(networks).map(([cidr, value]) => ({
    path: bitsOf(cidr, ipVersion),
    offset: data.add(value),
  }))
  entries.sort((a, b) => a.path.length - b.path.length)
  for (const { path, offset } of entries) insert(nodes, path, { offset })
  const tree = Buffer.concat(nodes.map((node) => nodeBytes(node, nodes.length, recordSize)))
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_793_000_000n,
    database_type: 'Test-Country',
    description: { en: 'made by a test' },
    ip_version: ipVersion,
    node_count: nodes.length,
    record_size: recordSize,
    ...options.metadata,
  })
  return Buffer.concat([tree, Buffer.alloc(16), data.bytes(), MARKER, metadata])
}

const MARKER = Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex')

type Child = number | { readonly offset: number } | undefined
type Node = [Child, Child]

/** The bits that lead to a network. */
function bitsOf(cidr: string, ipVersion: 4 | 6): number[] {
  const network = parseNetwork(cidr)
  if ('problem' in network) throw new Error(`${cidr} ${network.problem}`)
  const { bytes } = parseIp(cidr.split('/')[0] ?? '') ?? { bytes: [] }
  const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1))
  const path = bits.slice(0, network.prefix)
  if (ipVersion === 4 && network.family === 6) throw new Error('no IPv6 in a tree of IPv4')
  return ipVersion === 6 && network.family === 4 ? [...Array<number>(96).fill(0), ...path] : path
}

function insert(nodes: Node[], path: readonly number[], leaf: { readonly offset: number }): void {
  let at = 0
  path.forEach((bit, depth) => {
    const node = nodes[at]
    if (node === undefined) throw new Error('a node is missing')
    const side = bit === 0 ? 0 : 1
    if (depth === path.length - 1) node[side] = leaf
    else {
      const child = node[side]
      if (typeof child === 'number') at = child
      else {
        // A wider network is split: what it said goes on holding on both sides.
        nodes.push([child, child])
        at = node[side] = nodes.length - 1
      }
    }
  })
}

function nodeBytes(node: Node, nodeCount: number, recordSize: 24 | 28 | 32): Buffer {
  const [left, right] = node.map((child) => {
    if (child === undefined) return nodeCount
    return typeof child === 'number' ? child : nodeCount + 16 + child.offset
  }) as [number, number]
  const bytes = Buffer.alloc(recordSize / 4)
  if (recordSize === 28) {
    bytes.writeUIntBE(left & 0xffffff, 0, 3)
    bytes[3] = ((left >> 24) << 4) | (right >> 24)
    bytes.writeUIntBE(right & 0xffffff, 4, 3)
  } else {
    bytes.writeUIntBE(left, 0, recordSize / 8)
    bytes.writeUIntBE(right, recordSize / 8, recordSize / 8)
  }
  return bytes
}

/** Equal records are written once. */
class DataSection {
  #parts: Buffer[] = []
  #size = 0
  readonly #known = new Map<string, number>()

  add(value: MmdbValue): number {
    const part = encode(value)
    const key = part.toString('base64')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const offset = this.#size
    this.#known.set(key, offset)
    this.#parts.push(part)
    this.#size += part.length
    return offset
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

const TYPE = { text: 2, uint32: 6, map: 7, uint64: 9 } as const

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    return Buffer.concat([control(TYPE.text, bytes.length), bytes])
  }
  if (typeof value === 'object') {
    const parts = Object.entries(value).flatMap(([key, child]) => [encode(key), encode(child)])
    return Buffer.concat([control(TYPE.map, parts.length / 2), ...parts])
  }
  const bytes = Buffer.from(value.toString(16).padStart(16, '0'), 'hex')
  const first = bytes.findIndex((byte) => byte !== 0)
  const short = first < 0 ? Buffer.alloc(0) : bytes.subarray(first)
  return Buffer.concat([
    control(typeof value === 'bigint' ? TYPE.uint64 : TYPE.uint32, short.length),
    short,
  ])
}

/** Types past 7 are written in a second byte; sizes past 28 in one more. */
function control(type: number, size: number): Buffer {
  if (size > 284) throw new Error('larger values are not needed here')
  const low = Math.min(size, 29)
  const head = type > 7 ? [low, type - 7] : [(type << 5) | low]
  return Buffer.from(size > 28 ? [...head, size - 29] : head)
}
