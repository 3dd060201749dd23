import { describe, expect, it } from '@jest/globals'
import { loadSettings } from '../../../gateway/settings/settings.ts'

const ISSUER = { issuer: 'https://idp.test', audience: 'modelgate' }
const CALLS = { name: 'calls', url: 'http://127.0.0.1:8001', pack: 'triton', protocol: 'grpc' }
const PLAIN = { name: 'plain', url: 'http://127.0.0.1:8000', pack: 'triton' }

const load = (
  upstreams: readonly object[],
  listen: object = { grpc: {} },
  env: Record<string, string> = {},
) => {
  const text = JSON.stringify({ listen, issuers: [ISSUER], upstreams })
  return loadSettings({ file: 'gateway.yaml', text, env })
}
const problems = (loaded: ReturnType<typeof load>) =>
  loaded.ok ? [] : loaded.diagnostics.map(({ message }) => message)

describe('listen.grpc', () => {
  it('is not there by default, and has a port of its own when it is', () => {
    expect(load([PLAIN], {})).toMatchObject({ ok: true, value: { listen: { data: {} } } })
    const loaded = load([PLAIN])
    expect(loaded).toMatchObject({
      ok: true,
      value: { listen: { grpc: { host: '0.0.0.0', port: 8081 } } },
    })
  })

  it('is overridden by the environment', () => {
    const env = { MODELGATE_LISTEN_GRPC_PORT: '9443' }
    expect(load([PLAIN], { grpc: {} }, env)).toMatchObject({
      ok: true,
      value: { listen: { grpc: { port: 9443 } } },
    })
  })
})

describe('a gRPC upstream', () => {
  it('may match what an HTTP upstream matches, since nothing reaches both', () => {
    expect(problems(load([PLAIN, CALLS]))).toEqual([])
  })

  it('may not match what another gRPC upstream matches', () => {
    expect(problems(load([CALLS, { ...CALLS, name: 'more' }]))[0]).toMatch(/same requests/)
  })

  it.each([
    [{ url: 'http://127.0.0.1:8001/base' }, /base path/],
    [{ match: { path_prefix: '/a' }, strip_prefix: true }, /path of a gRPC call/],
    [{ websocket: true }, /no WebSockets/],
  ])('refuses %j', (more, message) => {
    expect(problems(load([{ ...CALLS, ...more }]))[0]).toMatch(message)
  })

  it('needs the listener', () => {
    expect(problems(load([CALLS], {}))[0]).toMatch(/listen\.grpc/)
  })
})
