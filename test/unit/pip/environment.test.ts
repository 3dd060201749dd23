import { describe, expect, it } from '@jest/globals'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { DevicePosture, Subject } from '../../../gateway/domain/subject.ts'
import { createPostureReader } from '../../../gateway/pip/device-posture.ts'
import { createEnvironmentGatherer } from '../../../gateway/pip/environment.ts'
import { loadResources } from '../../../gateway/pip/resources.ts'
import { headersOf, subjectOf, WORKDAY } from '../../support/policy.ts'

const MINUTE_MS = 60_000

const gather = createEnvironmentGatherer({
  readPosture: createPostureReader({ trustedProxies: ['10.0.0.0/8'] }),
  postureAgeMaxMs: 15 * MINUTE_MS,
})

const CLIENT = { ip: '203.0.113.9', source: 'forwarded' } as const

function request(posture: string, more: { peer?: string; subject?: Subject } = {}) {
  const headers = headersOf('x-device-posture', posture)
  const peer = { peer: '10.0.0.1', peerNames: [] }
  return { now: WORKDAY, client: CLIENT, headers, subject: subjectOf(), ...peer, ...more }
}

describe('the environment of a request', () => {
  it('is time, client and posture in one snapshot', () => {
    expect(gather(request('managed=?1'))).toEqual({
      now: WORKDAY,
      client: CLIENT,
      device: { managed: true, source: 'trusted-hop' },
    })
  })

  it('leaves out what nobody vouches for', () => {
    const untrusted = request('managed=?1', { peer: '198.51.100.1' })
    expect(gather(untrusted)).toEqual({ now: WORKDAY, client: CLIENT })
  })

  it('takes the posture of the token first, and does not mix', () => {
    const subject = subjectOf({ device: { compliant: false, source: 'token' } })
    expect(gather(request('managed=?1', { subject }))).toEqual({
      now: WORKDAY,
      client: CLIENT,
      device: { compliant: false, source: 'token' },
    })
  })

  it('takes a signed assertion before everything else, and refuses one that does not hold', () => {
    const subject = subjectOf({ device: { compliant: true, source: 'token' } })
    const asked = request('managed=?1', { subject })
    const gatherWith = (device: DevicePosture | Refusal | undefined) =>
      createEnvironmentGatherer({
        readPosture: createPostureReader({ trustedProxies: ['10.0.0.0/8'] }),
        postureAgeMaxMs: 15 * MINUTE_MS,
        readAssertion: () => device,
      })(asked)
    const device = { compliant: false, assessedAt: WORKDAY, source: 'assertion' } as const
    expect(gatherWith(device)).toHaveProperty('device', device)
    expect(gatherWith(undefined)).toHaveProperty('device.source', 'token')
    expect(gatherWith(refuse('posture_invalid'))).toHaveProperty('reason', 'posture_invalid')
    const old = { ...device, assessedAt: WORKDAY - 16 * MINUTE_MS }
    expect(gatherWith(old)).not.toHaveProperty('device')
  })

  it('knows nothing of a device that was assessed too long ago', () => {
    const assessed = (ago: number): string => `managed, assessed_at=${(WORKDAY - ago) / 1000}`
    expect(gather(request(assessed(15 * MINUTE_MS)))).toHaveProperty('device.managed', true)
    expect(gather(request(assessed(16 * MINUTE_MS)))).toEqual({ now: WORKDAY, client: CLIENT })
  })

  it('names the device to locks however old its posture is, whatever its source', () => {
    const old = WORKDAY - 16 * MINUTE_MS
    const stale = gather(request(`managed, id="laptop-7", assessed_at=${old / 1_000}`))
    expect(stale).toEqual({ now: WORKDAY, client: CLIENT, devices: ['laptop-7'] })
    const device = { id: 'laptop-7', managed: true, assessedAt: old, source: 'token' } as const
    const told = gather(request('', { peer: '198.51.100.1', subject: subjectOf({ device }) }))
    expect(told).toEqual({ now: WORKDAY, client: CLIENT, devices: ['laptop-7'] })
  })

  it('names every device it is told of: a stronger source hides no weaker one from locks', () => {
    const device = { compliant: true, source: 'token' } as const
    const subject = subjectOf({ device })
    expect(gather(request('id="laptop-7"', { subject }))).toMatchObject({
      device,
      devices: ['laptop-7'],
    })
    const named = subjectOf({ device: { ...device, id: 'phone-1' } })
    expect(gather(request('id="laptop-7"', { subject: named }))).toMatchObject({
      device: { id: 'phone-1' },
      devices: ['phone-1', 'laptop-7'],
    })
    expect(gather(request('id="x"', { subject, peer: '198.51.100.1' }))).not.toHaveProperty(
      'devices',
    )
  })

  it('is a refusal when a hop is ambiguous beside a posture of the token', () => {
    const subject = subjectOf({ device: { compliant: true, source: 'token' } })
    expect(gather(request('x', { subject }))).toMatchObject({ reason: 'forwarded_invalid' })
  })

  it('knows nothing of a device that is to be assessed yet, whoever says so', () => {
    const assessedAt = (WORKDAY / 1000) * 1_000_000
    const device = { managed: true, assessedAt, source: 'token' } as const
    const of = (told: DevicePosture) => {
      return gather(request('', { subject: subjectOf({ device: told }), peer: '198.51.100.1' }))
    }
    expect(of(device)).not.toHaveProperty('device')
    const soon = { ...device, assessedAt: WORKDAY + MINUTE_MS }
    const gathered = of(soon)
    expect(gathered).toHaveProperty('device', soon)
  })

  it('is a refusal when a trusted hop is ambiguous', () => {
    expect(gather(request('x'))).toMatchObject({ reason: 'forwarded_invalid' })
  })
})

