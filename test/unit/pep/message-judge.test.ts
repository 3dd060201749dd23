/** Messages over a WebSocket are authorised and recorded before they pass. */
import { afterEach, describe, expect, it } from '@jest/globals'
import type { AccessRequest, Decision } from '../../../gateway/domain/access.ts'
import type { LedgerRecord, MessageJudge } from '../../../gateway/domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { Classification } from '../../../gateway/domain/request.ts'
import type { MessageWatch } from '../../../gateway/domain/watch.ts'
import type { PolicySnapshot } from '../../../gateway/pep/runtime.ts'
import {
  ALICE,
  entryOf,
  PERMIT,
  READ,
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

const DENY: Decision = { ...PERMIT, effect: 'deny', reason: 'no_rule', explanation: 'nobody may' }

/** A text is the name of a model; `-` names none, `!` is refused, `?` cannot be looked at. */
const frames: MessageWatch = {
  message: (kind, payload) => {
    const name = payload.toString()
    if (name === '?') throw new Error('broken')
    if (name === '!' || kind === 'binary') return refuse('model_missing')
    return name === '-' ? undefined : [{ action: 'infer', resource: { kind: 'model', name } }]
  },
}

interface Asked {
  readonly decide?: (request: AccessRequest) => Decision
  /** Whether the token has expired once the connection is open. */
  readonly expires?: boolean
  readonly append?: (record: LedgerRecord) => void
  readonly classification?: Classification
}

const policyOf = (decide: (request: AccessRequest) => Decision): PolicySnapshot => ({
  decisionPoint: { revision: 'r', decide },
  resources: { attributesOf: () => undefined },
  holdingsOf,
})

/** What comes of the messages on one connection: `passes`, or the reason. */
async function say(texts: readonly string[], asked: Asked = {}) {
  const classification = asked.classification ?? { ...READ, upgrade: true, frames }
  const judges: (MessageJudge | undefined)[] = []
  const verdicts: string[] = []
  const subject = { ...ALICE }
  pipeline = await startPipeline({
    ...(asked.append === undefined ? {} : { append: asked.append }),
    runtime: {
      policy: policyOf(asked.decide ?? (() => PERMIT)),
      authenticator: { authenticate: () => subject },
      upstreams: {
        select: (_, target) => ({
          entry: entryOf({ classifier: { classify: () => classification }, websocket: true }),
          target,
        }),
      },
      upgrades: {
        upgrade: async (_, { messages }) => {
          judges.push(messages)
          if (asked.expires === true) subject.expiresAt = 0
          for (const text of texts) {
            const verdict = await messages?.judge('text', Buffer.from(text))
            verdicts.push(isRefusal(verdict) ? told(verdict) : 'passes')
          }
          return refuse('upstream_connect')
        },
      },
    },
  })
  const lines = ['Host: a', 'Connection: Upgrade', 'Upgrade: websocket']
  const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
  await rawExchange(pipeline.port, `GET /m HTTP/1.1\r\n${[...lines, ...key].join('\r\n')}\r\n\r\n`)
  const more = pipeline.records.filter(({ type }) => type === 'decision.more')
  const { text } = await pipeline.metrics.expose()
  return { verdicts, judges, more: more.map(({ fields }) => fields), metrics: text }
}

const told = ({ reason, detail }: Refusal) =>
  detail === undefined ? reason : `${reason} ${detail}`

describe('messages', () => {
  it('that name models are decided once each, and recorded before they pass', async () => {
    const asked: string[] = []
    const decide = ({ action, resource }: AccessRequest) => {
      asked.push(`${action} ${resource.name}`)
      return PERMIT
    }
    const { verdicts, more } = await say(['a', '-', 'a', 'b'], { decide })
    expect(verdicts).toEqual(['passes', 'passes', 'passes', 'passes'])
    expect(asked).toEqual(['read m', 'infer a', 'infer b'])
    expect(more).toMatchObject([
      { effect: 'permit', ops: [{ act: 'infer', res: 'model:a' }] },
      { effect: 'permit', ops: [{ act: 'infer', res: 'model:b' }] },
    ])
  })

  it('of a model that is not permitted are refused, recorded and counted', async () => {
    const decide = ({ resource }: AccessRequest) => (resource.name === 'b' ? DENY : PERMIT)
    const { verdicts, more, metrics } = await say(['a', 'b'], { decide })
    expect(verdicts).toEqual(['passes', 'no_rule nobody may'])
    expect(more[1]).toMatchObject({ effect: 'deny', reason: 'no_rule' })
    expect(metrics).toMatch(/streams_cut_total\{reason="no_rule"\} 1/)
  })

  it.each([
    ['!', 'model_missing'],
    ['?', 'indeterminate'],
  ])('that the watch refuses are counted too: %s', async (text, reason) => {
    const { verdicts, more, metrics } = await say([text])
    expect(verdicts).toEqual([reason])
    expect(more).toEqual([])
    expect(metrics).toContain(`streams_cut_total{reason="${reason}"} 1`)
  })

  it('do not pass after the token has expired', async () => {
    const { verdicts } = await say(['a'], { expires: true })
    expect(verdicts).toEqual(['authn_expired'])
  })

  it('do not pass when they cannot be recorded', async () => {
    const append = ({ type }: LedgerRecord) => {
      if (type === 'decision.more') throw new Error('full')
    }
    expect((await say(['a'], { append })).verdicts).toEqual(['audit_unavailable'])
  })

  it('are decided again when the rules change while that is being recorded', async () => {
    const append = ({ type }: LedgerRecord) => {
      if (type === 'decision.more') {
        void pipeline?.replace({
          policy: policyOf(({ resource }) => (resource.name === 'a' ? DENY : PERMIT)),
        })
      }
    }
    expect((await say(['a'], { append })).verdicts).toEqual(['no_rule nobody may'])
  })

  it('are of no interest on other routes', async () => {
    const { judges } = await say([], { classification: { ...READ, upgrade: true } })
    expect(judges).toEqual([undefined])
  })

  it('are as long as what is read of a body', async () => {
    const { judges } = await say([])
    expect(judges[0]?.bytesMax).toBe(1024 * 1024)
  })
})
