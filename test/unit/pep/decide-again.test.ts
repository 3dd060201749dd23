import { afterEach, describe, expect, it } from '@jest/globals'
import type { Decision } from '../../../gateway/domain/access.ts'
import { systemClock } from '../../../gateway/domain/clock.ts'
import type { Classifier, ForwardClient, ForwardOutcome } from '../../../gateway/domain/ports.ts'
import type { Refusal } from '../../../gateway/domain/refusal.ts'
import { createAgainDecider } from '../../../gateway/pep/streams/decide-again.ts'
import type { Exchange } from '../../../gateway/pep/exchange.ts'
import type { PolicySnapshot, Runtime } from '../../../gateway/pep/runtime.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import {
  ALICE,
  entryOf,
  PERMIT,
  READ,
  runtimeOf,
  startPipeline,
  type TestPipeline,
  holdingsOf,
} from '../../support/pipeline.ts'
import { rawExchange } from '../../support/raw-client.ts'
import { budgetsOver } from '../../support/budgets.ts'
import { watchingOf } from '../../support/watching.ts'

const DENY: Decision = {
  ...PERMIT,
  effect: 'deny',
  reason: 'denied_by_rule',
  revision: 'sha256:22',
  explanation: 'a rule denies this',
}

const policyOf = (decision: Decision): PolicySnapshot => ({
  decisionPoint: { revision: decision.revision, decide: () => decision },
  resources: { attributesOf: () => undefined },
  holdingsOf,
})

let running: TestPipeline | undefined
afterEach(() => running?.close())

/** A forwarder that streams until it is cut. */
function streaming(onForwarding: (client: ForwardClient) => void): Runtime['forwarder'] {
  return {
    forward: (_, client) =>
      new Promise<ForwardOutcome | Refusal>((resolve) => {
        client.onCuttable?.((refusal) => resolve(refusal))
        onForwarding(client)
      }),
  }
}

const get = (pipeline: TestPipeline) => fetch(`http://127.0.0.1:${pipeline.port}/m`)

describe('an open exchange', () => {
  it('is ended when the new rules do not permit it, and its record says by which', async () => {
    let forwarding = (): void => undefined
    const begun = new Promise<void>((resolve) => (forwarding = resolve))
    running = await startPipeline({ runtime: { forwarder: streaming(() => forwarding()) } })
    const answer = get(running)
    await begun
    expect(await running.replace({ policy: policyOf(DENY) })).toEqual({ decided: 1, cut: 1 })
    expect((await answer).status).toBe(403)
    expect(running.records.at(-1)).toMatchObject({
      type: 'outcome',
      fields: { reason: 'denied_by_rule', pol: 'sha256:22' },
    })
    const { text } = await running.metrics.expose()
    expect(text).toContain('modelgate_streams_cut_total{reason="denied_by_rule"} 1')
  })

  it('goes on when they permit it, and is not decided again by the same rules', async () => {
    let forwarding = (): void => undefined
    const begun = new Promise<void>((resolve) => (forwarding = resolve))
    running = await startPipeline({ runtime: { forwarder: streaming(() => forwarding()) } })
    const answer = get(running)
    await begun
    const policy = policyOf({ ...PERMIT, revision: 'sha256:33' })
    expect(await running.replace({ policy })).toEqual({ decided: 1, cut: 0 })
    expect(await running.replace({})).toEqual({ decided: 1, cut: 0 })
    expect(running.records.filter(({ type }) => type === 'outcome')).toEqual([])
    await running.replace({ policy: policyOf(DENY) })
    expect((await answer).status).toBe(403)
  })

  it('is ended when a new duty on its response cannot be taken up any more', async () => {
    let forwarding = (): void => undefined
    const begun = new Promise<void>((resolve) => (forwarding = resolve))
    running = await startPipeline({ runtime: { forwarder: streaming(() => forwarding()) } })
    const answer = get(running)
    await begun
    const duty = { type: 'response.redact', parameters: { fields: ['x'] }, source: 'limits.yaml:1' }
    const asked = { ...duty, type: 'parameter.cap' }
    await running.replace({ policy: policyOf({ ...PERMIT, obligations: [asked] }) })
    expect(running.records.filter(({ type }) => type === 'outcome')).toEqual([])
    await running.replace({ policy: policyOf({ ...PERMIT, obligations: [duty] }) })
    expect((await answer).status).toBe(403)
    expect(running.records.at(-1)?.fields).toMatchObject({ reason: 'obligation_unknown' })
  })
})

describe('an open tunnel', () => {
  it('is ended when a duty on parameters is new: its messages could bring them', async () => {
    let opened = (): void => undefined
    const begun = new Promise<void>((resolve) => (opened = resolve))
    const classifier: Classifier = { classify: () => ({ ...READ, upgrade: true }) }
    running = await startPipeline({
      runtime: {
        upstreams: {
          select: (_, target) => ({ entry: entryOf({ classifier, websocket: true }), target }),
        },
        upgrades: {
          upgrade: (_, client) =>
            new Promise((resolve) => {
              client.onCuttable?.((refusal) => resolve(refusal))
              opened()
            }),
        },
      },
    })
    const lines = ['Host: a', 'Connection: Upgrade', 'Upgrade: websocket']
    const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
    const head = `GET /m HTTP/1.1\r\n${[...lines, ...key].join('\r\n')}\r\n\r\n`
    const answer = rawExchange(running.port, head)
    await begun
    const cap = { type: 'parameter.cap', parameters: { max: 1 }, source: 'limits.yaml:1' }
    const policy = policyOf({ ...PERMIT, obligations: [cap] })
    expect(await running.replace({ policy })).toEqual({ decided: 1, cut: 1 })
    await answer
    expect(running.records.at(-1)?.fields).toMatchObject({ reason: 'obligation_unknown' })
  })
})