describe('resource attributes', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const yaml = `
models:
  "*": { classification: internal }
  fraud-*: { owner: group:fraud, tags: [tabular] }
  "*-eu": { environment: eu }
  fraud-eu-*: { classification: confidential }
  fraud-eu: { classification: restricted, bytes: 2GiB, digest: "${digest}" }
datasets:
  train: { classification: pii }
`
  it.each([
    ['model', 'llama', { classification: 'internal', tags: [] }],
    ['model', 'fraud-us', { owner: 'group:fraud', tags: ['tabular'] }],
    ['model', 'x-eu', { environment: 'eu', tags: [] }],
    ['model', 'fraud-eu-2', { classification: 'confidential', tags: [] }],
    ['model', 'fraud-eu', { classification: 'restricted', bytes: 2 * 1024 ** 3, digest, tags: [] }],
    ['dataset', 'train', { classification: 'pii', tags: [] }],
    ['dataset', 'Train', undefined],
    ['server', 'train', undefined],
    ['model', '__proto__', { classification: 'internal', tags: [] }],
  ] as const)('%s %s', (kind, name, expected) => {
    const loaded = loadResources({ file: 'resources.yaml', text: yaml })
    if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
    expect(loaded.value.attributesOf({ kind, name })).toEqual(expected)
  })

  it('include what the artifact should look like', () => {
    const loaded = loadResources({ file: 'resources.yaml', text: yaml })
    const directory = loaded.ok ? loaded.value : undefined
    expect(directory?.expectedOf({ kind: 'model', name: 'fraud-eu' })).toEqual({
      bytes: 2 * 1024 ** 3,
      digest,
    })
  })

  it.each([
    'models: { a: { clasification: x } }',
    'models: { "a b": {} }',
    'models: { "a**": {} }',
    'models: { a: { bytes: 0 } }',
    'models: { a: { digest: md5 } }',
    'servers: {}',
  ])('refuses %s', (text) => expect(loadResources({ file: 'r.yaml', text }).ok).toBe(false))
})
