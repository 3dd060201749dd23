/** A segment that is removed, replaced or cut under the gateway takes no more records in silence. */
import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openLedger, type SegmentLedger } from '../../gateway/audit/ledger.ts'
import { systemClock } from '../../gateway/domain/clock.ts'

let dir = ''
let ledger: SegmentLedger | undefined
afterEach(async () => {
  await ledger?.close().catch(() => undefined)
  await rm(dir, { recursive: true, force: true })
})

const RECORD = { type: 'decision', fields: { id: 'a', effect: 'permit' } } as const

async function opened(): Promise<{ open: SegmentLedger; segment: string }> {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-removed-'))
  const audit = join(dir, 'audit')
  ledger = await openLedger({
    dir: audit,
    log: 'test/audit/removed',
    bootId: 'boot-1',
    owner: { pid: process.pid, host: 'test', isAlive: () => true },
    clock: systemClock,
    segmentBytesMax: 1 << 20,
    versions: {},
  })
  await ledger.append(RECORD, 'disk')
  const [name = ''] = await readdir(join(audit, 'seg'))
  return { open: ledger, segment: join(audit, 'seg', name) }
}

describe('a privileged record is refused when its segment', () => {
  it.each([
    ['was removed', (file: string) => rm(file)],
    ['was cut', (file: string) => truncate(file, 10)],
    [
      'was replaced by a copy',
      async (file: string) => {
        await writeFile(`${file}.new`, await readFile(file), { mode: 0o600 })
        await rename(`${file}.new`, file)
      },
    ],
  ])('%s', async (_, damage) => {
    const { open, segment } = await opened()
    await damage(segment)
    await expect(open.append(RECORD, 'disk')).rejects.toMatchObject({
      code: 'ERR_AUDIT_UNAVAILABLE',
    })
    expect(open.healthy).toBe(false)
  })
})
