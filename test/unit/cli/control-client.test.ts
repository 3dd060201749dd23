import { afterEach, describe, expect, it } from '@jest/globals'
import { inProcess } from '../../support/cli.ts'
import {
  startFakeControlApi,
  type FakeControlApi,
  type SaidAnswer,
} from '../../support/fake-control-listener.ts'

let api: FakeControlApi | undefined

afterEach(async () => {
  await api?.close()
  api = undefined
})

const TOKEN = 'aaa.bbb.ccc'

async function run(args: readonly string[], answer: SaidAnswer | ((call: string) => SaidAnswer)) {
  api = await startFakeControlApi((call) => (typeof answer === 'function' ? answer(call) : answer))
  const env = { MODELGATE_CONTROL_URL: api.url, MODELGATE_TOKEN: TOKEN }
  const result = await inProcess(args, { cwd: '/', env })
  return { ...result, seen: api.seen }
}

describe('the client of the control API', () => {
  it('sends the token, a key for repetition with POST, and JSON', async () => {
    const { code, seen } = await run(
      ['lock', '--all', '--action', 'export', '--ttl', '8h', '--reason', 'INC-12'],
      { status: 201, document: { id: 'lock-1', status: 'active', target: { kind: 'all' } } },
    )
    expect(code).toBe(0)
    expect(seen).toHaveLength(1)
    expect(seen[0]?.call).toBe('POST /v1/locks')
    expect(seen[0]?.headers['authorization']).toBe(`Bearer ${TOKEN}`)
    expect(seen[0]?.headers['content-type']).toBe('application/json')
    expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
    expect(seen[0]?.body).toEqual({
      target: { kind: 'all' },
      actions: ['export'],
      ttl: '8h',
      reason: 'INC-12',
    })
  })

  it('says what was refused, why, what to do and under which id, and ends with 1', async () => {
    const problem = {
      status: 403,
      reason: 'self_approval',
      detail: 'Nobody approves their own request.',
      remedy: 'Ask group:model-owners.',
      decision_id: 'd-1',
    }
    const args = ['request', 'approve', 'req-1', '--digest', `sha256:${'0'.repeat(64)}`]
    const { code, stdout, stderr } = await run(args, { status: 403, document: problem })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('refused with 403 (self_approval): Nobody approves their own request.')
    expect(stderr).toContain('Ask group:model-owners.')
    expect(stderr).toContain('decision d-1')
  })

  it('reads a list to its end', async () => {
    const { stdout, seen } = await run(['lock', 'list', '--format', 'json'], (call) =>
      call.includes('cursor=next.page')
        ? { document: { items: [{ id: 'lock-2' }] } }
        : { document: { items: [{ id: 'lock-1' }], next: 'next.page' } },
    )
    expect(seen.map(({ call }) => call)).toEqual([
      'GET /v1/locks?status=active&limit=200',
      'GET /v1/locks?status=active&limit=200&cursor=next.page',
    ])
    expect(JSON.parse(stdout)).toEqual({ items: [{ id: 'lock-1' }, { id: 'lock-2' }] })
  })

  it('gives up on a list that does not end', async () => {
    const answer = { document: { items: [{ id: 'lock-1' }], next: 'next.page' } }
    const { code, stderr } = await run(['lock', 'list'], answer)
    expect(code).toBe(1)
    expect(stderr).toContain('does not end')
  })

  it('follows no redirect', async () => {
    const answer = { status: 302, headers: { location: 'http://127.0.0.1:1/' } }
    const { code, stderr } = await run(['lock', 'list'], answer)
    expect(code).toBe(1)
    expect(stderr).toContain('refused with 302')
  })

  it('writes what strangers wrote so that no terminal acts on it', async () => {
    const items = [{ id: 'req-1', by: 'user:corp/\u001b[31mmallory\nadmin', status: 'pending' }]
    const { stdout } = await run(['request', 'list'], { document: { items } })
    expect(stdout).toContain('\\u001b[31mmallory\\u000aadmin')
    expect(stdout).not.toContain('\u001b')
  })

  it.each([
    ['no token', {}, 'no token'],
    ['a token with spaces', { MODELGATE_TOKEN: 'a b' }, 'no token'],
    [
      'a token over the network in the clear',
      { MODELGATE_TOKEN: TOKEN, MODELGATE_CONTROL_URL: 'http://10.0.0.1:9090' },
      'https:// only',
    ],
    [
      'a URL with a password',
      { MODELGATE_TOKEN: TOKEN, MODELGATE_CONTROL_URL: 'https://u:p@host' },
      '--url takes',
    ],
    [
      'a token file that is not there',
      { MODELGATE_TOKEN_FILE: '/nowhere', MODELGATE_CONTROL_URL: 'http://127.0.0.1:1' },
      'cannot be read',
    ],
  ])('refuses %s', async (_what, env, message) => {
    const withUrl = { MODELGATE_CONTROL_URL: 'http://127.0.0.1:1', ...env }
    const { code, stderr } = await inProcess(['lock', 'list'], { cwd: '/', env: withUrl })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('says which listener was not reached', async () => {
    const env = { MODELGATE_TOKEN: TOKEN, MODELGATE_CONTROL_URL: 'http://127.0.0.1:1' }
    const { code, stderr } = await inProcess(['lock', 'list'], { cwd: '/', env })
    expect(code).toBe(1)
    expect(stderr).toContain('http://127.0.0.1:1 was not reached')
  })
})
