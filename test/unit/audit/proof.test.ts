import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../../gateway/audit/files/file-port.ts'
import {
  parseProof,
  proofFault,
  proveRecord,
  type RecordProof,
} from '../../../gateway/audit/verify/proof.ts'
import { buildTreeLog, newSigner, removeTreeLogs } from '../../support/tree-log.ts'

afterAll(removeTreeLogs)

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER }
const log = buildTreeLog({ records: 700, runs: 2 })
const given = { keys: [{ vkey: log.vkey, ...ALWAYS }], witnesses: [], quorum: 1 }

const prove = (seq: number, dir = log.dir) => proveRecord(systemFiles, dir, seq)
const read = (text: string): RecordProof => {
  const proof = parseProof(Buffer.from(text))
  if (typeof proof === 'string') throw new TypeError(proof)
  return proof
}
const lineOf = (seq: number) => Buffer.from(log.lines[seq] ?? '')

describe('a proof of a record', () => {
  it.each([0, 1, 63, 64, 255, 256, 511, 512, 639, 699])(
    'of number %i holds, and of no other',
    (seq) => {
      const proof = read(prove(seq))
      expect(proof).toMatchObject({ index: seq, checkpoint: { size: 700, origin: log.log } })
      expect(proof.extra?.toString()).toBe(log.lines[seq])
      expect(proofFault(proof, lineOf(seq), given)).toBeUndefined()
      expect(proofFault(proof, lineOf((seq + 1) % 700), given)).toMatch(/do not lead to the root/)
      const moved = { ...proof, index: (seq + 1) % 700 }
      expect(proofFault(moved, lineOf(seq), given)).toMatch(/do not lead to the root/)
    },
  )

  it('holds with no change to any of it', () => {
    const proof = read(prove(300))
    const line = lineOf(300)
    const flipped = (bytes: Buffer) =>
      Buffer.from(bytes.map((byte, at) => (at === 7 ? byte ^ 1 : byte)))
    expect(proofFault(proof, flipped(line), given)).toBeDefined()
    for (const [at, hash] of proof.hashes.entries()) {
      const hashes = proof.hashes.with(at, flipped(hash))
      expect(proofFault({ ...proof, hashes }, line, given)).toBeDefined()
    }
    const short = { ...proof, hashes: proof.hashes.slice(1) }
    expect(proofFault(short, line, given)).toBeDefined()
    const long = { ...proof, hashes: [...proof.hashes, proof.hashes[0] ?? line] }
    expect(proofFault(long, line, given)).toBeDefined()
  })

  it('needs a key that is the right one, at the right size', () => {
    const proof = read(prove(5))
    const by = (vkey: string, range = ALWAYS) =>
      proofFault(proof, lineOf(5), { ...given, keys: [{ vkey, ...range }] })
    expect(by(log.vkey)).toBeUndefined()
    expect(by(log.vkey, { from: 0, to: 699 })).toMatch(/no key that was given/)
    expect(by(newSigner(log.log).verifier.vkey)).toMatch(/no key that was given/)
    expect(by(newSigner('another/log').verifier.vkey)).toBeDefined()
  })

  it('needs as many witnesses as are asked for', () => {
    const witness = newSigner('w.example/1', 'cosignature')
    const text = log.notes.at(-1) ?? ''
    const body = text.slice(0, text.indexOf('\n\n') + 1)
    const proof = read(prove(5) + witness.sign(body, 1_700_000_000))
    const witnesses = [{ vkey: witness.verifier.vkey, ...ALWAYS }]
    expect(proofFault(proof, lineOf(5), { ...given, witnesses })).toBeUndefined()
    const alone = proofFault(read(prove(5)), lineOf(5), { ...given, witnesses })
    expect(alone).toBe('0 of 1 witnesses have signed the checkpoint')
    const two = proofFault(proof, lineOf(5), { ...given, witnesses, quorum: 2 })
    expect(two).toBe('1 of 2 witnesses have signed the checkpoint')
  })
})

describe('no proof is made', () => {
  it('of what is not there, or not signed', () => {
    expect(() => prove(700)).toThrow('record 700 is not signed yet')
    const unsigned = buildTreeLog({ records: 30, signers: [] })
    expect(() => prove(3, unsigned.dir)).toThrow('no checkpoint was published')
    const open = buildTreeLog({ records: 150, closed: false })
    expect(() => prove(140, open.dir)).toThrow('is not signed yet')
  })

  it('of what was removed, or is not what was signed', () => {
    const other = buildTreeLog({ records: 300 })
    const segment = (first: string) => join(other.dir, `seg/0000000000000${first}.jsonl`)
    const lines = other.lines.slice(100, 200)
    const [before = ''] = lines
    writeFileSync(
      segment('100'),
      `${[before.replace('"v":1', '"v":2'), ...lines.slice(1)].join('\n')}\n`,
    )
    expect(() => prove(100, other.dir)).toThrow('record 100 is not the one that was signed')
    rmSync(segment('000'))
    expect(() => prove(4, other.dir)).toThrow('record 4 is not in the ledger')
  })
})

describe('what is no proof', () => {
  const good = prove(9)
  const lines = good.split('\n')
  const without = (at: number) => lines.toSpliced(at, 1).join('\n')
  it.each<[string, string, RegExp]>([
    ['nothing', '', /no empty line/],
    ['another beginning', good.replace('@v1', '@v2'), /does not begin with/],
    ['no index', without(2), /names no index/],
    ['an index with a zero before it', good.replace('index 9', 'index 09'), /names no index/],
    ['an index past all numbers', good.replace('index 9', `index ${'9'.repeat(17)}`), /no index/],
    ['an extra that is not base64', good.replace(/^extra ..../m, 'extra !!!!'), /not base64/],
    ['a hash that is none', good.replace(lines[3] ?? '', 'AAAA'), /hashes, or one that is none/],
    [
      'too many hashes',
      good.replace('\n\n', `\n${`${lines[3] ?? ''}\n`.repeat(64)}\n`),
      /more than 63/,
    ],
    ['too much', `${good}${'x'.repeat(400_000)}`, /too long/],
    ['no checkpoint', good.slice(0, good.indexOf('\n\n') + 2), /./],
  ])('%s', (_, text, why) => {
    expect(parseProof(Buffer.from(text))).toMatch(why)
  })
})
