/**
 * What every security test of the data listener asserts of a refusal: the status, an answer that
 * names its record, the record with its reason, one more in the metric, and an upstream that has
 * not received a byte.
 */
import { expect } from '@jest/globals'
import { REASONS, type Reason, type Stage } from '../../gateway/domain/reasons.ts'
import { afterResponses, rawExchange, type RawResponse } from './raw-client.ts'
import { startWorld, type World, type WorldOptions, type WorldRecord } from './world.ts'

/** A route whose model is named in the path and in the body. */
const BOTH_PACK = `pack: both
title: a server that names the model twice
profile: { decodes_path: true }
routes:
  - { methods: [POST], path: "/models/{model}/infer", action: infer, model: [{ path: model }, { body: model }], body: json }
  - { methods: [DELETE], path: "/models/{model}", action: deploy, model: [{ path: model }], body: any }
`

/** Hosts of {@link startAttackWorld}, each with the pack it stands for. */
export const HOSTS = {
  models: 'models.test',
  llm: 'llm.test',
  registry: 'registry.test',
  both: 'both.test',
} as const

/** A world with four upstreams, one host each, all of them the one recording upstream. */
export function startAttackWorld(options: WorldOptions = {}): Promise<World> {
  return startWorld({
    upstreams: [
      { name: 'models', pack: 'kserve', match: { host: HOSTS.models } },
      { name: 'llm', pack: 'vllm', match: { host: HOSTS.llm } },
      { name: 'registry', pack: 'mlflow', match: { host: HOSTS.registry } },
      { name: 'both', pack: 'both', match: { host: HOSTS.both } },
    ],
    ...options,
    rules: { 'routes/both.yaml': BOTH_PACK, ...options.rules },
  })
}

/** The parts of a request; everything goes out exactly as given. */
export interface RequestText {
  readonly method?: string
  readonly target?: string
  readonly version?: string
  /** `undefined` sends no Host. */
  readonly host?: string | undefined
  readonly token?: string | undefined
  /** Whole header lines, without line ends. */
  readonly lines?: readonly string[]
  readonly body?: string | Buffer
}

/** The bytes of a request. A body gets a Content-Length unless a line frames it. */
export function request(parts: RequestText = {}): string {
  const {
    method = 'GET',
    target = '/v2/models/iris',
    version = 'HTTP/1.1',
    token,
    lines = [],
  } = parts
  const host = 'host' in parts ? parts.host : HOSTS.models
  const body = parts.body === undefined ? '' : Buffer.from(parts.body).toString('latin1')
  const framed = lines.some((line) => /^(?:content-length|transfer-encoding)/i.test(line))
  const head = [
    `${method} ${target} ${version}`,
    ...(host === undefined ? [] : [`Host: ${host}`]),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...lines,
    ...(parts.body === undefined || framed ? [] : [`Content-Length: ${body.length}`]),
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** A JSON body with its content type, as request parts. */
export function json(value: unknown): Pick<RequestText, 'method' | 'lines' | 'body'> {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return { method: 'POST', lines: ['Content-Type: application/json'], body }
}

/** What a refusal must be. */
export interface ExpectedRefusal {
  readonly reason: Reason
  /** The stage that spoke; the one of the reason by default. */
  readonly stage?: Stage
  /**
   * Type of the record. Either by default: what Node's parser refuses before there is a request
   * (`protocol.rejected`) differs between its versions, and must make no difference to callers.
   */
  readonly type?: 'decision' | 'protocol.rejected'
}

const TYPES = ['decision', 'protocol.rejected']

/** What was found out about a refusal. */
export interface SeenRefusal {
  readonly response: RawResponse
  readonly record: WorldRecord
}

/**
 * Sends `bytes` and asserts the refusal. With `closes`, the connection must end after it, and a
 * well-formed permitted request sent behind it must be neither answered nor forwarded.
 */
export async function expectRefusal(
  world: World,
  bytes: string | Buffer,
  expected: ExpectedRefusal,
  { closes = false } = {},
): Promise<SeenRefusal> {
  const { reason, stage = REASONS[reason].stage } = expected
  const count = () => world.metric('refusals_total', { reason, stage })
  const [before, received] = [await count(), world.upstream.received().length]
  const behind = closes ? request({ token: await world.token(['reader']) }) : ''
  const { responses, endedBy } = await rawExchange(
    world.port,
    Buffer.concat([Buffer.from(bytes as string, 'latin1'), Buffer.from(behind)]),
    { until: closes ? () => false : afterResponses(1, { headOnly: isHead(bytes) }) },
  )
  const [response] = responses
  if (response === undefined) throw new Error(`no answer; the connection ended by ${endedBy}`)
  expect(responses.map(({ status }) => status)).toEqual([REASONS[reason].status])
  if (closes) expect(['close', 'reset']).toContain(endedBy)
  const id = decisionId(response, isHead(bytes))
  const record = await world.whenRecord((one) => one.id === id)
  expect(record).toMatchObject({ reason, stage })
  expect(expected.type === undefined ? TYPES : [expected.type]).toContain(record.type)
  expect(await count()).toBe(before + 1)
  expect(world.upstream.received()).toHaveLength(received)
  return { response, record }
}

function isHead(bytes: string | Buffer): boolean {
  return bytes.toString('latin1').startsWith('HEAD ')
}

/** The id in the header, which must be the one in the body. */
function decisionId(response: RawResponse, headOnly: boolean): string {
  const id = response.header('x-modelgate-decision-id') ?? ''
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  if (headOnly) return id
  const body = JSON.parse(response.body.toString()) as Record<string, unknown>
  // In OpenAI's shape `error` holds it all; in a problem document it is one line beside the rest.
  const { error } = body
  const told = typeof error === 'object' ? (error as Record<string, unknown>) : body
  expect(told['decision_id']).toBe(id)
  expect(told['remedy']).toEqual(expect.any(String))
  return id
}

/** Sends `bytes` and asserts that the upstream answered. */
export async function expectForwarded(world: World, bytes: string): Promise<RawResponse> {
  const before = world.upstream.requests.length
  const { responses } = await rawExchange(world.port, bytes)
  const [response] = responses
  if (response === undefined) throw new Error('no answer')
  expect([response.status, response.body.toString()]).toEqual([200, 'ok'])
  expect(world.upstream.requests).toHaveLength(before + 1)
  return response
}