describe('an open exchange when classes of data are treated anew', () => {
  const treating = (words: readonly string[]): Decision => ({
    ...PERMIT,
    obligations: [
      { type: 'response.classes', parameters: { treatments: words }, source: 'limits.yaml:1' },
    ],
  })
  it.each([
    [{ fields: { email: 'contact' } }, ['contact=generalise:year'], 0],
    [{ fields: { email: 'contact' } }, ['contact=mask'], 0],
    [{ fields: { email: 'contact' } }, ['contact=remove'], 1],
    [{ fields: { email: 'contact', ssn: 'contact' } }, ['contact=mask'], 1],
    [{ fields: { email: 'contact', ssn: 'id' } }, ['contact=mask'], 0],
    [{ fields: {} }, ['contact=remove'], 0],
    [{ fields: { email: 'contact' } }, ['contact=shred'], 1],
  ])('tagged %j and treated %j: %d is ended', async (tagged, words, cut) => {
    let forwarding = (): void => undefined
    const begun = new Promise<void>((resolve) => (forwarding = resolve))
    const policy = (decision: Decision, fields: Record<string, string>) => ({
      ...policyOf(decision),
      resources: { attributesOf: () => ({ tags: [], fields }) },
    })
    const runtime = {
      forwarder: streaming(() => forwarding()),
      policy: policy(treating(['contact=mask']), { email: 'contact' }),
    }
    running = await startPipeline({ runtime })
    const answer = get(running)
    await begun
    const fields = tagged.fields as Record<string, string>
    const after = await running.replace({ policy: policy(treating(words), fields) })
    expect(after).toEqual({ decided: 1, cut })
    await running.replace({ policy: policyOf(DENY) })
    await answer
  })
})

describe('an open exchange with limits on its answer', () => {
  const duty = (max: number, fields: readonly string[]): Decision['obligations'] => [
    { type: 'response.bytes', parameters: { max }, source: 'limits.yaml:1' },
    { type: 'response.redact', parameters: { fields }, source: 'limits.yaml:2' },
  ]
  it.each([
    [64, ['x', 'y'], 0],
    [65, ['y'], 0],
    [63, ['x'], 1],
    [64, ['x', 'z'], 1],
  ])('goes on with the same or looser ones: %d %j', async (max, fields, cut) => {
    let forwarding = (): void => undefined
    const begun = new Promise<void>((resolve) => (forwarding = resolve))
    const policy = policyOf({ ...PERMIT, obligations: duty(64, ['x', 'y']) })
    running = await startPipeline({ runtime: { forwarder: streaming(() => forwarding()), policy } })
    const answer = get(running)
    await begun
    const next = policyOf({ ...PERMIT, obligations: duty(max, fields) })
    expect(await running.replace({ policy: next })).toEqual({ decided: 1, cut })
    await running.replace({ policy: policyOf(DENY) })
    expect((await answer).status).toBe(403)
  })
})

describe('a request between its decision and its forwarding', () => {
  it('does not slip through a change of the rules', async () => {
    let forwarded = 0
    const cuts: Refusal[] = []
    const forwarder: Runtime['forwarder'] = {
      forward: (_, client) =>
        new Promise((resolve) => {
          client.onCuttable?.((refusal) => {
            cuts.push(refusal)
            resolve(refusal)
          })
          if (cuts.length === 0) forwarded += 1
        }),
    }
    running = await startPipeline({
      runtime: { forwarder },
      // The record of the permit is being written when the rules change.
      append: ({ type }) => {
        if (type === 'decision') void running?.replace({ policy: policyOf(DENY) })
      },
    })
    expect((await get(running)).status).toBe(403)
    expect([forwarded, cuts.map(({ reason }) => reason)]).toEqual([0, ['denied_by_rule']])
    expect(
      running.records.map(({ type, fields }) => [type, fields['effect'], fields['reason']]),
    ).toEqual([
      ['decision', 'permit', undefined],
      ['outcome', undefined, 'denied_by_rule'],
    ])
  })
})

describe('ten thousand open streams', () => {
  it('are decided within a second, without holding up the event loop', async () => {
    const runtime = runtimeOf([], { policy: policyOf(DENY) })
    let cut = 0
    const exchange = (): Exchange =>
      ({
        latest: () => runtime,
        policy: policyOf(PERMIT),
        subject: ALICE,
        environment: { now: 0, client: { ip: '127.0.0.1', source: 'peer' } },
        decisions: [{ action: 'infer', resource: { kind: 'model', name: 'm' }, decision: PERMIT }],
        cut: () => (cut += 1),
      }) as unknown as Exchange
    const open = new Set(Array.from({ length: 10_000 }, exchange))
    running = await startPipeline()
    const { metrics } = running
    let clock = 0
    const nothing = (): void => undefined
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log }
    const state = createMemoryStore({ clock: systemClock })
    const services = {
      // Each decision takes 0.1 ms here: a slice is 40 of them.
      clock: { now: () => 0, monotonicMs: () => (clock += 0.1) },
      ledger: { healthy: true, append: () => Promise.resolve() },
      metrics,
      log,
      state,
      ...watchingOf(state, systemClock),
      budgets: budgetsOver(state, systemClock),
    }
    let turns = 0
    const count = (): void => {
      turns += 1
      if (cut < open.size) setImmediate(count)
    }
    setImmediate(count)
    expect(await createAgainDecider(open, services).run()).toEqual({ decided: 10_000, cut: 10_000 })
    expect(turns).toBeGreaterThan(100)
  })
})
