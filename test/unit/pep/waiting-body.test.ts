/** A body that limits have to wait for, after the decision: what changes meanwhile counts. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Decision, Obligation } from '../../../gateway/domain/access.ts'
import type { PolicySnapshot, Runtime } from '../../../gateway/pep/runtime.ts'
import {
  ALICE,
  PERMIT,
  startPipeline,
  type TestPipeline,
  holdingsOf,
} from '../../support/pipeline.ts'
import { parseResponses } from '../../support/raw-client.ts'
import { until } from '../../support/world-files.ts'

const cap = (parameter: string): Obligation => {
  return { type: 'parameter.cap', parameters: { parameter, max: 5 }, source: 'limits.yaml:3' }
}
const LIMITED: Decision = { ...PERMIT, obligations: [cap('max_tokens')] }

const policyOf = (decide: () => Decision): PolicySnapshot => ({
  decisionPoint: { revision: 'r', decide },
  resources: { attributesOf: () => undefined },
  holdingsOf,
})

let pipeline: TestPipeline | undefined
afterEach(() => pipeline?.close())

const BODY = '{"max_tokens":9,"n":9}'

/** Sends half a body, lets `meanwhile` happen once the permit is recorded, and sends the rest. */
async function ask(runtime: Partial<Runtime>, meanwhile: (running: TestPipeline) => unknown) {
  const bodies: string[] = []
  const forwarder: Runtime['forwarder'] = {
    forward: ({ body }, { response }) => {
      bodies.push(Buffer.isBuffer(body) ? body.toString() : 'a stream')
      response.writeHead(200, { 'content-length': '0' }).end()
      const sizes = { requestBytes: 0, responseBytes: 0 }
      return Promise.resolve({ status: 200, ...sizes, endedBy: 'upstream' as const })
    },
  }
  const running = await startPipeline({ runtime: { forwarder, ...runtime } })
  pipeline = running
  const socket = connect(running.port, '127.0.0.1')
  const head = `POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}`
  socket.write(`${head}\r\nContent-Type: application/json\r\n\r\n${BODY.slice(0, 5)}`)
  await until('the permit', () => running.calls.includes('record'))
  await meanwhile(running)
  socket.write(BODY.slice(5))
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  const answer = parseResponses(bytes, {})[0]
  const forwarded = bodies[0]
  return { status: answer?.status, body: answer?.body.toString() ?? '', forwarded, running }
}

describe('a body that is waited for after the decision', () => {
  it('goes on when nothing has changed', async () => {
    const policy = policyOf(() => LIMITED)
    const { status, forwarded } = await ask({ policy }, () => undefined)
    expect([status, forwarded]).toEqual([200, '{"max_tokens":5,"n":9}'])
  })

  it('is refused when the rules do not permit it any more', async () => {
    const denied: Decision = { ...PERMIT, effect: 'deny', reason: 'denied_by_rule', revision: 'r2' }
    const { status, forwarded, running } = await ask(
      { policy: policyOf(() => LIMITED) },
      (running) => running.replace({ policy: policyOf(() => denied) }),
    )
    expect([status, forwarded]).toEqual([403, undefined])
    await until('the outcome', () => running.records.length === 2)
    expect(running.records[1]?.fields).toMatchObject({ reason: 'denied_by_rule', pol: 'r2' })
  })

  it('is refused when a condition of the same rules does not hold any more', async () => {
    let decision = LIMITED
    const policy = policyOf(() => decision)
    const { status, forwarded } = await ask({ policy }, () => {
      decision = { ...PERMIT, effect: 'deny', reason: 'condition_failed' }
    })
    expect([status, forwarded]).toEqual([403, undefined])
  })

  it('is refused when the token has expired', async () => {
    const subject = { ...ALICE }
    const { status, body, forwarded } = await ask(
      { policy: policyOf(() => LIMITED), authenticator: { authenticate: () => subject } },
      () => void (subject.expiresAt = 1),
    )
    expect([status, forwarded]).toEqual([401, undefined])
    expect(body).toContain('authn_expired')
  })

  it('is limited by the new limits as well', async () => {
    const both: Decision = { ...PERMIT, obligations: [cap('n')] }
    const { forwarded } = await ask({ policy: policyOf(() => LIMITED) }, (running) =>
      running.replace({ policy: policyOf(() => both) }),
    )
    expect(forwarded).toBe('{"max_tokens":5,"n":5}')
  })

  it('is refused when deciding again fails', async () => {
    let fails = false
    const policy = policyOf(() => {
      if (fails) throw new Error('no')
      return LIMITED
    })
    const { body, forwarded } = await ask({ policy }, () => void (fails = true))
    expect(forwarded).toBeUndefined()
    expect(body).toContain('indeterminate')
  })
})
