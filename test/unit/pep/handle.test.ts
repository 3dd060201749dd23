import { afterEach, describe, expect, it } from '@jest/globals'
import { GatewayError } from '../../../gateway/domain/errors.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { refuse } from '../../../gateway/domain/refusal.ts'
import type { Runtime } from '../../../gateway/pep/runtime.ts'
import {
  entryOf,
  EXPORT,
  PERMIT,
  startPipeline,
  type TestPipeline,
  type TestPipelineOptions,
  holdingsOf,
} from '../../support/pipeline.ts'
import { rawExchange } from '../../support/raw-client.ts'

let pipeline: TestPipeline | undefined
afterEach(async () => {
  await pipeline?.close()
  pipeline = undefined
})

async function ask(options: TestPipelineOptions = {}) {
  pipeline = await startPipeline(options)
  const { responses } = await rawExchange(pipeline.port, 'GET /m HTTP/1.1\r\nHost: a\r\n\r\n')
  await pipeline.listener.idle()
  const body = responses[0]?.body.toString() ?? ''
  return { ...pipeline, response: responses[0], status: responses[0]?.status, body }
}

const fields = (records: readonly LedgerRecord[]) =>
  records.map(({ type, fields: { effect, reason, stage, status } }) => ({
    type,
    effect,
    reason,
    stage,
    status,
  }))

const fails = () => {
  throw new GatewayError('ERR_AUDIT_UNAVAILABLE', 'the disk is full')
}

describe('the way of a request', () => {
  it('meets the stages in their order, the record before the upstream', async () => {
    const { calls, status } = await ask()
    expect(status).toBe(200)
    expect(calls).toEqual([
      ...['admit', 'authenticate', 'classify', 'gather', 'decide', 'record', 'forward', 'outcome'],
    ])
  })

  it('is on disk first when the action is privileged', async () => {
    const durabilities: string[] = []
    const append = (record: LedgerRecord, durability: string) => {
      durabilities.push(`${record.type} ${durability}`)
    }
    const upstreams: Runtime['upstreams'] = {
      select: (_, target) => ({
        entry: entryOf({ classifier: { classify: () => EXPORT } }),
        target,
      }),
    }
    await ask({ append, runtime: { upstreams } })
    expect(durabilities).toEqual(['decision disk', 'outcome kernel'])
  })

  it.each<[string, Partial<Runtime>, number, string, string]>([
    ['admit', { parseTarget: () => refuse('target_invalid') }, 400, 'target_invalid', 'admit'],
    ['admit', { acceptHost: () => refuse('host_invalid') }, 400, 'host_invalid', 'admit'],
    [
      'authenticate',
      { authenticator: { authenticate: () => refuse('authn_expired') } },
      401,
      'authn_expired',
      'authenticate',
    ],
    ['classify', { upstreams: { select: () => undefined } }, 403, 'upstream_unknown', 'classify'],
    [
      'gather',
      { environment: () => refuse('forwarded_invalid') },
      400,
      'forwarded_invalid',
      'gather',
    ],
    [
      'forward',
      { forwarder: { forward: () => Promise.resolve(refuse('upstream_connect')) } },
      502,
      'upstream_connect',
      'forward',
    ],
  ])('ends at a refusal of %s', async (...row) => {
    const [, runtime, status, reason, stage] = row
    const result = await ask({ runtime })
    expect(result.status).toBe(status)
    expect(JSON.parse(result.body)).toMatchObject({ reason, status })
    const last = result.records.at(-1)?.fields
    expect(last?.['reason']).toBe(reason)
    if (stage !== 'forward') expect(fields(result.records)).toHaveLength(1)
    const page = (await result.metrics.expose()).text
    expect(page).toContain(`modelgate_refusals_total{stage="${stage}",reason="${reason}"} 1`)
  })
})

