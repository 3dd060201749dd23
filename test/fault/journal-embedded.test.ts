import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { appendTill, readAll } from '../support/journal-contract.ts'
import { setLock, startReplica } from '../support/replicas.ts'

const PAGE = 4_096
/** The two pages that say what is where. */
const HEADS = 2
const CLAIM = { usesMax: 1, ttlMs: 60_000, expiresAt: Date.now() + 600_000 }
const FAILS = { code: 'ERR_STORE_UNAVAILABLE' }

let dir: string
const opened: SharedStore[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-embedded-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(dir, { recursive: true, force: true })
})

const file = (where = dir): string => join(where, 'state.mdb')

async function open(where = dir): Promise<SharedStore> {
  const store = await openEmbeddedStore({ dir: where, clock: systemClock })
  opened.push(store)
  return store
}

async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((store) => store.close()))
}

/** Opens a folder that has these bytes alone. */
async function openBytes(bytes: Uint8Array, name: string): Promise<SharedStore> {
  const where = join(dir, name)
  await mkdir(where, { recursive: true })
  await writeFile(file(where), bytes)
  return open(where)
}

/** Numbers that look like chance and are the same in every run. */
function chance(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
}

// Threats §2.L 379: a crash or a power cut while something is written, a damaged page, a copy put back.
describe('the journal in a folder', () => {
  it('has all that was acknowledged after a power cut, whichever pages of the next entry are there', async () => {
    const store = await open()
    for (let i = 1; i <= 60; i += 1)
      await appendTill(store.journal, `entry ${i} ${'x'.repeat(900)}`)
    const before = await readFile(file())
    await appendTill(store.journal, `entry 61 ${'y'.repeat(20_000)}`)
    const after = await readFile(file())
    await closeAll()
    const next = chance(7)
    for (let round = 0; round < 12; round += 1) {
      const torn = Buffer.alloc(after.length)
      before.copy(torn)
      for (let at = HEADS * PAGE; at < after.length; at += PAGE) {
        // Part of a page, too: disks write sectors.
        const length = next() < 0.3 ? 512 * Math.ceil(next() * 8) : PAGE
        if (next() < 0.5) after.copy(torn, at, at, at + length)
      }
      const again = await openBytes(torn, `torn-${round}`)
      const entries = await readAll(again.journal)
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
      expect(entries.at(-1)?.text).toMatch(/^entry 60 /)
      expect(await appendTill(again.journal, 'after the cut')).toBe(61)
    }
  }, 60_000)

  it('with any page overwritten is not opened, or is whole', async () => {
    const store = await open()
    for (let i = 1; i <= 120; i += 1)
      await appendTill(store.journal, `entry ${i} ${'x'.repeat(900)}`)
    await closeAll()
    const good = await readFile(file())
    let refused = 0
    for (let at = HEADS * PAGE; at < good.length; at += 7 * PAGE) {
      const bytes = Buffer.from(good)
      bytes.fill(0x5a, at, at + PAGE)
      const again = await openBytes(bytes, `page-${at}`).catch((error: unknown) => {
        expect(error).toMatchObject(FAILS)
      })
      if (again === undefined) refused += 1
      else {
        const read = await readAll(again.journal).catch((error: unknown) => {
          expect(error).toMatchObject(FAILS)
        })
        if (read !== undefined) expect(read).toHaveLength(120)
      }
    }
    expect(refused).toBeGreaterThan(0)
  }, 120_000)

  it('of which an older copy is put back is not relied on, and its locks stay', async () => {
    const seenDir = join(dir, 'seen')
    const where = join(dir, 'store')
    await mkdir(seenDir)
    const begin = async () => {
      const { journal } = await open(where)
      return startReplica({ journal, clock: systemClock, dir: seenDir })
    }
    const first = await begin()
    await first.replica.run(setLock('ann'))
    await first.replica.stop()
    await closeAll()
    await cp(file(where), join(dir, 'copy'))
    const second = await begin()
    await second.replica.run(setLock('bob'))
    await second.replica.stop()
    await closeAll()
    await rename(join(dir, 'copy'), file(where))
    const third = await begin()
    expect(third.replica.regression).toMatchObject({ known: { seq: 2 }, found: { seq: 1 } })
    expect(third.replica.fresh).toBe(false)
    expect(third.replica.state.locks.has('lock-ann')).toBe(true)
    await third.replica.stop()
  })
})

// Threats §2.L 380: there is no language in which an id could say something; and nobody else's files.
describe('the embedded store', () => {
  const NAMES = [
    "x'; DROP TABLE grants; --",
    "ATTACH DATABASE '/tmp/x' AS y",
    '../../etc/passwd',
    'a\u0000b',
    'a\nb\r\nSET x',
    '\uffff',
    '',
    '%s%n$(id)`id`',
  ]

  it('takes ids for what they are', async () => {
    const store = await open()
    for (const grant of NAMES) {
      const claim = { ...CLAIM, grant, transfer: 't', attempt: 'a' }
      expect([grant, await store.claim(claim)]).toMatchObject([grant, { granted: true }])
    }
    for (const grant of NAMES) {
      const other = { ...CLAIM, grant, transfer: 'other', attempt: 'b' }
      expect(await store.claim(other)).toEqual({ granted: false, why: 'spent' })
    }
    const unknown = { ...CLAIM, grant: 'x', transfer: 't', attempt: 'a' }
    expect(await store.claim(unknown)).toMatchObject({ granted: true })
    for (const text of NAMES.filter((name) => name !== '')) await appendTill(store.journal, text)
    for (const name of NAMES.slice(0, 3)) expect(await store.journal.cursor(name, 2)).toBe(2)
    const texts = (await readAll(store.journal)).map((entry) => entry.text)
    expect(texts).toEqual(NAMES.filter((name) => name !== ''))
  })

  it.each(['state.mdb', 'state.mdb-lock'])('does not follow a link at %s', async (name) => {
    const target = join(dir, 'somebody-elses')
    const where = join(dir, 'store')
    await mkdir(where)
    await writeFile(target, 'theirs')
    await symlink(target, join(where, name))
    await expect(open(where)).rejects.toMatchObject(FAILS)
    expect(await readFile(target, 'utf8')).toBe('theirs')
    expect((await lstat(join(where, name))).isSymbolicLink()).toBe(true)
  })

  it('takes from others what they could read before', async () => {
    const where = join(dir, 'store')
    await open(where)
    await closeAll()
    await chmod(where, 0o755)
    await chmod(file(where), 0o666)
    await open(where)
    expect((await stat(where)).mode & 0o777).toBe(0o700)
    expect((await stat(file(where))).mode & 0o777).toBe(0o600)
  })
})
