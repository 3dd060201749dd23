/**
 * The audit log, verified by software we did not write: Go's signed notes for the checkpoints,
 * Tessera's fsck for the tiles, transparency-dev/merkle for every root and proof.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { createKeySigner } from '../../gateway/audit/signing/signer-port.ts'
import { inclusionProof } from '../../gateway/audit/tree/merkle.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { harness, note, removeDirectories } from '../support/audit-harness.ts'
import { LEDGERCHECK, ledgercheck } from '../support/interop/ledgercheck.ts'
import { report } from '../support/interop/recipes.ts'
import { buildTreeLog, newSigner, removeTreeLogs } from '../support/tree-log.ts'

afterAll(() => {
  removeDirectories()
  removeTreeLogs()
})

const LOG = 'test/audit/n1'
const ROW = { server: 'audit log', client: 'Go: note, tessera', flow: 'verify, prove' }

const key = newSigner(LOG)
const signers = [key]
const verify = (dir: string, ...more: string[]) =>
  ledgercheck('log', '--dir', dir, '--vkey', key.verifier.vkey, ...more)

if (LEDGERCHECK === undefined) {
  it('is skipped where there is no Go', async () => {
    const without = process.env['INTEROP_NO_GO'] ?? 'run npm run test:interop'
    await report(ROW, '', `skipped: ${without}`)
    expect(without).not.toBe('')
  })
} else {
  describe('a log on disk', () => {
    it('is what Go takes for one, at every size where something changes', async () => {
      const witness = newSigner('witness.test/w1', 'cosignature')
      for (const size of [1, 2, 63, 64, 255, 256, 257, 65_536, 65_537]) {
        const log = buildTreeLog({ records: size, perSegment: 1000, signers })
        const { dir, notes } = log
        const [text = ''] = notes.at(-1)?.split('\n\n') ?? []
        appendFileSync(join(dir, 'checkpoint'), witness.sign(`${text}\n`, 1_795_000_000))
        const root = log.rootAt(size).toString('base64')
        const checkpoints = notes.length
        expect(await verify(dir, '--witness-vkey', witness.verifier.vkey)).toMatchObject({
          code: 0,
          report: { origin: LOG, size, lines: size, checkpoints, root, witnessed: true },
        })
      }
    }, 120_000)

    it.each([
      ['a line', 'seg/0000000000000000.jsonl'],
      ['a full tile', 'tile/0/001'],
      ['a partial tile', 'tile/0/002.p/89'],
      ['a tile of the next level', 'tile/1/000.p/2'],
      ['the checkpoint', 'checkpoint'],
      ['a checkpoint of before', 'checkpoints.log'],
    ])('is not, once %s has changed', async (_, file) => {
      const { dir } = buildTreeLog({ records: 601, perSegment: 1000, signers })
      expect(await verify(dir)).toMatchObject({ code: 0 })
      const path = join(dir, file)
      const bytes = readFileSync(path)
      const at = Math.floor(bytes.length / 3)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(path, bytes)
      expect(await verify(dir)).toMatchObject({ code: 1 })
    })
  })

  describe('a log that the gateway writes', () => {
    it('is what Go takes for one, over several runs and a change of keys', async () => {
      const { dir, open } = harness()
      const next = newSigner(LOG)
      const options = { clock: systemClock, segmentBytesMax: 50_000 }
      for (const keys of [[key], [next, key], [next]]) {
        const ledger = await open({ ...options, signer: createKeySigner(keys) })
        for (let i = 0; i < 700; i++) void ledger.append(note(`r${i}`), 'kernel')
        await ledger.append(note('privileged'), 'disk')
        await ledger.close()
      }
      const checked = await verify(dir, '--vkey', next.verifier.vkey)
      expect(checked).toMatchObject({ code: 0, report: { origin: LOG } })
      // Records of the log itself are beside the 3 × 701: opened, closed, keys rotated.
      expect(checked.report?.['size']).toBeGreaterThanOrEqual(3 * 703)
      expect(checked.report?.['lines']).toBe(checked.report?.['size'])
      await report(ROW, '', 'passed')
    }, 60_000)
  })

  it('a proof of one record is what Go takes for one, of that record alone', async () => {
    const { dir, lines, hashAt } = buildTreeLog({ records: 601, signers })
    const proof = inclusionProof(300, lines.length, hashAt).map((one) => one.toString('base64'))
    const head = ['c2sp.org/tlog-proof@v1', 'index 300', ...proof].join('\n')
    const file = join(dir, '300.tlog-proof')
    writeFileSync(file, `${head}\n\n${readFileSync(join(dir, 'checkpoint'), 'utf8')}`)
    const prove = (line = '') =>
      ledgercheck('proof', '--file', file, '--vkey', key.verifier.vkey, '--entry', line)
    expect(await prove(lines[300])).toMatchObject({ code: 0, report: { index: 300, size: 601 } })
    expect(await prove(lines[301])).toMatchObject({ code: 1 })
  })
}
