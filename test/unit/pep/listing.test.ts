/** What a caller gets of an answer that lists models, stage by stage, over a stand-in upstream. */
import { afterEach, describe, expect, it } from '@jest/globals'
import type { AccessRequest, Decision, Obligation } from '../../../gateway/domain/access.ts'
import type { ForwardClient, OutboundRequest, ResponseHead } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { Classification } from '../../../gateway/domain/request.ts'
import type { Runtime } from '../../../gateway/pep/runtime.ts'
import {
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

const LISTING: Classification = {
  ...READ,
  operations: [{ action: 'read', resource: { kind: 'server', name: 'up' } }],
  listing: [
    {
      items: ['data'],
      read: (element) =>
        typeof element === 'string' ? { kind: 'model', name: element } : undefined,
    },
  ],
}
const DENY: Decision = { ...PERMIT, effect: 'deny', reason: 'no_rule' }
const HEAD: ResponseHead = { status: 200, headers: ['content-type', 'application/json'] }

/** An answer of the upstream as the forwarder carries it past the guard. */
function carry(head: ResponseHead, chunks: readonly string[]) {
  return async (_: OutboundRequest, { guard, response }: ForwardClient) => {
    const judged = guard.head(head)
    if (isRefusal(judged)) return judged
    let bytes = Buffer.alloc(0)
    for (const chunk of chunks) {
      const verdict = guard.chunk(Buffer.from(chunk))
      if (isRefusal(verdict)) return verdict
      if (verdict !== 'hold') bytes = Buffer.concat([bytes, verdict ?? Buffer.from(chunk)])
    }
    const last = guard.end()
    if (isRefusal(last)) return last
    response.writeHead(judged.status, judged.headers as string[])
    await new Promise<void>((resolve) => {
      response.end(Buffer.concat([bytes, last ?? Buffer.alloc(0)]), resolve)
    })
    return { status: 200, requestBytes: 0, responseBytes: 1, endedBy: 'upstream' as const }
  }
}

interface Asked {
  readonly decide?: (request: AccessRequest) => Decision
  readonly classification?: Classification
  readonly head?: ResponseHead
  readonly method?: string
}

async function list(chunks: readonly string[], asked: Asked = {}) {
  const { decide = () => PERMIT, classification = LISTING, head = HEAD, method = 'GET' } = asked
  const sent: OutboundRequest[] = []
  const runtime: Partial<Runtime> = {
    policy: {
      decisionPoint: { revision: 'r', decide },
      resources: { attributesOf: () => undefined },
      holdingsOf,
    },
    upstreams: {
      select: (_, target) => ({
        entry: entryOf({ classifier: { classify: () => classification } }),
        target,
      }),
    },
    forwarder: {
      forward: (outbound, client) => (sent.push(outbound), carry(head, chunks)(outbound, client)),
    },
  }
  pipeline = await startPipeline({ runtime })
  const lines = ['Host: a', 'Accept-Encoding: gzip', 'Range: bytes=0-9']
  const bytes = `${method} /m HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  const { responses } = await rawExchange(pipeline.port, bytes)
  const [response] = responses
  const outcome = pipeline.records.find(({ type }) => type === 'outcome')?.fields
  const { text } = await pipeline.metrics.expose()
  const hidden = Number(/modelgate_listing_hidden_total\{upstream="up"\} (\d+)/.exec(text)?.[1])
  return { response, body: response?.body.toString() ?? '', outcome, hidden, sent, pipeline }
}

const allow =
  (...names: readonly string[]) =>
  ({ resource }: AccessRequest) =>
    resource.kind === 'server' || names.includes(resource.name) ? PERMIT : DENY

describe('an answer that lists models', () => {
  it('shows those the caller may read, and counts the others', async () => {
    const chunks = ['{"data":["a","b"', ',"c",1]}']
    const { body, outcome, hidden, response } = await list(chunks, { decide: allow('a', 'c') })
    expect(body).toBe('{"data":["a","c"]}')
    expect(outcome).toMatchObject({ status: 200, listed: 2, hidden: 2, reason: undefined })
    expect(hidden).toBe(2)
    expect(response?.header('cache-control')).toBe('no-store')
  })

  it('is decided for the caller and the circumstances of the request, and not recorded', async () => {
    const requests: AccessRequest[] = []
    const decide = (request: AccessRequest) => (requests.push(request), PERMIT)
    const { pipeline } = await list(['{"data":["a"]}'], { decide })
    expect(requests).toHaveLength(2)
    const [server, element] = requests
    expect(element).toMatchObject({ action: 'read', resource: { kind: 'model', name: 'a' } })
    expect(element?.subject).toBe(server?.subject)
    expect(element?.environment).toEqual(server?.environment)
    expect(pipeline.records.map(({ type }) => type)).toEqual(['decision', 'outcome'])
  })

  it('needs the permission of its route all the same', async () => {
    const { response, sent } = await list(['{"data":["a"]}'], { decide: () => DENY })
    expect(response?.status).toBe(403)
    expect(sent).toEqual([])
  })

  it('is asked for whole and not coded, even where weights may be exported', async () => {
    const operations: Classification['operations'] = [
      { action: 'export', resource: { kind: 'server', name: 'up' } },
    ]
    const classification = { ...LISTING, operations }
    const { sent, body } = await list(['{"data":["a"]}'], { classification, decide: allow() })
    expect(body).toBe('{"data":[]}')
    expect(sent[0]?.headers).toEqual(expect.arrayContaining(['accept-encoding', 'identity']))
    expect(sent[0]?.headers).not.toContain('range')
  })

  it.each(['throws', 'indeterminate'])('hides what cannot be decided: %s', async (how) => {
    const decide = ({ resource }: AccessRequest): Decision => {
      if (resource.kind === 'server') return PERMIT
      if (how === 'throws') throw new Error('broken')
      return { ...PERMIT, effect: 'indeterminate' }
    }
    const { body, outcome } = await list(['{"data":["a"]}'], { decide })
    expect(body).toBe('{"data":[]}')
    expect(outcome).toMatchObject({ listed: 0, hidden: 1 })
  })

  it('hides what comes with a duty on the answer that is not being done', async () => {
    const redact = (fields: readonly string[]): Obligation => ({
      type: 'response.redact',
      parameters: { fields: [...fields] },
      source: 'limits.yaml:3',
    })
    const decide = ({ resource }: AccessRequest): Decision => {
      if (resource.name === 'open') return PERMIT
      return { ...PERMIT, obligations: [redact(resource.name === 'b' ? ['y'] : ['x'])] }
    }
    const { body } = await list(['{"data":["a","b","open"],"x":1}'], { decide })
    expect(body).toBe('{"data":["a","open"]}')
  })

  it('is refused when it cannot be filtered, and told so', async () => {
    const { response, body, outcome, pipeline } = await list(['{"data":["a"],"data":["b"]}'])
    expect(response?.status).toBe(502)
    expect(JSON.parse(body)).toMatchObject({ reason: 'response_unfilterable' })
    expect(outcome).toMatchObject({ reason: 'response_unfilterable', found: 'unreadable' })
    expect(pipeline.logged).toContain('a response was cut')
    const { text } = await pipeline.metrics.expose()
    expect(text).toMatch(/refusals_total\{stage="guard",reason="response_unfilterable"\} 1/)
    expect(text).not.toMatch(/guard_incidents_total\{.*\} [1-9]/)
  })

  it('has a head alone for HEAD', async () => {
    const head = { status: 200, headers: [...HEAD.headers, 'content-length', '999', 'etag', '"x"'] }
    const { response, outcome } = await list([], { head, method: 'HEAD' })
    expect(response?.status).toBe(200)
    expect(response?.header('content-length')).toBeUndefined()
    expect(response?.header('etag')).toBeUndefined()
    expect(outcome).toMatchObject({ listed: 0, hidden: 0 })
  })
})
