import { describe, expect, it } from '@jest/globals'
import { parseConditions } from '../../../gateway/pdp/conditions/condition-set.ts'
import { requestOf } from '../../support/policy.ts'

const parse = (text: string) => parseConditions({ file: 'conditions.yaml', text })

/** `line:column code: message` of what is wrong, and of what is warned of. */
function findings(text: string): string[] {
  const loaded = parse(text)
  const found = loaded.ok ? loaded.warnings : loaded.diagnostics
  return found.map((d) => `${d.line}:${d.column} ${d.code}: ${d.message} | ${d.remedy}`)
}

describe('zones', () => {
  const text = `conditions:
  inside:
    kind: network
    zones: [office, home]
    cidrs: [192.0.2.7/32]
  at-home: { kind: network, zones: [home] }
zones:
  office: [10.0.0.0/8, 10.1.0.0/16, "2001:db8::/32"]
  home:
    description: People's own networks.
    cidrs: [198.51.100.0/24]
`
  const truth = (name: string, ip: string) => {
    const loaded = parse(text)
    if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
    const environment = { client: { ip, source: 'peer' } as const }
    return loaded.value.get(name).test(requestOf('read model:x', { environment }))
  }

  it.each([
    ['inside', '10.1.2.3', 'true'],
    ['inside', '10.200.0.1', 'true'],
    ['inside', '::ffff:10.1.2.3', 'true'],
    ['inside', '2001:db8::1', 'true'],
    ['inside', '198.51.100.9', 'true'],
    ['inside', '192.0.2.7', 'true'],
    ['inside', '192.0.2.8', 'false'],
    ['inside', '11.0.0.0', 'false'],
    ['at-home', '10.1.2.3', 'false'],
    ['at-home', 'nonsense', 'unknown'],
  ])('%s of %s is %s', (name, ip, expected) => expect(truth(name, ip).truth).toBe(expected))

  it('are named in what is said', () => {
    expect(truth('inside', '11.0.0.0').detail).toBe(
      'the client address is outside office, home, 192.0.2.7/32',
    )
  })

  it('that do not exist are an error where they are named', () => {
    expect(findings(text.replace('[office, home]', '[office, hom]'))).toEqual([
      '4:21 unknown-zone: no zone is named `hom` | Did you mean `home`?',
    ])
    expect(findings('conditions:\n  a: { kind: network, zones: [x] }\n')).toEqual([
      '2:31 unknown-zone: no zone is named `x` | ' +
        'Define it at the top of this file, as in `zones: { office: [10.0.0.0/8] }`.',
    ])
    const prototype = 'conditions: { a: { kind: network, zones: [constructor] } }'
    expect(findings(prototype)[0]).toMatch(/^1:43 unknown-zone/)
  })

  it('that nothing uses are warned of', () => {
    const unused = `${text}  lab: [203.0.113.0/24]\n`
    expect(findings(unused)).toEqual([
      '12:8 unused-zone: no condition uses the zone `lab` | Remove it, or use it in a condition.',
    ])
  })

  it.each([
    ['zones: { a: [10.0.0.1/8] }', /1:14 .*host bits set; write 10\.0\.0\.0\/8/],
    ['zones: { a: { cidrs: [10.0.0.0/33] } }', /1:23 .*prefix length from 1 to 32/],
    ['zones: { a: { cidr: [10.0.0.0/8] } }', /1:15 unknown-key: .*Did you mean `cidrs`/],
    ['zones: { a: [] }', /1:13 .*Too small/],
    ['zones: { a: 10.0.0.0/8 }', /1:13 .*expected a list of networks/],
    ['zones: { A: [10.0.0.0/8] }', /names are up to 64 lower-case letters/],
    ['calendars: { a: [2026-02-30] }', /1:18 .*this date does not exist/],
    ['calendars: { a: [2026-12-25, 2026-12-26, 2026-12-25] }', /1:42 .*in the list twice/],
    ['calendars: { a: [{ date: 2026-13-01 }] }', /1:26 .*does not exist/],
    ['calendars: { a: { dates: [25.12.2026] } }', /1:27 .*expected a date such as/],
  ])('%s is refused where it is written', (definitions, expected) => {
    expect(findings(`${definitions}\nconditions: {}\n`).join('\n')).toMatch(expected)
  })
})

describe('calendars', () => {
  it('that do not exist are an error, whether one is named or a list', () => {
    const text = `conditions:
  a: { kind: time, zone: UTC, except: holiday }
  b: { kind: time, zone: UTC, only: [2026-12-24, holidy] }
calendars: { holidays: [2026-12-25] }
`
    expect(findings(text)).toEqual([
      '2:39 unknown-calendar: no calendar is named `holiday` | Did you mean `holidays`?',
      '3:50 unknown-calendar: no calendar is named `holidy` | Did you mean `holidays`?',
      '4:24 unused-calendar: no condition uses the calendar `holidays` | ' +
        'Remove it, or use it in a condition.',
    ])
  })
})

describe('many networks', () => {
  it('are found in few steps, and none is found that is not there', () => {
    const cidrs = Array.from({ length: 60_000 }, (_, i) => `11.${i >> 8}.${i & 255}.128/25`)
    const text = JSON.stringify({
      zones: { all: cidrs },
      conditions: { c: { kind: 'network', zones: ['all'] } },
    })
    const loaded = parse(text)
    if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
    const { test } = loaded.value.get('c')
    const at = (ip: string) =>
      test(requestOf('read model:x', { environment: { client: { ip, source: 'peer' } } })).truth
    const before = performance.now()
    let wrong = 0
    for (let i = 0; i < 60_000; i++) {
      const isInside = i % 2 === 0
      const found = at(`11.${i >> 8}.${i & 255}.${isInside ? 200 : 100}`)
      if (found !== (isInside ? 'true' : 'false')) wrong += 1
    }
    expect(wrong).toBe(0)
    // One after another they would take minutes.
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})
