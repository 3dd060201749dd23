import { afterAll, describe, expect, it } from '@jest/globals'
import { createProtect } from '../../../../gateway/audit/personal/protect.ts'
import { createReveal } from '../../../../gateway/audit/personal/reveal.ts'
import {
  destroyKeyOf,
  makeKeyOf,
  prepareKeys,
} from '../../../../gateway/audit/personal/key-files.ts'
import type { StoredRecord } from '../../../../gateway/audit/read/query.ts'
import { newDirectory, NOON, removeDirectories } from '../../../support/audit-harness.ts'

afterAll(removeDirectories)

const LOG = 'test/audit/n1'
const FIELDS = ['sub', 'email', 'name', 'ip']

function world(fields: readonly string[] = FIELDS) {
  const dir = newDirectory()
  prepareKeys(dir, undefined)
  const asked: string[] = []
  const keyOf = (person: string) => {
    asked.push(person)
    return known.get(person) ?? remember(person)
  }
  const known = new Map<string, ReturnType<typeof makeKeyOf>>()
  const remember = (person: string) => {
    const key = makeKeyOf(dir, person)
    known.set(person, key)
    return key
  }
  const protect = createProtect({ keyOf }, fields)
  /** As a reader gets it back from the disk. */
  const write = (record: Record<string, never> | object, seq = 3): StoredRecord => {
    const place = { log: LOG, seq, at: NOON }
    const { fields: written } = protect({ type: 'decision', fields: { ...record } }, place)
    return JSON.parse(JSON.stringify({ log: LOG, seq, ...written })) as StoredRecord
  }
  return { dir, asked, known, write }
}

const DECISION = {
  id: 'd-1',
  sub: 'user:corp/alice',
  effect: 'permit',
  claims: { email: 'alice@example.com', team: 'risk' },
  ip: '203.0.113.7',
  env: { mfa: true, approvals: [{ by: 'user:corp/bob', at: 1 }] },
}

describe('what is personal in a record', () => {
  it('is not in it any more, and comes back with the keys', () => {
    const { dir, write } = world()
    const record = write(DECISION)
    const text = JSON.stringify(record)
    for (const secret of ['alice', 'bob', '203.0.113.7']) expect(text).not.toContain(secret)
    expect(record).toMatchObject({ id: 'd-1', effect: 'permit', claims: { team: 'risk' } })
    expect(createReveal(dir).record(record)).toEqual({ log: LOG, seq: 3, ...DECISION })
  })

  it('is under the key of whom it is about: an approver is erased alone', () => {
    const { dir, write } = world()
    const record = write(DECISION)
    destroyKeyOf(dir, 'user:corp/bob', NOON)
    const read = createReveal(dir).record(record)
    expect(read).toMatchObject({
      sub: 'user:corp/alice',
      env: { approvals: [{ by: null, at: 1 }] },
      enc: [{ erased: true }],
    })
  })

  it('of somebody who is not known is under a key of the day', () => {
    const { dir, asked, write } = world()
    const record = write({ id: 'd', ip: '203.0.113.7' })
    expect(asked).toEqual(['anonymous:2026-11-21'])
    expect(createReveal(dir).record(record)).toMatchObject({ ip: '203.0.113.7' })
  })

  it('covers operators and those who were let in again, wherever they are named', () => {
    const { dir, asked, write } = world()
    const fields = { by: ['user:corp/op', 'modelgate'], of: 'user:corp/eve', why: 'by mistake' }
    const record = write(fields)
    expect(record).toMatchObject({ by: [null, 'modelgate'], why: 'by mistake' })
    expect(asked).toEqual(['user:corp/op', 'user:corp/eve'])
    expect(createReveal(dir).record(record)).toMatchObject(fields)
  })

  it('is what the configuration names, by path too', () => {
    const { write } = world(['ip', 'env.country', 'claims.team'])
    const record = write({ ...DECISION, env: { country: { code: 'DE' }, mfa: true } })
    expect(record).toMatchObject({ sub: 'user:corp/alice', env: { mfa: true } })
    expect(JSON.stringify(record)).not.toMatch(/"risk"|"DE"|203\.0/)
  })

  it('leaves a record without any as it is, and makes no key for it', () => {
    const { asked, write } = world()
    expect(write({ id: 'd', status: 200 })).toEqual({ log: LOG, seq: 3, id: 'd', status: 200 })
    expect(asked).toEqual([])
  })

  it('may be long: it is not cut', () => {
    const { dir, write } = world(['groups'])
    const groups = Array.from({ length: 900 }, (_, at) => `group-${at}`)
    const record = write({ sub: 'user:corp/alice', groups })
    const [entry] = record['enc'] as { ct: string[] }[]
    expect(Math.max(...(entry?.ct ?? []).map((one) => one.length))).toBeLessThanOrEqual(4_096)
    expect(createReveal(dir).record(record)).toMatchObject({ groups })
  })
})

describe('an encrypted entry', () => {
  it('says nothing of who it is: key ids are random, and differ in every record of others', () => {
    const { write } = world()
    const [one] = write({ sub: 'user:corp/alice' })['enc'] as { kid: string; iv: string }[]
    const [two] = write({ sub: 'user:corp/alice' }, 4)['enc'] as { kid: string; iv: string }[]
    expect(one?.kid).toBe(two?.kid)
    expect(one?.iv).not.toBe(two?.iv)
    const [other] = world().write({ sub: 'user:corp/alice' })['enc'] as { kid: string }[]
    expect(other?.kid).not.toBe(one?.kid)
  })

  it.each([
    ['moved to another record', (record: StoredRecord) => ({ ...record, seq: 4 })],
    ['moved to another log', (record: StoredRecord) => ({ ...record, log: 'test/audit/n2' })],
  ])('does not open when it was %s', (_what, change) => {
    const { dir, write } = world()
    const record = change(write({ sub: 'user:corp/alice' }))
    expect(createReveal(dir).record(record)).toEqual(record)
  })

  it.each([
    [[{ kid: '../../../etc/passwd-xxxxx', iv: '', ct: '' }]],
    [[{ kid: 'A'.repeat(22), iv: 'AAAA', ct: '' }]],
    [[null, 7, 'x', { kid: 3 }]],
    ['text'],
  ])('that is none stays what it is: %j', (enc) => {
    const { dir } = world()
    const record = { log: LOG, seq: 1, enc }
    const read = createReveal(dir).record(record)
    expect(read['log']).toBe(LOG)
    expect(read).not.toHaveProperty('sub')
  })

  it('puts back no more than words: a claim called __proto__', () => {
    const { dir, write } = world(['claims.__proto__', 'sub'])
    const claims = JSON.parse('{"__proto__": {"admin": true}}') as object
    const read = createReveal(dir).record(write({ sub: 'user:corp/alice', claims }))
    expect(JSON.stringify(read['claims'])).toBe('{"__proto__":{"admin":true}}')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})
