/** The search tree of a MaxMind DB file: whether it is sound, and which addresses it knows. */
import { setImmediate as turn } from 'node:timers/promises'
import { ipText } from '../domain/network.ts'

/** What the metadata of a file says of its tree; not yet believed. */
export interface TreeFacts {
  readonly binaryFormatMajorVersion: number
  readonly ipVersion: number
  readonly nodeCount: number
  readonly recordSize: number
}

const MARKER = Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex')
const SEPARATOR_BYTES = 16

/** Nodes looked at before others get their turn: a few milliseconds. */
const SLICE = 65_536

/**
 * What is wrong with the tree, in words, or `undefined`. Sound means that the file has the parts its
 * metadata promises, and that every record is another node, nothing, or a place in the data.
 */
export async function treeProblem(bytes: Buffer, facts: TreeFacts): Promise<string | undefined> {
  const { nodeCount, recordSize } = facts
  const treeBytes = (nodeCount * recordSize) / 4
  const dataBytes = bytes.lastIndexOf(MARKER) - treeBytes - SEPARATOR_BYTES
  const separator = bytes.subarray(treeBytes, treeBytes + SEPARATOR_BYTES)
  const problem = factsProblem(facts)
  if (problem !== undefined) return problem
  if (dataBytes < 0) return 'its tree is larger than the file'
  if (separator.some((byte) => byte !== 0)) return 'its tree does not end where it should'
  const recordMax = nodeCount + SEPARATOR_BYTES + dataBytes
  const recordOf = recordReader(bytes, recordSize)
  for (let node = 0; node < nodeCount; node++) {
    if (node % SLICE === SLICE - 1) await turn()
    for (const side of [0, 1] as const) {
      const record = recordOf(node, side)
      const isInGap = record > nodeCount && record < nodeCount + SEPARATOR_BYTES
      if (isInGap || record >= recordMax) return 'its tree leads out of the file'
    }
  }
  return undefined
}

function factsProblem(facts: TreeFacts): string | undefined {
  const { binaryFormatMajorVersion: version, ipVersion, nodeCount, recordSize } = facts
  if (version !== 2) return 'it has another version of the format than 2'
  if (ipVersion !== 4 && ipVersion !== 6) return 'it is for neither IPv4 nor IPv6'
  if (![24, 28, 32].includes(recordSize)) return 'its records have another size than 24, 28 or 32'
  return Number.isSafeInteger(nodeCount) && nodeCount > 0 ? undefined : 'its tree has no nodes'
}

/**
 * Addresses that a sound tree has records for, one of each network, at most `countMax`; found depth
 * first and in bounded time.
 */
export function addressesIn(bytes: Buffer, facts: TreeFacts, countMax: number): string[] {
  const { ipVersion, nodeCount, recordSize } = facts
  const bits = ipVersion === 4 ? 32 : 128
  const recordOf = recordReader(bytes, recordSize)
  const found: string[] = []
  const stack: { record: number; path: readonly (0 | 1)[] }[] = [{ record: 0, path: [] }]
  for (let steps = 0; steps < countMax * 256 && found.length < countMax; steps++) {
    const at = stack.pop()
    if (at === undefined) break
    if (at.record > nodeCount) found.push(addressAt(at.path, bits))
    if (at.record >= nodeCount || at.path.length === bits) continue
    for (const side of [1, 0] as const) {
      stack.push({ record: recordOf(at.record, side), path: [...at.path, side] })
    }
  }
  return found
}

function addressAt(path: readonly (0 | 1)[], bits: 32 | 128): string {
  const bytes = Array.from({ length: bits / 8 }, () => 0)
  path.forEach((bit, i) => {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)))
  })
  const zeros = bytes.findIndex((byte) => byte !== 0)
  // In a tree of IPv6 addresses IPv4 is ::/96, which no text of an IPv4 address says.
  if (bits === 128 && (zeros < 0 || zeros >= 12)) {
    return ipText({ family: 4, bytes: bytes.slice(12) })
  }
  return ipText({ family: bits === 32 ? 4 : 6, bytes })
}

/** Reads one of the two records of a node: 24, 28 or 32 bits, most significant first. */
function recordReader(bytes: Buffer, recordSize: number): (node: number, side: 0 | 1) => number {
  const nodeBytes = recordSize / 4
  if (recordSize === 24) return (node, side) => bytes.readUIntBE(node * nodeBytes + side * 3, 3)
  if (recordSize === 32) return (node, side) => bytes.readUInt32BE(node * nodeBytes + side * 4)
  return (node, side) => {
    // The middle byte holds the four highest bits of both records.
    const offset = node * nodeBytes
    const middle = bytes[offset + 3] ?? 0
    const high = side === 0 ? middle >> 4 : middle & 15
    return high * 0x1000000 + bytes.readUIntBE(offset + side * 4, 3)
  }
}
