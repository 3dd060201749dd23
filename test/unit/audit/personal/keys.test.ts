import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import {
  destroyKeyOf,
  erasedKeys,
  makeKeyOf,
  prepareKeys,
  readKeyById,
  readKeyOf,
} from '../../../../gateway/audit/personal/key-files.ts'
import { openKeyRing } from '../../../../gateway/audit/personal/key-ring.ts'
import {
  fakeSchedule,
  newDirectory,
  NOON,
  removeDirectories,
} from '../../../support/audit-harness.ts'

afterAll(removeDirectories)

const ALICE = 'user:corp/alice'

function keysIn() {
  const dir = newDirectory()
  prepareKeys(dir, undefined)
  return dir
}

describe('the key of a person', () => {
  it('is found by the subject and by its id, in files that only their owner reads', () => {
    const dir = keysIn()
    const key = makeKeyOf(dir, ALICE)
    expect(readKeyOf(dir, ALICE)).toEqual(key)
    expect(readKeyById(dir, key.kid)).toEqual(key)
    expect(statSync(join(dir, 'id', key.kid)).mode & 0o777).toBe(0o600)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    const all =
      readdirSync(dir, { recursive: true }).join() + readFileSync(join(dir, 'id', key.kid), 'utf8')
    expect(all).not.toContain('alice')
  })

  it('is the first one for all processes that make it at once', () => {
    const dir = keysIn()
    const first = makeKeyOf(dir, ALICE)
    expect(makeKeyOf(dir, ALICE)).toEqual(first)
    expect(readdirSync(join(dir, 'id'))).toEqual([first.kid])
  })

  it('is overwritten before its names go, and is on the list of those that are gone', () => {
    const dir = keysIn()
    const { kid } = makeKeyOf(dir, ALICE)
    const kept = join(dir, 'kept')
    linkSync(join(dir, 'id', kid), kept)
    expect(destroyKeyOf(dir, ALICE, NOON)).toBe(kid)
    expect(readFileSync(kept).every((byte) => byte === 0)).toBe(true)
    expect(readKeyOf(dir, ALICE)).toBeUndefined()
    expect(readKeyById(dir, kid)).toBeUndefined()
    expect(erasedKeys(dir)).toEqual(new Set([kid]))
    expect(destroyKeyOf(dir, ALICE, NOON)).toBeUndefined()
    expect(makeKeyOf(dir, ALICE).kid).not.toBe(kid)
  })

  it('whose destruction broke off is destroyed by the next one', () => {
    const dir = keysIn()
    const { kid } = makeKeyOf(dir, ALICE)
    linkSync(join(dir, 'id', kid), join(dir, 'erasing', kid))
    destroyKeyOf(dir, 'user:corp/bob', NOON)
    expect(existsSync(join(dir, 'id', kid))).toBe(false)
    expect(erasedKeys(dir).has(kid)).toBe(true)
  })

  it.each(['../../secret', `${'A'.repeat(21)}/`, '', 'A'.repeat(23)])(
    'is not looked for under a name that a record made up: %j',
    (kid) => {
      expect(readKeyById(keysIn(), kid)).toBeUndefined()
    },
  )
})

describe('a directory of keys', () => {
  it('is refused when others can read it, or a key in it', () => {
    const dir = keysIn()
    const { kid } = makeKeyOf(dir, ALICE)
    chmodSync(join(dir, 'id', kid), 0o640)
    expect(() => readKeyOf(dir, ALICE)).toThrow('mode 0600')
    chmodSync(dir, 0o755)
    expect(() => prepareKeys(dir, undefined)).toThrow('mode 0700')
  })

  it('is refused when it is of somebody else', () => {
    expect(() => prepareKeys(keysIn(), 4_242)).toThrow('belongs to uid')
  })

  it('does not follow links', () => {
    const dir = keysIn()
    const { kid } = makeKeyOf(dir, ALICE)
    const other = 'B'.repeat(22)
    symlinkSync(join(dir, 'id', kid), join(dir, 'id', other))
    expect(() => readKeyById(dir, other)).toThrow('cannot be read')
  })
})

describe('the keys of a running gateway', () => {
  it('are kept in memory, the file system is asked for strangers alone', async () => {
    const dir = keysIn()
    const ring = await openKeyRing({ dir, schedule: fakeSchedule().schedule, keysMax: 1 })
    const first = ring.keyOf(ALICE)
    expect(ring.keyOf(ALICE)).toBe(first)
    ring.keyOf('user:corp/bob')
    expect(ring.keyOf(ALICE)).not.toBe(first)
    expect(ring.keyOf(ALICE)).toEqual(first)
    ring.close()
  })

  it('are given up once they were destroyed, and that is told once', async () => {
    const dir = keysIn()
    const erased: string[] = []
    const { schedule } = fakeSchedule()
    const ring = await openKeyRing({ dir, schedule, onErased: (kid) => erased.push(kid) })
    const { kid, key } = ring.keyOf(ALICE)
    destroyKeyOf(dir, ALICE, NOON)
    expect(ring.keyOf(ALICE).kid).toBe(kid)
    await ring.refresh()
    expect(erased).toEqual([kid])
    expect(key.every((byte) => byte === 0)).toBe(true)
    expect(ring.keyOf(ALICE).kid).not.toBe(kid)
    await ring.refresh()
    expect(erased).toEqual([kid])
    ring.close()
  })

  it('are all looked for again when the list of destroyed ones was replaced or cannot be read', async () => {
    const dir = keysIn()
    makeKeyOf(dir, 'user:corp/bob')
    destroyKeyOf(dir, 'user:corp/bob', NOON)
    const errors: Error[] = []
    const { schedule } = fakeSchedule()
    const ring = await openKeyRing({ dir, schedule, onError: (error) => errors.push(error) })
    const held = ring.keyOf(ALICE)
    writeFileSync(join(dir, 'erased'), '')
    await ring.refresh()
    expect(ring.keyOf(ALICE)).not.toBe(held)
    expect(errors).toEqual([])
    ring.close()
  })
})
