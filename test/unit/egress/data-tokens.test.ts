import { describe, expect, it } from '@jest/globals'
import { createDataTokens, readTokenKey } from '../../../gateway/egress/tokens/data-tokens.ts'
import { DATA_KEY, TOKENS } from '../../support/classes.ts'

const value = { kind: 'string', text: 'alice@example.org' } as const
const token = TOKENS.tokenFor('dataset:people', 'contact', value) ?? ''

describe('a token', () => {
  it('is the same for the same value, class and dataset, and for nothing else', () => {
    expect(TOKENS.tokenFor('dataset:people', 'contact', value)).toBe(token)
    expect(TOKENS.tokenFor('dataset:other', 'contact', value)).not.toBe(token)
    expect(TOKENS.tokenFor('dataset:people', 'name', value)).not.toBe(token)
    const number = TOKENS.tokenFor('dataset:people', 'contact', { kind: 'json', text: '12' })
    const text = TOKENS.tokenFor('dataset:people', 'contact', { kind: 'string', text: '12' })
    expect(number).not.toBe(text)
    expect(token).toMatch(/^mgt1\.[A-Za-z0-9_-]+$/)
    expect(token).not.toContain('alice')
  })

  it('does not tell the length of what is short', () => {
    const lengths = ['', 'm', 'female', 'x'.repeat(20)].map(
      (text) => TOKENS.tokenFor('dataset:people', 'contact', { kind: 'string', text })?.length,
    )
    expect(new Set(lengths).size).toBe(1)
    for (const text of ['', '\0', 'a\0\0', '\u0080', '\u0080\0', 'x'.repeat(65_536)]) {
      const one = TOKENS.tokenFor('dataset:people', 'contact', { kind: 'string', text }) ?? ''
      expect(TOKENS.reveal('dataset:people', one)?.text).toBe(text)
    }
  })

  it('comes back with its class, under the same key', () => {
    const back = TOKENS.reveal('dataset:people', token)
    expect(back).toEqual({ ...value, dataClass: 'contact' })
    const other = createDataTokens(() => 'ff'.repeat(32))
    expect(other.reveal('dataset:people', token)).toBeUndefined()
  })

  it('is none when any bit of it is another, or it is of another dataset', () => {
    expect(TOKENS.reveal('dataset:other', token)).toBeUndefined()
    const bytes = Buffer.from(token.slice(5), 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const forged = Buffer.from(bytes)
      forged[at] = (forged[at] ?? 0) ^ 1
      expect(
        TOKENS.reveal('dataset:people', `mgt1.${forged.toString('base64url')}`),
      ).toBeUndefined()
    }
    for (const text of ['', 'mgt1.', 'mgt1.AAAA', `${token}=`, `${token}A`, ` ${token}`, 'x']) {
      expect(TOKENS.reveal('dataset:people', text)).toBeUndefined()
    }
  })

  it('is made with the key of that moment', () => {
    let key: string | undefined
    const tokens = createDataTokens(() => key)
    expect(tokens.ready).toBe(false)
    expect(tokens.tokenFor('dataset:people', 'contact', value)).toBeUndefined()
    key = DATA_KEY
    expect(tokens.tokenFor('dataset:people', 'contact', value)).toBe(token)
    key = 'ab'.repeat(32)
    expect(tokens.tokenFor('dataset:people', 'contact', value)).not.toBe(token)
  })

  it('needs 32 bytes, in hex or base64', () => {
    expect(readTokenKey(DATA_KEY)?.length).toBe(32)
    expect(readTokenKey(Buffer.alloc(32, 7).toString('base64'))?.length).toBe(32)
    for (const text of ['ab'.repeat(31), Buffer.alloc(31).toString('base64'), 'not a key!', '']) {
      expect(readTokenKey(text)).toBeUndefined()
    }
  })
})
