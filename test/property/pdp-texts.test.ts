/** Readers and matchers on random and hostile text: they agree with a reference, and they end. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { globMatches } from '../../gateway/domain/glob.ts'
import { inNetwork, ipText, parseIp, parseNetwork } from '../../gateway/domain/network.ts'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import { expressionText, parseExpression } from '../../gateway/pdp/policy/expression.ts'
import { parsePolicy } from '../../gateway/pdp/policy/policy-csv.ts'
import { parseResourcePattern } from '../../gateway/pdp/policy/resource-pattern.ts'
import { createAddressResolver } from '../../gateway/pip/client-address.ts'
import { createPostureReader } from '../../gateway/pip/device-posture.ts'
import { headersOf } from '../support/policy.ts'

const few = (...letters: string[]) =>
  fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((a) => a.join(''))

describe('globs', () => {
  it('mean what a regex of theirs means', () => {
    fc.assert(
      fc.property(few('a', 'b', '.', '*'), few('a', 'b', '.', '\n', '*'), (glob, text) => {
        const escaped = glob.replaceAll('.', '\\.').replaceAll('*', '[^]*')
        expect(globMatches(glob, text)).toBe(new RegExp(`^${escaped}$`).test(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('end at once on what hangs others', () => {
    const before = performance.now()
    for (const glob of ['*a'.repeat(128), '*'.repeat(256), '*aa'.repeat(80) + 'b']) {
      expect(globMatches(glob, 'a'.repeat(512))).toBe(!glob.endsWith('b'))
    }
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})

describe('readers', () => {
  it('never throw, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        parseExpression(text)
        parseResourcePattern(text)
        const policy = parsePolicy({ file: 'f', text }, new Set())
        expect(policy.ok).toBe(false)
        const network = parseNetwork(text)
        expect('problem' in network || network.text === text).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('read an expression back from its own spelling', () => {
    const text = few('a', 'b', '&', '|', '!', '(', ')', ' ')
    fc.assert(
      fc.property(text, (source) => {
        const first = parseExpression(source)
        if (!first.ok) return
        const spelled = expressionText(first.value)
        const second = parseExpression(spelled)
        expect(second.ok && expressionText(second.value)).toBe(spelled)
      }),
      { numRuns: 5000 },
    )
  })

  it('of headers answer or refuse, and only ever with an address', () => {
    const options = { trustedProxies: ['10.0.0.0/8'] }
    const address = createAddressResolver({ ...options, headerKind: 'forwarded' })
    const plain = createAddressResolver({ ...options, headerKind: 'x-forwarded-for' })
    const posture = createPostureReader(options)
    const piece = fc.constantFrom(
      'for=',
      '"',
      ',',
      ';',
      '10.0.0.1',
      '[::1]',
      '=',
      ' ',
      '?1',
      'os',
      ':',
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((a) => a.join('')),
      fc.string({ unit: 'binary-ascii', maxLength: 300 }),
    )
    fc.assert(
      fc.property(text, (value) => {
        for (const resolve of [address, plain]) {
          const headers = headersOf('forwarded', value, 'x-forwarded-for', value)
          const result = resolve('10.0.0.1', headers)
          if (!isRefusal(result)) expect(parseIp(result.ip)).toBeDefined()
        }
        posture({ peer: '10.0.0.1', peerNames: [] }, headersOf('x-device-posture', value), 0)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('addresses', () => {
  it('keep their value through their canonical text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = parseIp(text)
        if (ip === undefined) throw new Error(text)
        expect(parseIp(ipText(ip))).toEqual(ip)
        expect(ipText(ip)).toBe(ipText(ip).toLowerCase())
      }),
      { numRuns: 2000 },
    )
  })

  it('lie in a network exactly when their leading bits are its own', () => {
    const number = fc.nat({ max: 0xffff_ffff })
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 32 }), (a, b, prefix) => {
        const shift = 2 ** (32 - prefix)
        const base = Math.floor(a / shift) * shift
        const dotted = (n: number) => [24, 16, 8, 0].map((bits) => (n >>> bits) & 255).join('.')
        const network = parseNetwork(`${dotted(base)}/${prefix}`)
        const ip = parseIp(dotted(b))
        if ('problem' in network || ip === undefined) throw new Error('unreadable')
        expect(inNetwork(network, ip)).toBe(Math.floor(a / shift) === Math.floor(b / shift))
      }),
      { numRuns: 2000 },
    )
  })
})
