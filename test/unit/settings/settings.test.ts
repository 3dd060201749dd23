import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { load, loaded, MINIMAL } from './support.ts'

describe('settings', () => {
  it('fills a file of issuers and upstreams with every default', () => {
    const settings = loaded()
    expect(settings.listen.data).toEqual({ host: '0.0.0.0', port: 8080 })
    expect(settings.listen.control).toEqual({ host: '127.0.0.1', port: 9090, hosts: [] })
    expect(settings.trustedProxies).toEqual([])
    expect(settings.limits.peekBytes).toBe(1024 * 1024)
    expect(settings.limits.headersTimeout).toBe(10_000)
    expect(settings.limits).not.toHaveProperty('bodyBytes')
    expect(settings.assertion.lifetime).toBe(30_000)
    expect(settings.audit.whenFull).toBe('refuse')
    expect(settings.issuers[0]).toMatchObject({
      name: 'idp-example-com',
      audience: ['modelgate'],
      clockTolerance: 30_000,
      roles: [],
      keys: { refresh: 300_000, maxStale: 3_600_000, timeout: 5_000, bytesMax: 262_144 },
    })
    // What is not written is the preset's to say.
    expect(settings.issuers[0]).not.toHaveProperty('algorithms')
    expect(settings.issuers[0]).not.toHaveProperty('maxTokenLifetime')
    expect(settings.upstreams[0]).toMatchObject({
      match: {},
      stripPrefix: false,
      assertion: true,
      websocket: false,
      connections: 64,
      privilegedConnections: 4,
      timeouts: { connect: 5_000, headers: 60_000, idle: 300_000 },
    })
  })

  it('is frozen at every depth', () => {
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      for (const child of Object.values(value)) visit(child)
    }
    const { provenance, ...settings } = loaded()
    expect(Object.isFrozen(provenance)).toBe(true)
    for (const part of Object.values(settings)) visit(part)
  })

  it('keeps the spelling of keys that operators choose', () => {
    const text = MINIMAL.replace(
      'audience: modelgate',
      'audience: modelgate\n    required_claims: { token_use: access, https://x.example/team_id: a }',
    )
    expect(loaded({ text }).issuers[0]?.requiredClaims).toEqual({
      token_use: 'access',
      'https://x.example/team_id': 'a',
    })
  })

  it('finds files from the directory of the config file, and leaves directories alone', () => {
    const text = `${MINIMAL}    credential: { value_file: secrets/token }
assertion: { signing_key_file: /run/key.pem }
`
    const settings = loaded({ text })
    expect(settings.upstreams[0]?.credential?.valueFile).toBe('config/secrets/token')
    expect(settings.assertion.signingKeyFile).toBe('/run/key.pem')
    expect(settings.rules.dir).toBe('rules')
  })

  it('takes flags over the environment over the file over the default, and remembers', () => {
    const text = `${MINIMAL}log: { level: warn }\naudit: { node: a }\n`
    const settings = loaded({
      text,
      env: { MODELGATE_LOG_LEVEL: 'error', MODELGATE_LISTEN_DATA_PORT: '0' },
      overrides: {
        'log.level': 'debug',
        'listen.control.port': '0',
        'audit.when_full': 'continue',
      },
    })
    expect(settings.log.level).toBe('debug')
    expect(settings.listen).toMatchObject({ data: { port: 0 }, control: { port: 0 } })
    const sourceOf = (path: (string | number)[]): string => settings.provenance.sourceOf(path)
    expect(sourceOf(['log', 'level'])).toBe('flag')
    expect(sourceOf(['listen', 'data', 'port'])).toBe('environment')
    expect(sourceOf(['audit', 'node'])).toBe('file')
    expect(sourceOf(['audit', 'dir'])).toBe('default')
    expect(sourceOf(['upstreams', 0, 'url'])).toBe('file')
  })

  it('says where a value is written', () => {
    const { provenance } = loaded()
    expect(provenance.positionOf(['upstreams', 0, 'url'])).toEqual({
      file: 'config/gateway.yaml',
      line: 6,
      column: 10,
    })
  })

  it('cautions about a credential in the clear and tokens that live for days', () => {
    const text = MINIMAL.replace('http://127.0.0.1:8000', 'http://vllm.internal:8000')
      .replace('audience: modelgate', 'audience: modelgate\n    max_token_lifetime: 2d')
      .concat('    credential: { value_file: t }\n')
    const result = load({ text })
    expect(result.ok && result.warnings.map((w) => [w.severity, w.code, w.line])).toEqual([
      ['warning', 'insecure-setting', 7],
      ['warning', 'insecure-setting', 4],
    ])
  })
})

describe('config/gateway.yaml', () => {
  it('is valid without warnings and names its schema', () => {
    const text = readFileSync('config/gateway.yaml', 'utf8')
    const result = load({ text })
    expect(result).toMatchObject({ ok: true, warnings: [] })
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./gateway.schema.json')
  })
})
