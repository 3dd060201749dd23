import { afterEach, describe, expect, it } from '@jest/globals'
import type { Decision } from '../../../gateway/domain/access.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { refuse } from '../../../gateway/domain/refusal.ts'
import type { Runtime } from '../../../gateway/pep/runtime.ts'
import {
  ALICE,
  PERMIT,
  startPipeline,
  type TestPipeline,
  holdingsOf,
} from '../../support/pipeline.ts'
import { rawExchange } from '../../support/raw-client.ts'

let pipeline: TestPipeline | undefined
afterEach(async () => {
  await pipeline?.close()
  pipeline = undefined
})

async function recordsOf(
  lines: readonly string[],
  runtime: Partial<Runtime> = {},
): Promise<readonly LedgerRecord[]> {
  pipeline = await startPipeline({ runtime })
  const head = ['GET /m?q=secret HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
  await rawExchange(pipeline.port, head)
  await pipeline.listener.idle()
  return JSON.parse(JSON.stringify(pipeline.records)) as LedgerRecord[]
}

const authenticator = {
  authenticate: () => ({
    ...ALICE,
    tokenId: 'jti-1',
    clientId: 'cli',
    authentication: { mfa: true, acr: 'silver', authTime: 5 },
    device: { managed: true, source: 'token' as const, id: 'laptop-7' },
  }),
}

describe('the decision record', () => {
  it('says who, what, where, when and why', async () => {
    const environment: Runtime['environment'] = ({ now, client, subject }) => ({
      now,
      client,
      ...(subject.device === undefined ? {} : { device: subject.device }),
    })
    const lines = [
      'X-Request-Id: abcdefgh',
      `Traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    ]
    const [record] = await recordsOf(lines, { authenticator, environment })
    expect(record).toEqual({
      type: 'decision',
      fields: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        effect: 'permit',
        sub: 'user:dev/alice',
        iss: 'https://idp.test',
        jti: 'jti-1',
        client: 'cli',
        groups: [],
        roles: [],
        iat: 0,
        exp: 8.64e15,
        upstream: 'up',
        pack: 'test',
        route: 'GET /m',
        ops: [{ act: 'read', res: 'model:m', effect: 'permit', rule: 'policy.csv:3' }],
        rule: 'policy.csv:3',
        failed: [],
        pol: 'sha256:00',
        cfg: 'sha256:11',
        meth: 'GET',
        path: '/m',
        ip: '127.0.0.1',
        ipsrc: 'peer',
        env: {
          now: '2023-11-14T22:13:20.000Z',
          mfa: true,
          acr: 'silver',
          auth_time: 5,
          device: { src: 'token', managed: true },
        },
        req: 'abcdefgh',
        trace: 'a'.repeat(32),
      },
    })
  })

  it('never holds a query, a header of the caller or a credential', async () => {
    const lines = ['Authorization: Bearer tok.en.text', 'User-Agent: curl', 'Cookie: c=1']
    const text = JSON.stringify(await recordsOf(lines))
    for (const one of ['secret', 'tok.en.text', 'curl', 'c=1', 'laptop-7']) {
      expect(text).not.toContain(one)
    }
  })

  it('of a refusal says where and why, and what was not established is not there', async () => {
    const parseTarget = () => refuse('target_invalid')
    const [record] = await recordsOf([], { parseTarget })
    expect(Object.keys(record?.fields ?? {})).toEqual([
      'id',
      'effect',
      'reason',
      'stage',
      'pol',
      'cfg',
    ])
    expect(record?.fields).toMatchObject({
      effect: 'deny',
      reason: 'target_invalid',
      stage: 'admit',
    })
  })

  it.each(['x', '01-aa-bb-01', `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`])(
    'has no trace of the malformed traceparent %s',
    async (value) => {
      const [record] = await recordsOf([`Traceparent: ${value}`])
      expect(record?.fields).not.toHaveProperty('trace')
    },
  )
})

describe('the outcome record', () => {
  it('says what became of a permitted request', async () => {
    const [decision, outcome] = await recordsOf([])
    expect(outcome).toEqual({
      type: 'outcome',
      fields: {
        id: decision?.fields['id'],
        status: 200,
        ended_by: 'upstream',
        bytes_in: 0,
        bytes_out: 2,
        ms: expect.any(Number),
      },
    })
  })

  it('says why a permitted request failed', async () => {
    const forwarder = { forward: () => Promise.resolve(refuse('upstream_timeout')) }
    const [, outcome] = await recordsOf([], { forwarder })
    expect(outcome?.fields).toMatchObject({ reason: 'upstream_timeout', ended_by: 'gateway' })
  })
})

describe('shadow rules', () => {
  const policyWith = (decideShadow: () => Decision): Partial<Runtime> => ({
    policy: {
      decisionPoint: { revision: 'sha256:00', decide: () => PERMIT, decideShadow },
      resources: { attributesOf: () => undefined },
      holdingsOf,
    },
  })

  it('are in the record where their effect differs, and change nothing', async () => {
    const deny: Decision = { ...PERMIT, effect: 'deny', reason: 'denied_by_rule' }
    const [decision, outcome] = await recordsOf(
      [],
      policyWith(() => deny),
    )
    expect(decision?.fields).toMatchObject({
      effect: 'permit',
      shadow: { effect: 'deny', reason: 'denied_by_rule', rule: 'policy.csv:3', op: 0 },
    })
    expect(outcome?.fields).toMatchObject({ status: 200 })
    const page = (await pipeline?.metrics.expose())?.text
    const labels = 'action="read",enforced="permit",shadow="deny"'
    expect(page).toContain(`modelgate_shadow_decisions_total{${labels}} 1`)
  })

  it('are not in the record where they agree, nor where they fail, and neither is felt', async () => {
    const fail = () => {
      throw new Error('shadow')
    }
    for (const decideShadow of [() => PERMIT, fail]) {
      const [decision, outcome] = await recordsOf([], policyWith(decideShadow))
      expect(decision?.fields).not.toHaveProperty('shadow')
      expect(outcome?.fields).toMatchObject({ status: 200 })
      await pipeline?.close()
    }
  })
})