describe('a stage that throws', () => {
  const boom = () => {
    throw new Error('secret detail of the inside')
  }

  it.each<[string, Partial<Runtime>]>([
    ['admit', { parseTarget: boom }],
    ['authenticate', { authenticator: { authenticate: boom } }],
    ['authenticate', { authenticator: { authenticate: () => Promise.reject(new Error('x')) } }],
    ['gather', { environment: boom }],
    [
      'decide',
      {
        policy: {
          decisionPoint: { revision: 'r', decide: boom },
          resources: { attributesOf: () => undefined },
          holdingsOf,
        },
      },
    ],
  ])('is 500 with a record, and nothing is forwarded: %s', async (stage, runtime) => {
    const { status, body, calls, records, logged } = await ask({ runtime })
    expect(status).toBe(500)
    expect(body).not.toContain('secret detail')
    expect(JSON.parse(body)).toMatchObject({ reason: 'internal' })
    expect(calls).not.toContain('forward')
    expect(fields(records)).toEqual([
      { type: 'decision', effect: 'deny', reason: 'internal', stage, status: undefined },
    ])
    expect(logged).toEqual(['a stage failed'])
  })

  it('behind the record is an outcome, not another decision', async () => {
    const forwarder = { forward: () => Promise.reject(new Error('x')) }
    const { status, records } = await ask({ runtime: { forwarder } })
    expect(status).toBe(500)
    expect(records.map(({ type }) => type)).toEqual(['decision', 'outcome'])
    expect(records[1]?.fields['reason']).toBe('internal')
  })

  it('at the settling ends the connection and nothing else', async () => {
    const challenge = boom
    const authenticator = { authenticate: () => refuse('authn_missing') }
    const { status, logged } = await ask({ runtime: { challenge, authenticator } })
    expect(status).toBeUndefined()
    expect(logged).toEqual(['settling a request failed'])
  })
})

describe('a ledger that cannot be written', () => {
  it('is 503, and nothing is forwarded', async () => {
    const { status, body, calls, response, metrics } = await ask({ append: fails })
    expect(status).toBe(503)
    expect(JSON.parse(body)).toMatchObject({ reason: 'audit_unavailable' })
    expect(response?.header('retry-after')).toBe('5')
    expect(calls).not.toContain('forward')
    expect((await metrics.expose()).text).toContain('modelgate_audit_errors_total 2')
  })

  it('lets what is not privileged go on where the operator chose so', async () => {
    const { status, calls } = await ask({ append: fails, runtime: { recordWhenFull: 'continue' } })
    expect(status).toBe(200)
    expect(calls).toContain('forward')
  })

  it('never lets a privileged action go on', async () => {
    const upstreams: Runtime['upstreams'] = {
      select: (_, target) => ({
        entry: entryOf({ classifier: { classify: () => EXPORT } }),
        target,
      }),
    }
    const runtime = { recordWhenFull: 'continue', upstreams } as const
    const { status, calls } = await ask({ append: fails, runtime })
    expect(status).toBe(503)
    expect(calls).not.toContain('forward')
  })
})

it('an obligation that cannot be discharged is a refusal', async () => {
  const decision = {
    ...PERMIT,
    obligations: [{ type: 'unheard-of', parameters: {}, source: 'limits.yaml:1' }],
  }
  const decisionPoint = { revision: 'r', decide: () => decision }
  const policy = { decisionPoint, resources: { attributesOf: () => undefined }, holdingsOf }
  const { status, calls, body } = await ask({ runtime: { policy } })
  expect(status).toBe(403)
  expect(JSON.parse(body)).toMatchObject({ reason: 'obligation_unknown' })
  expect(calls).not.toContain('forward')
})

it('a document of the gateway needs no subject and leaves no record', async () => {
  const ownDocument = () =>
    ({ outcome: 'answered', status: 200, contentType: 'application/json', body: '{}' }) as const
  const { status, body, calls } = await ask({ runtime: { ownDocument } })
  expect([status, body]).toEqual([200, '{}'])
  expect(calls).toEqual(['admit'])
})
