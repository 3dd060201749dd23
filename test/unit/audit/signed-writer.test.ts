import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import type { CheckpointSigner } from '../../../gateway/audit/signing/signer-port.ts'
import { verifyConsistency } from '../../../gateway/audit/tree/merkle.ts'
import { harness, note, removeDirectories, storedRecords } from '../../support/audit-harness.ts'
import {
  checkpoints,
  keySigner,
  lineBytes,
  newKey,
  published,
  rootOfRecords,
  rootOfTiles,
  verdict,
} from '../../support/signed-log.ts'

afterAll(removeDirectories)

/** A log with `count` records that was closed well. */
async function signedLog(count: number, more = {}) {
  const log = harness()
  const key = newKey()
  const signer = keySigner(key)
  const ledger = await log.open({ signer, ...more })
  for (let i = 0; i < count; i++) ledger.appendNow(note(`r${i}`))
  await ledger.close()
  return { ...log, key, signer }
}

describe('a signed ledger', () => {
  it('answers for a record on disk only once a checkpoint covers it', async () => {
    const { dir, open } = harness()
    const key = newKey()
    const ledger = await open({ signer: keySigner(key) })
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([1])
    await ledger.append(note('a'), 'kernel')
    expect(checkpoints(dir, [key])).toHaveLength(1)
    const waits = [ledger.append(note('b'), 'disk'), ledger.append(note('c'), 'disk')]
    await Promise.all(waits)
    // One signature for all who wait.
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([1, 4])
    expect(ledger.signed()).toMatchObject({ checkpoint: { size: 4 } })
    expect(ledger.tree()?.root).toEqual(rootOfRecords(dir, 4))
    await ledger.close()
    expect(checkpoints(dir, [key]).at(-1)?.size).toBe(5)
    expect(published(dir, [key])).toMatchObject({ size: 5, origin: 'test/audit/n1' })
  })

  it('signs after 64 records, and a second after the first that is not signed', async () => {
    const { dir, clock, timers, open } = harness()
    const key = newKey()
    const ledger = await open({ signer: keySigner(key) })
    clock.advance(100)
    for (let i = 0; i < 64; i++) ledger.appendNow(note(`r${i}`))
    await ledger.append(note('last'), 'kernel')
    await settle(() => ledger.signed()?.checkpoint.size === 66)
    await ledger.append(note('more'), 'kernel')
    expect(ledger.signed()?.checkpoint.size).toBe(66)
    clock.advance(1000)
    timers.fire()
    await settle(() => ledger.signed()?.checkpoint.size === 67)
    await ledger.close()
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([1, 66, 67, 68])
  })

  it.each([0, 1, 253, 254, 255, 256, 600])(
    'has tiles and checkpoints that fit its %d records',
    async (count) => {
      const { dir, key, open, signer } = await signedLog(count)
      const { size, root } = published(dir, [key])
      expect(size).toBe(count + 2)
      expect(root).toEqual(rootOfRecords(dir, size))
      expect(rootOfTiles(dir, size)).toEqual(root)
      // A full tile leaves no partial one behind.
      expect(existsSync(join(dir, 'tile/0/000.p'))).toBe(size < 256)
      await (await open({ signer })).close()
      const again = published(dir, [key])
      expect(rootOfTiles(dir, again.size)).toEqual(rootOfRecords(dir, count + 4))
      expect(storedRecords(dir)[size]).toMatchObject({
        type: 'log.opened',
        size,
        root: root.toString('base64'),
        vkeys: [key.verifier.vkey],
      })
    },
  )

  it('keeps growing a tree of three levels of tiles over many runs', async () => {
    const { dir, open, key, signer } = await signedLog(66_000, { segmentBytesMax: 4_000_000 })
    for (let run = 0; run < 3; run++) {
      const ledger = await open({ signer })
      for (let i = 0; i < 300; i++) ledger.appendNow(note(`r${i}`))
      await ledger.close()
    }
    const { size, root } = published(dir, [key])
    expect(size).toBe(66_000 + 2 + 3 * 302)
    expect(lineBytes(dir)).toHaveLength(size)
    expect(await verdict(dir, [key])).toBe('intact')
    expect(rootOfTiles(dir, size)).toEqual(root)
    expect(rootOfRecords(dir, size)).toEqual(root)
  }, 60_000)

  it('gives its signer proofs of growth that hold', async () => {
    const { open } = harness()
    const key = newKey()
    const roots = new Map<number, Buffer>()
    const asked: number[] = []
    const local = keySigner(key)
    const signer: CheckpointSigner = {
      verifiers: local.verifiers,
      sign(ask) {
        const { size, root } = ask.checkpoint
        for (const [from, fromRoot] of roots) {
          const proof = ask.proofFrom(from)
          expect(verifyConsistency({ from, to: size, fromRoot, toRoot: root, proof })).toBe(true)
        }
        asked.push(ask.from.size)
        roots.set(size, root)
        return local.sign(ask)
      },
    }
    const ledger = await open({ signer })
    for (const count of [1, 200, 54, 1, 600]) {
      for (let i = 0; i < count; i++) ledger.appendNow(note('x'))
      await ledger.append(note('disk'), 'disk')
    }
    await ledger.close()
    expect(roots.size).toBeGreaterThan(5)
    expect(asked.slice(0, 3)).toEqual([0, 1, 3])
  })
})

async function settle(done: () => boolean): Promise<void> {
  for (let i = 0; i < 100_000 && !done(); i++) await new Promise(setImmediate)
  expect(done()).toBe(true)
}
