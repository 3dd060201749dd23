import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { GENESIS_HASH, leafHash } from '../../../gateway/audit/line/record.ts'
import { verifyChain } from '../../support/verify-chain.ts'
import type { LogPosition } from '../../../gateway/audit/line/chain.ts'
import {
  harness,
  note,
  removeDirectories,
  segmentNames,
  tamper,
} from '../../support/audit-harness.ts'

afterAll(removeDirectories)

let dir = ''
let head: LogPosition

/** Three runs over several segments. */
beforeEach(async () => {
  const log = harness()
  dir = log.dir
  for (let run = 0; run < 3; run++) {
    const ledger = await log.open({ segmentBytesMax: 1500 })
    for (let i = 0; i < 4; i++) await ledger.append(note(`r${run}-${i}`), 'kernel')
    await ledger.close()
    head = ledger.head()
  }
})

const verify = () => verifyChain({ dir, anchors: [head] })
const lines = (bytes: Buffer) => bytes.toString().split('\n')

/** Rewrites every line from `from` on so that the chain holds again, as a forger would. */
function rechain(dir: string, edit: (line: string) => string): void {
  let prev = GENESIS_HASH
  for (const [index] of segmentNames(dir).entries()) {
    tamper(
      dir,
      (bytes) => {
        const forged = lines(bytes)
          .slice(0, -1)
          .map((line) => {
            const linked = edit(line).replace(/"prev":"[^"]+"/, `"prev":"${prev}"`)
            prev = leafHash(linked)
            return `${linked}\n`
          })
        return Buffer.from(forged.join(''))
      },
      index,
    )
  }
}

describe('verifying a chain', () => {
  it('finds an honest log intact', async () => {
    const names = segmentNames(dir)
    const report = await verify()
    expect(report).toMatchObject({ intact: true, fault: undefined, records: 18, boots: 3 })
    expect(report).toMatchObject({ segments: names.length, head, unanchored: 0 })
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, unanchored: 18 })
    expect(await verifyChain({ dir, log: 'other' })).toMatchObject({
      fault: { class: 'origin', line: 1 },
    })
  })

  it('hashes bytes, not values: other spacing or key order is tampering', async () => {
    const path = tamper(dir, (bytes) => Buffer.from(bytes.toString().replace(',"id"', ', "id"')), 0)
    expect(await verify()).toMatchObject({
      intact: false,
      fault: { class: 'chain', file: path, line: 3, seq: 2 },
    })
  })

  it('notices removed, doubled and swapped records', async () => {
    let original: Buffer | undefined
    const change = (edit: (all: string[]) => string[]) =>
      tamper(
        dir,
        (bytes) => {
          original ??= bytes
          return Buffer.from(edit(lines(original)).join('\n'))
        },
        0,
      )
    change(([a = '', , ...rest]) => [a, ...rest])
    expect(await verify()).toMatchObject({ fault: { class: 'sequence', line: 2, seq: 1 } })
    change(([a = '', ...rest]) => [a, a, ...rest])
    expect(await verify()).toMatchObject({ fault: { class: 'sequence', line: 2, seq: 1 } })
    change(([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest])
    expect(await verify()).toMatchObject({ fault: { class: 'sequence', line: 2, seq: 1 } })
  })

  it('notices missing, renamed, empty and foreign files', async () => {
    const [first = '', second = '', third = ''] = segmentNames(dir)
    const at = (name: string) => join(dir, 'seg', name)
    writeFileSync(at('notes.txt'), 'x')
    expect(await verify()).toMatchObject({ fault: { class: 'segment', file: at('notes.txt') } })
    rmSync(at('notes.txt'))
    renameSync(at(second), at('0000000000009999.jsonl'))
    expect(await verify()).toMatchObject({ fault: { class: 'segment', file: at(third), line: 0 } })
    renameSync(at('0000000000009999.jsonl'), at(second))
    writeFileSync(at(second), '')
    expect(await verify()).toMatchObject({ fault: { class: 'segment', file: at(second) } })
    rmSync(at(first))
    expect(await verify()).toMatchObject({ fault: { class: 'segment', seq: 0 } })
  })

  it('tells a torn end from a torn middle', async () => {
    tamper(dir, (bytes) => bytes.subarray(0, -5))
    expect(await verifyChain({ dir })).toMatchObject({ fault: { class: 'torn' }, records: 17 })
    tamper(dir, (bytes) => bytes.subarray(0, -5), 0)
    expect(await verify()).toMatchObject({ fault: { class: 'grammar' } })
  })

  it('needs an anchor to see a cut tail or a rewritten history', async () => {
    tamper(dir, (bytes) => Buffer.from(`${lines(bytes).slice(0, -2).join('\n')}\n`))
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, records: 17 })
    expect(await verify()).toMatchObject({ fault: { class: 'truncated', seq: 17 } })
  })

  it('sees a consistent rewrite by the anchor, and a forged run by its opening', async () => {
    rechain(dir, (line) => line.replace('"r0-1"', '"r0-X"'))
    expect(await verify()).toMatchObject({ fault: { class: 'boot' } })
    let previous: LogPosition | undefined
    let prev = GENESIS_HASH
    rechain(dir, (line) => {
      const stated = previous && JSON.stringify({ seq: previous.seq, hash: prev })
      const edited =
        stated === undefined ? line : line.replace(/"previous":\{[^}]+\}/, `"previous":${stated}`)
      const seq = Number(/"seq":(\d+)/.exec(line)?.[1])
      prev = leafHash(edited.replace(/"prev":"[^"]+"/, `"prev":"${prev}"`))
      previous = { seq, hash: prev }
      return edited
    })
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
    expect(await verify()).toMatchObject({ fault: { class: 'anchor', seq: head.seq } })
  })
})
