import { describe, expect, it } from '@jest/globals'
import { createAddressResolver } from '../../../gateway/pip/client-address.ts'
import { createPostureReader } from '../../../gateway/pip/device-posture.ts'
import { createEnvironmentGatherer } from '../../../gateway/pip/environment.ts'
import { loadResources } from '../../../gateway/pip/resources.ts'
import { headersOf, subjectOf, WORKDAY } from '../../support/policy.ts'

function gatherer(yaml = 'models: {}') {
  const loaded = loadResources({ file: 'resources.yaml', text: yaml })
  if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
  return createEnvironmentGatherer({
    clock: { now: () => WORKDAY, monotonicMs: () => 0 },
    resolveAddress: createAddressResolver({
      trustedProxies: ['10.0.0.0/8'],
      headerKind: 'x-forwarded-for',
    }),
    readPosture: createPostureReader({ trustedProxies: ['10.0.0.0/8'] }),
    catalog: () => loaded.value,
  })
}

const HEADERS = headersOf('x-forwarded-for', '203.0.113.9', 'x-device-posture', 'managed=?1')

describe('the environment of a request', () => {
  it('is time, client and posture in one snapshot', () => {
    const request = { peer: '10.0.0.1', headers: HEADERS, subject: subjectOf() }
    expect(gatherer().gather(request)).toEqual({
      now: WORKDAY,
      client: { ip: '203.0.113.9', source: 'forwarded' },
      device: { managed: true, source: 'trusted-hop' },
    })
  })

  it('leaves out what nobody vouches for', () => {
    const request = { peer: '198.51.100.1', headers: HEADERS, subject: subjectOf() }
    expect(gatherer().gather(request)).toEqual({
      now: WORKDAY,
      client: { ip: '198.51.100.1', source: 'peer' },
    })
  })

  it('takes the posture of the token first, and does not mix', () => {
    const subject = subjectOf({ device: { compliant: false, source: 'token' } })
    expect(gatherer().gather({ peer: '10.0.0.1', headers: HEADERS, subject })).toMatchObject({
      device: { compliant: false, source: 'token' },
    })
  })

  it('is a refusal when a trusted hop is ambiguous', () => {
    for (const pairs of [
      ['x-forwarded-for', 'x'],
      ['x-device-posture', 'x'],
    ]) {
      const request = { peer: '10.0.0.1', headers: headersOf(...pairs), subject: subjectOf() }
      expect(gatherer().gather(request)).toMatchObject({ reason: 'forwarded_invalid' })
    }
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
    ['model', 'fraud-eu', { classification: 'restricted', tags: [] }],
    ['dataset', 'train', { classification: 'pii', tags: [] }],
    ['dataset', 'Train', undefined],
    ['server', 'train', undefined],
    ['model', '__proto__', { classification: 'internal', tags: [] }],
  ] as const)('%s %s', (kind, name, expected) => {
    expect(gatherer(yaml).attributesOf({ kind, name })).toEqual(expected)
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
