import { describe, expect, it } from '@jest/globals'
import { scanJson } from '../../../gateway/authn/json-scan.ts'
import { IN_ONE_PASS, timesAsLong } from '../../support/growth.ts'

const BOUNDS = { depthMax: 4, membersMax: 20 }
const fault = (text: string): string => {
  const scanned = scanJson(text, BOUNDS)
  return scanned.ok ? 'ok' : scanned.fault
}

describe('scanJson', () => {
  it('accepts what means one thing', () => {
    for (const text of ['{}', '[]', '"a"', '1', '{"a":{"a":1},"b":[{"a":1},{"a":2}]}']) {
      expect(fault(text)).toBe('ok')
    }
    expect(scanJson('{"a":"{\\"a\\":1,\\"a\\":2}"}', BOUNDS)).toEqual({
      ok: true,
      value: { a: '{"a":1,"a":2}' },
    })
  })

  it('finds repeated names at any depth, however they are escaped', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{"b":[{"a":1,"a":2}]}',
      '{"":1,"":2}',
      '{"__proto__":1,"__proto__":2}',
      '{"a\\"":1,"a\\u0022":2}',
      '{"a":[1,2],"a":2}',
      '{"a":{},"a":2}',
    ]) {
      expect(fault(text)).toBe('duplicate')
    }
  })

  it('keeps a member called __proto__ an own member', () => {
    const scanned = scanJson('{"__proto__":{"admin":true}}', BOUNDS)
    const value = scanned.ok ? (scanned.value as object) : {}
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect((value as { admin?: unknown }).admin).toBeUndefined()
  })

  it('is bounded in depth and members, exactly', () => {
    expect(fault('[[[[]]]]')).toBe('ok')
    expect(fault('[[[[[]]]]]')).toBe('depth')
    expect(fault(`[${'1,'.repeat(19)}1]`)).toBe('ok')
    expect(fault(`[${'1,'.repeat(20)}1]`)).toBe('members')
  })

  it('takes one pass over 200,000 brackets and over unclosed text', () => {
    const scan = (count: number) => () => {
      expect(fault('['.repeat(count))).toBe('depth')
      expect(fault(`${'['.repeat(4)}"${'\\\\'.repeat(count)}`)).toBe('syntax')
      expect(fault(']'.repeat(count))).toBe('syntax')
    }
    expect(timesAsLong(scan(200_000), scan(20_000))).toBeLessThan(IN_ONE_PASS)
  })

  it('refuses broken text and numbers past the range of a double', () => {
    for (const text of ['', '{', '{"a"}', '{"a":1,}', '{a:1}', "{'a':1}", '"\\x"', '{"\\x":1}']) {
      expect(fault(text)).toBe('syntax')
    }
    for (const text of ['1e999', '[-1e999]', '{"a":NaN}']) expect(fault(text)).toBe('syntax')
  })
})
