import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { startClaimer } from '../support/claimers.ts'

let dir: string
const opened: SharedStore[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-store-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(dir, { recursive: true, force: true })
})

async function open(where = dir): Promise<SharedStore> {
  const store = await openEmbeddedStore({ dir: where, clock: systemClock })
  opened.push(store)
  return store
}

const CLAIM = { usesMax: 1, ttlMs: 60_000, expiresAt: Date.now() + 600_000 }

describe('the folder of the embedded store', () => {
  it('is nobody else’s, and neither are its files', async () => {
    const inner = join(dir, 'a', 'store')
    await open(inner)
    expect((await stat(inner)).mode & 0o777).toBe(0o700)
    for (const name of ['state.mdb', 'state.mdb-lock']) {
      expect((await stat(join(inner, name))).mode & 0o777).toBe(0o600)
    }
  })

  it.each([
    ['a file', (path: string) => writeFile(path, 'x')],
    ['a link', (path: string) => symlink(tmpdir(), path)],
    ['below a file', (path: string) => writeFile(join(path, '..'), 'x')],
  ])('cannot be %s', async (_, make) => {
    const path = join(dir, 'x')
    await make(path).catch(async () => {
      await rm(dir, { recursive: true })
      await writeFile(dir, 'x')
    })
    await expect(open(path)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('store.dir') as unknown,
    })
  })

  const isRoot = process.getuid?.() === 0
  it('has to be writable', async () => {
    const path = join(dir, 'x')
    if (isRoot) {
      // Root may write anywhere but here.
      await expect(open('/sys/modelgate-store')).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
      return
    }
    await mkdir(path)
    await chmod(dir, 0o500)
    await expect(open(join(path, 'y'))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await chmod(dir, 0o700)
  })
})

describe('a damaged file', () => {
  const file = () => join(dir, 'state.mdb')
  async function filled(): Promise<Buffer> {
    const store = await open()
    for (let i = 0; i < 200; i++) {
      await store.claim({ ...CLAIM, grant: `g${i}`, transfer: 't', attempt: 'a' })
    }
    await store.close()
    return readFile(file())
  }
  const FAILS = { code: 'ERR_STORE_UNAVAILABLE' }

  it('of noise, of a few bytes, or with a damaged beginning is not opened', async () => {
    const good = await filled()
    const noise = Buffer.alloc(65_536, 0xa5)
    const beginnings = [100, 4_096].map((at) => {
      const bytes = Buffer.from(good)
      bytes.fill(0xff, at, at + 60)
      return bytes
    })
    for (const bytes of [noise, noise.subarray(0, 100), ...beginnings]) {
      await writeFile(file(), bytes)
      await expect(open()).rejects.toMatchObject(FAILS)
    }
    await writeFile(file(), good)
    await open()
  })

  it('that was cut short, or is damaged in the middle, fails and ends no process', async () => {
    const good = await filled()
    const middle = Buffer.from(good)
    middle.fill(0, 8_192)
    await writeFile(file(), middle)
    await expect(open()).rejects.toMatchObject(FAILS)
    await writeFile(file(), good)
    await truncate(file(), 16_384)
    await expect(open()).rejects.toMatchObject(FAILS)
  })

  it.each([0x5a, 0x00, 0xff])(
    'with any page of %p is not opened, or has lost nothing, and ends no process',
    async (fill) => {
      const good = await filled()
      let damaged = 0
      for (let at = 8_192; at < good.length; at += 3 * 4_096) {
        const bytes = Buffer.from(good)
        bytes.fill(fill, at, at + 4_096)
        await writeFile(file(), bytes)
        await rm(`${file()}-lock`, { force: true })
        const store = await open().catch((error: unknown) => {
          expect(error).toMatchObject({
            ...FAILS,
            // A reader that waits for ever, instead of failing or going round, is given up.
            message: expect.stringMatching(/is damaged|could not be read in/) as unknown,
          })
        })
        if (store === undefined) damaged += 1
        // A page that nobody uses may hold anything.
        else expect(await usedOf(store)).toBe(200)
        await store?.close()
      }
      expect(damaged).toBeGreaterThan(2)
    },
    180_000,
  )

  async function usedOf(store: SharedStore): Promise<number> {
    let used = 0
    for (let i = 0; i < 200; i++) {
      const claim = { ...CLAIM, grant: `g${i}`, transfer: 'other', attempt: 'x' }
      const { granted } = await store.claim(claim)
      if (!granted) used += 1
    }
    return used
  }

  it('that is empty is a new one', async () => {
    await writeFile(file(), '')
    expect((await open()).healthy).toBe(true)
  })
})

describe('a process that is killed', () => {
  it('keeps no other from going on, and what it was given stays given', async () => {
    const store = await open()
    for (const name of ['a', 'b', 'c']) {
      const claimer = await startClaimer(dir, name, 0)
      claimer.begin()
      await claimer.gave(name === 'a' ? 1 : 0)
      const own = await store.claim({
        ...CLAIM,
        grant: `own ${name}`,
        transfer: 't',
        attempt: name,
      })
      expect(own).toMatchObject({ granted: true })
      claimer.kill()
      for (const grant of await claimer.given) {
        const claim = { ...CLAIM, grant: `grant ${grant}`, transfer: 'other', attempt: 'x' }
        expect(await store.claim(claim)).toEqual({ granted: false, why: 'spent' })
        const same = {
          ...CLAIM,
          grant: `grant ${grant}`,
          transfer: name,
          attempt: `${name} ${grant}`,
        }
        expect(await store.claim(same)).toMatchObject({ granted: true, resumed: false })
      }
      expect(store.healthy).toBe(true)
    }
  }, 60_000)
})
