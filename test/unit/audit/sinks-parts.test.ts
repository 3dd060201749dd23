import { describe, expect, it } from '@jest/globals'
import { compileFilter } from '../../../gateway/audit/sinks/filter.ts'
import { MASK, maskFields } from '../../../gateway/audit/sinks/mask.ts'
import { problemOf, type Outgoing } from '../../../gateway/audit/sinks/sink-port.ts'
import { syslogFrame } from '../../../gateway/audit/sinks/syslog-message.ts'

const decision = {
  type: 'decision',
  effect: 'deny',
  reason: 'no_rule',
  ip: '203.0.113.9',
  ops: [{ act: 'infer', res: 'model:a' }, { act: 'export' }],
  env: { ip: '203.0.113.9', geo: 'DE' },
}
const passes = (filter: Parameters<typeof compileFilter>[1], record: object = decision): boolean =>
  compileFilter('siem', filter)({ type: 'decision', ...record, record: { ...record } })

describe('a filter', () => {
  it.each([
    [{}, true],
    [{ types: ['decision'] }, true],
    [{ types: ['dec*'] }, true],
    [{ types: ['*'] }, true],
    [{ types: ['decision.*'] }, false],
    [{ types: ['export', 'log.*'] }, false],
    [{ effects: ['deny'] }, true],
    [{ effects: ['permit'] }, false],
    [{ actions: ['export'] }, true],
    [{ actions: ['read'] }, false],
    [{ reasons: ['no_rule'] }, true],
    [{ reasons: ['no_rule'], actions: ['read'] }, false],
  ])('%j lets a denied decision through: %s', (filter, expected) => {
    expect(passes(filter)).toBe(expected)
  })

  it('lets through that records of this sink are missing, not those of another', () => {
    const dropped = { type: 'sink.dropped', sink: 'siem' }
    expect(passes({ types: ['export'] }, dropped)).toBe(true)
    expect(passes({ types: ['export'] }, { ...dropped, sink: 'other' })).toBe(false)
  })

  it('does not parse a record of which only the type counts', () => {
    const candidate = {
      type: 'heartbeat',
      get record(): never {
        throw new Error('parsed')
      },
    }
    expect(compileFilter('siem', { types: ['heartbeat'] })(candidate)).toBe(true)
  })
})

describe('a mask', () => {
  it('replaces what it names, through objects and lists, and says what it replaced', () => {
    const masked = maskFields(decision, ['env.ip', 'ops.res', 'no.such', 'ip'], 'leaf=')
    expect(masked?.record).toEqual({
      ...decision,
      ip: MASK,
      env: { ip: MASK, geo: 'DE' },
      ops: [{ act: 'infer', res: MASK }, { act: 'export' }],
      masked: ['env.ip', 'ops.res', 'ip'],
      leaf: 'leaf=',
    })
    expect(JSON.parse(masked?.line ?? '')).toEqual(masked?.record)
    expect(decision.env.ip).toBe('203.0.113.9')
  })

  it('leaves a record alone that has none of its fields', () => {
    expect(maskFields(decision, ['sub', 'env.ip.x', 'constructor', '__proto__.x'], '')).toBe(
      undefined,
    )
  })

  it('masks what was cut for its length as a whole', () => {
    const path = { head: '/secret', cut: 9, sha256: 'x' }
    expect(maskFields({ path }, ['path'], '')?.record['path']).toBe(MASK)
  })
})

const sender = { facility: 13, host: 'gw1.example' }
const syslogOf = (record: Record<string, unknown>, type = 'decision'): string => {
  const outgoing = { seq: 1, hash: '', type, ts: '2026-11-21T12:00:00.123Z', boot: 'b-1', record }
  return syslogFrame({ ...outgoing, line: JSON.stringify(record) } satisfies Outgoing, sender)
}

describe('a syslog message', () => {
  it('is counted in octets and has the fields of RFC 5424', () => {
    expect(syslogOf({ effect: 'permit' })).toBe(
      '88 <110>1 2026-11-21T12:00:00.123Z gw1.example modelgate b-1 decision - {"effect":"permit"}',
    )
  })

  it('begins its text with a BOM when it is not ASCII, and counts bytes', () => {
    const frame = Buffer.from(syslogOf({ name: 'Jürg' }))
    const space = frame.indexOf(' ')
    expect(Number(frame.toString('latin1', 0, space))).toBe(frame.length - space - 1)
    expect(frame.toString('utf8')).toContain(' - \ufeff{"name":"Jürg"}')
  })

  it.each([
    ['decision', { effect: 'deny' }, 109],
    ['incident', {}, 106],
    ['log.degraded', {}, 107],
    ['clock.step', {}, 108],
    ['outcome', { effect: 'deny' }, 110],
    ['constructor', {}, 110],
  ])('of a %s %j has the priority %d', (type, record, priority) => {
    expect(syslogOf(record, type)).toContain(` <${priority}>1 `)
  })

  it('keeps names of machines and types within their bounds', () => {
    const record = {
      seq: 1,
      hash: '',
      type: 't'.repeat(64),
      ts: 'T',
      boot: 'b',
      record: {},
      line: '',
    }
    const host = 'bad host\n'.repeat(60)
    const [, , , name = '', , , id] = syslogFrame(record, { facility: 0, host }).split(' ')
    expect([name.length, id?.length]).toEqual([255, 32])
    expect(name).toMatch(/^[\x21-\x7e]+$/)
    expect(syslogFrame(record, { facility: 0, host: '' })).toContain(' T - modelgate ')
  })
})

describe('a problem', () => {
  it('tells the code of an error and nothing of its text', () => {
    const error = Object.assign(new Error('https://user:secret@host'), { code: 'ECONNREFUSED' })
    expect(problemOf(error).why).toBe('ECONNREFUSED')
    expect(problemOf(error).message).not.toContain('secret')
    expect(problemOf(Object.assign(new Error('x'), { code: 'a secret' })).why).toBe('failed')
    expect(problemOf(undefined).why).toBe('failed')
  })
})
