import { describe, expect, it } from '@jest/globals'
import { conditionWords, whenWords } from '../../../../gateway/pdp/analysis/condition-words.ts'
import { parseExpression } from '../../../../gateway/pdp/policy/expression.ts'
import { analysed } from '../../../support/analysis.ts'

const CONDITIONS = `
conditions:
  office: { kind: time, zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], hours: 08:00-18:00 }
  weekend: { kind: time, zone: UTC, days: [sat, sun, mon] }
  some: { kind: time, zone: UTC, days: [mon, wed], from: 2026-11-01 }
  net: { kind: network, cidrs: [10.0.0.0/8, 'fd00::/8'] }
  dev: { kind: device, managed: true, encrypted: true, max_age: 15m }
  mfa: { kind: mfa, required: true, max_age: 1h }
  tok: { kind: token, issuers: [ci], claims: { ref: main } }
  res: { kind: resource, classification: [restricted], tags_any: [a, b] }
  app: { kind: approval, count: 2, from: ['group:owners', 'group:security'] }
`
const rules = await analysed({
  policy: 'p, role:r, read, *, always, allow\n',
  conditions: CONDITIONS,
})
const specOf = (name: string) => rules.definitions.get(name)?.spec

describe('conditions in words', () => {
  it.each([
    ['office', 'Monday to Friday, 08:00-18:00 Europe/Berlin time'],
    ['weekend', 'Saturday to Monday UTC time'],
    ['some', 'Monday and Wednesday UTC time, from 2026-11-01 on'],
    ['net', 'from 10.0.0.0/8 or fd00::/8'],
    ['dev', 'on a device that is managed and encrypted, assessed within 15 min'],
    ['mfa', 'with a second factor, authenticated within 1 h'],
    ['tok', 'with a token of ci, with the claim ref equal to main'],
    ['res', 'for a resource whose classification is restricted and that has the tag a or b'],
    ['app', 'approved by 2 people of group:owners or group:security other than the caller'],
  ])('%s', (name, words) => {
    const spec = specOf(name)
    expect(spec === undefined ? '' : conditionWords(spec)).toBe(words)
  })

  it.each([
    [
      'net & mfa',
      'from 10.0.0.0/8 or fd00::/8, and with a second factor, authenticated within 1 h',
    ],
    ['!net', 'not (from 10.0.0.0/8 or fd00::/8)'],
    [
      '(net | tok) & app',
      '(from 10.0.0.0/8 or fd00::/8, or with a token of ci, with the claim ref equal to main), and app',
    ],
  ])('%s', (text, words) => {
    const parsed = parseExpression(text)
    expect(parsed.ok ? whenWords(parsed.value, specOf) : '').toBe(words)
  })
})
