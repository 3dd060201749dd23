import { describe, expect, it } from '@jest/globals'
import { fieldsOf } from '../../../gateway/settings/schema-walk.ts'
import { environmentOverlays, variableFor } from '../../../gateway/settings/environment.ts'
import { gatewaySchema } from '../../../gateway/settings/schemas/gateway.ts'
import { loaded, problems } from './support.ts'

describe('environment variables', () => {
  it('reach keys with underscores, list entries and lists of values', () => {
    const settings = loaded({
      env: {
        MODELGATE_LIMITS_PEEK_BYTES: '2MiB',
        MODELGATE_UPSTREAMS_0_URL: 'http://127.0.0.1:9000',
        MODELGATE_UPSTREAMS_0_PRIVILEGED_CONNECTIONS: '2',
        MODELGATE_UPSTREAMS_0_WEBSOCKET: 'true',
        MODELGATE_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8',
        MODELGATE_ISSUERS_0_AUDIENCE: 'a,b',
        MODELGATE_HOSTS: '',
        PATH: '/bin',
      },
    })
    expect(settings.limits.peekBytes).toBe(2 * 1024 * 1024)
    expect(settings.upstreams[0]).toMatchObject({
      url: 'http://127.0.0.1:9000',
      privilegedConnections: 2,
      websocket: true,
    })
    expect(settings.trustedProxies).toEqual(['10.0.0.0/8', 'fd00::/8'])
    expect(settings.issuers[0]?.audience).toEqual(['a', 'b'])
    expect(settings.hosts).toEqual([])
  })

  it('can add a list entry at the end', () => {
    const settings = loaded({
      env: {
        MODELGATE_UPSTREAMS_1_NAME: 'registry',
        MODELGATE_UPSTREAMS_1_URL: 'http://127.0.0.1:5000',
        MODELGATE_UPSTREAMS_1_PACK: 'mlflow',
        MODELGATE_UPSTREAMS_1_MATCH_PATH_PREFIX: '/mlflow',
      },
    })
    expect(settings.upstreams.map((u) => u.name)).toEqual(['llm', 'registry'])
  })

  it('can be the whole configuration', () => {
    const settings = loaded({
      text: '',
      env: {
        MODELGATE_ISSUERS_0_ISSUER: 'https://idp.example.com',
        MODELGATE_ISSUERS_0_AUDIENCE: 'modelgate',
        MODELGATE_UPSTREAMS_0_NAME: 'llm',
        MODELGATE_UPSTREAMS_0_URL: 'http://127.0.0.1:8000',
        MODELGATE_UPSTREAMS_0_PACK: 'vllm',
      },
    })
    expect(settings.provenance.sourceOf(['upstreams', 0, 'name'])).toBe('environment')
  })

  it.each([
    [
      'MODELGATE_LISTN_DATA_PORT',
      '1',
      'unknown-variable',
      'Did you mean MODELGATE_LISTEN_DATA_PORT?',
    ],
    [
      'MODELGATE_UPSTREAMS_0_URI',
      'x',
      'unknown-variable',
      'Did you mean MODELGATE_UPSTREAMS_N_URL?',
    ],
    ['MODELGATE_LISTEN', '{}', 'unknown-variable', undefined],
    ['MODELGATE_LISTEN_DATA_PORT', 'eighty', 'invalid-value', undefined],
    ['MODELGATE_LISTEN_DATA_PORT', '', 'invalid-value', undefined],
    ['MODELGATE_LOG_LEVEL', 'loud', 'invalid-value', 'Use one of: debug, info, warn, error.'],
    ['MODELGATE_UPSTREAMS_0_ASSERTION', 'yes', 'invalid-value', undefined],
    ['MODELGATE_UPSTREAMS_5_URL', 'http://127.0.0.1', 'list-index', undefined],
    ['MODELGATE_TRUSTED_PROXIES', '0.0.0.0/0', 'invalid-value', undefined],
  ])('%s=%s is refused by name', (name, value, code, remedy) => {
    const found = problems({ env: { [name]: value } })
    expect(found[0]).toMatchObject({ file: 'environment', severity: 'error', code })
    expect(found[0]?.message).toContain(name)
    if (remedy !== undefined) expect(found[0]?.remedy).toBe(remedy)
  })

  it('leaves alone what Kubernetes adds for a Service of the same name', () => {
    const env = {
      MODELGATE_SERVICE_HOST: '10.96.0.7',
      MODELGATE_SERVICE_PORT: '80',
      MODELGATE_SERVICE_PORT_HTTP: '80',
      MODELGATE_PORT: 'tcp://10.96.0.7:80',
      MODELGATE_PORT_80_TCP: 'tcp://10.96.0.7:80',
      MODELGATE_PORT_80_TCP_ADDR: '10.96.0.7',
      MODELGATE_CONTROL_PORT_9090_TCP_PROTO: 'tcp',
      MODELGATE_CONFIG: '/etc/modelgate/gateway.yaml',
    }
    expect(environmentOverlays(env, gatewaySchema)).toEqual({ overlays: [], diagnostics: [] })
  })

  it('leaves alone whom the command line calls, and as whom', () => {
    const env = {
      MODELGATE_CONTROL_URL: 'https://gate.example:9090',
      MODELGATE_TOKEN_FILE: '/run/secrets/token',
      MODELGATE_TOKEN: 'a.b.c',
    }
    expect(environmentOverlays(env, gatewaySchema)).toEqual({ overlays: [], diagnostics: [] })
  })

  it('has one variable for each key, and each leads back to its key', () => {
    const paths = fieldsOf(gatewaySchema)
      .filter((field) => !field.path.includes('required_claims'))
      .map((field) => field.path.map((step) => (step === '*' ? 0 : step)))
    const names = paths.map(variableFor)
    expect(new Set(names).size).toBe(names.length)
    for (const [index, name] of names.entries()) {
      const { overlays } = environmentOverlays({ [name]: 'x' }, gatewaySchema)
      expect(overlays.map((overlay) => overlay.path)).toEqual([paths[index]])
    }
  })
})

describe('flags', () => {
  it('are refused by name when no setting has the key', () => {
    expect(problems({ overrides: { 'log.levl': 'debug' } })).toMatchObject([
      { file: 'command line', code: 'unknown-key' },
    ])
  })
})
