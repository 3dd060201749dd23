import { createServer, type AddressInfo } from 'node:net'
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

  // What is no answer of the control API must not be taken for an empty list.
  it.each([
    ['a page of something else', { text: '<html>' }, 'did not answer as the control API does'],
    ['a document of something else', { document: { ok: true } }, 'no list of the control API'],
    ['a list that is none', { document: { items: {} } }, 'no list of the control API'],
    ['a refusal without a reason', { status: 404, text: 'no' }, 'refused with 404, and no reason'],
  ])('takes %s for a failure', async (_what, answer, message) => {
    for (const verb of ['request', 'grant', 'lock', 'review', 'version']) {
      const { code, stdout, stderr } = await run([verb, 'list'], answer)
      await api?.close()
      expect([verb, code, stdout]).toEqual([verb, 1, ''])
      expect(stderr).toContain(message)
    }
  })

  it('says each thing once', async () => {
    const remedy = 'Get a new token.'
    const problem = { reason: 'authn_expired', title: 'The token has expired', remedy }
    const document = { ...problem, detail: 'The token has expired.' }
    const { stderr } = await run(['lock', 'list'], { status: 401, document })
    const first = 'modelgate: refused with 401 (authn_expired): The token has expired.'
    expect(stderr).toBe(`${first}\n${remedy}\n`)
  })

  it.each([
    ['request create --action export --resource model:m --for 4 --reason w', 'duration', '--for'],
    [
      'request create --action export --resource model:m --for 4h --reason w --network x',
      'networks.0',
      '--network',
    ],
    [
      'request create --action retrain --resource model:m --for 4h --reason w --dataset a=x --into m',
      'training.datasets.0.digest',
      '--dataset',
    ],
    ['request approve req-1 --digest d --for 4', 'narrowing.duration', '--for'],
    ['request deny req-1 --digest d --reason w', 'comment', '--reason'],
    ['lock --user u --issued-before yesterday --reason w', 'target.before', '--issued-before'],
    ['lock --model m --reason w', 'target.id', '--model'],
    ['lock --all --ttl 4 --reason w', 'ttl', '--ttl'],
    ['review start --title t --due 30d --holder x', 'scope.holder', '--holder'],
    ['lock list --target x', 'target', '--target'],
    ['lock list', 'limit', 'limit'],
  ])('says in `%s` not %s but %s, and where to look', async (line, field, said) => {
    const remedy = 'GET /v1/openapi.json describes what is expected.'
    const document = { reason: 'body_invalid', detail: `${field}: expected something else`, remedy }
    const { code, stderr } = await run(line.split(' '), { status: 400, document })
    const first = `modelgate: refused with 400 (body_invalid): ${said}: expected something else`
    const second = 'With --help the verb says what its options take.'
    expect([code, stderr]).toEqual([1, `${first}\n${second}\n`])
  })

  it('names what is wrong in files', async () => {
    const findings = ['rules/policy.csv:2:1: error: no such action']
    const problem = { reason: 'rules_refused', detail: 'They cannot be used.', findings }
    const { stderr } = await run(['lock', 'list'], { status: 409, document: problem })
    expect(stderr).toContain(findings[0])
  })

  it('keeps the ends of lines of CSV, and lets a terminal act on nothing', async () => {
    const text = 'review,comment\r\nreview-1,"a\u001b[31m\rb"\r\n'
    const args = ['review', 'export', 'review-1', '--format', 'csv']
    const { code, stdout } = await run(args, { text, headers: { 'content-type': 'text/csv' } })
    expect(code).toBe(0)
    expect(stdout).toBe('review,comment\r\nreview-1,"a\\u001b[31m\\u000db"\r\n')
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
    ['a token with spaces', { MODELGATE_TOKEN: 'a b' }, 'what is in MODELGATE_TOKEN is no token'],
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

  it('says which listener was not reached, and what to look at', async () => {
    const env = { MODELGATE_TOKEN: TOKEN, MODELGATE_CONTROL_URL: 'http://127.0.0.1:1' }
    for (const line of ['lock list', 'lock --all --reason why']) {
      const { code, stdout, stderr } = await inProcess(line.split(' '), { cwd: '/', env })
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('http://127.0.0.1:1 was not reached')
      expect(stderr).toContain('Is the gateway running?')
    }
  })

  it('does not call a change undone that may have been done', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const env = { MODELGATE_TOKEN: TOKEN, MODELGATE_CONTROL_URL: `http://127.0.0.1:${port}` }
    const changed = await inProcess(['lock', '--all', '--reason', 'why'], { cwd: '/', env })
    const read = await inProcess(['lock', 'list'], { cwd: '/', env })
    await new Promise((resolve) => server.close(resolve))
    expect([changed.code, read.code]).toEqual([1, 1])
    expect(changed.stderr).toContain('Whether it was done is not known')
    expect(read.stderr).not.toContain('Whether it was done')
  })
})
