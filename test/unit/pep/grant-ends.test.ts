/** A grant that ends after the decision (threats §2.H 274): before anything is sent, and in the middle. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import type { Grant } from '../../../gateway/domain/access.ts'
import type { ForwardClient, ForwardOutcome } from '../../../gateway/domain/ports.ts'
import type { Refusal } from '../../../gateway/domain/refusal.ts'
import { entryOf, EXPORT, startPipeline, type TestPipeline } from '../../support/pipeline.ts'

const ENDS = 1_000

const GRANT: Grant = {
  id: 'grant-1',
  to: ['user:dev/alice'],
  actions: ['export'],
  resources: [{ kind: 'model', name: 'm' }],
  startsAt: 0,
  expiresAt: ENDS,
  request: 'req-1',
  approvals: [],
}

let running: TestPipeline | undefined
afterEach(() => running?.close())

type Forward = (client: ForwardClient) => Promise<ForwardOutcome | Refusal>

/** An export by the grant; `now` is the time of the store. */
async function exportWith(now: () => number, forward: Forward): Promise<Response> {
  running = await startPipeline({
    access: { ...NO_ACCESS, now, findGrant: () => (now() < ENDS ? { grant: GRANT } : {}) },
    runtime: {
      upstreams: {
        select: (_, target) => ({
          entry: entryOf({ classifier: { classify: () => EXPORT } }),
          target,
        }),
      },
      forwarder: { forward: (_, client) => forward(client) },
    },
  })
  return fetch(`http://127.0.0.1:${running.port}/m`)
}

const PASSED: ForwardOutcome = {
  status: 200,
  requestBytes: 0,
  responseBytes: 2,
  endedBy: 'upstream',
}

describe('an export whose grant ends', () => {
  it('between the decision and the first byte is not sent', async () => {
    let [time, sent] = [ENDS - 1, 0]
    const answer = await exportWith(
      () => time,
      (client) => {
        time = ENDS
        let refusal: Refusal | undefined
        client.onCuttable?.((why) => (refusal = why))
        if (refusal !== undefined) return Promise.resolve(refusal)
        sent += 1
        return Promise.resolve(PASSED)
      },
    )
    expect([answer.status, sent]).toEqual([502, 0])
    expect(await answer.json()).toMatchObject({ reason: 'grant_ended' })
    expect(running?.records.map(({ type, fields }) => [type, fields['reason']])).toEqual([
      ['decision', undefined],
      ['outcome', 'grant_ended'],
    ])
  })

  it('in the middle is ended then, by the time of the store', async () => {
    const begun = performance.now()
    const now = () => ENDS - 50 + (performance.now() - begun)
    const answer = await exportWith(
      now,
      (client) => new Promise((resolve) => client.onCuttable?.(resolve)),
    )
    expect(now()).toBeGreaterThanOrEqual(ENDS)
    expect(await answer.json()).toMatchObject({ reason: 'grant_ended' })
    const { text } = (await running?.metrics.expose()) ?? { text: '' }
    expect(text).toContain('modelgate_streams_cut_total{reason="grant_ended"} 1')
  })
})
