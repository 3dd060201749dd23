/** Where a duty cannot be discharged, nothing is forwarded; where there is nothing to do, all is. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { builtInPackFiles, loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'
import { foldFieldName } from '../../../gateway/classify/names.ts'
import type { Obligation } from '../../../gateway/domain/access.ts'
import { dutiesOf } from '../../../gateway/pep/obligations/duties.ts'
import { SPELLINGS } from '../../../gateway/pep/obligations/spelling-table.ts'
import { PERMIT, startPipeline, type TestPipeline, holdingsOf } from '../../support/pipeline.ts'
import { rawExchange } from '../../support/raw-client.ts'

let pipeline: TestPipeline | undefined
afterEach(async () => {
  await pipeline?.close()
  pipeline = undefined
})

const source = 'limits.yaml:3'
const CAP: Obligation = {
  type: 'parameter.cap',
  parameters: { parameter: 'max_tokens', max: 5 },
  source,
}

async function ask(lines: readonly string[], body = '', obligations = [CAP]) {
  const policy = {
    decisionPoint: { revision: 'r', decide: () => ({ ...PERMIT, obligations }) },
    resources: { attributesOf: () => undefined },
    holdingsOf,
  }
  pipeline = await startPipeline({ runtime: { policy } })
  const { responses } = await rawExchange(pipeline.port, `${lines.join('\r\n')}\r\n\r\n${body}`)
  const isForwarded = pipeline.calls.includes('forward')
  return { body: responses[0]?.body.toString() ?? '', isForwarded, records: pipeline.records }
}

const JSON_TYPE = 'Content-Type: application/json'
const post = (body: string, ...lines: string[]) =>
  ask(['POST /m HTTP/1.1', 'Host: a', `Content-Length: ${body.length}`, ...lines], body)

describe('a request with limits on parameters', () => {
  it('goes on when it has no body', async () => {
    expect(await ask(['GET /m HTTP/1.1', 'Host: a'])).toMatchObject({ isForwarded: true })
  })

  it.each([
    ['body_encoding', '{}', 'Content-Type: text/plain'],
    ['body_encoding', '{}', 'Content-Type: multipart/form-data; boundary=x'],
    ['body_encoding', 'max_tokens=9', 'Content-Type: application/x-www-form-urlencoded'],
    ['body_encoding', '{}', 'Content-Type: application/json; charset=utf-16'],
    ['body_encoding', '{}', 'Content-Encoding: gzip'],
    ['body_over_peek', `{"a":"${'x'.repeat(1024 * 1024)}"}`, JSON_TYPE],
    ['body_unparsable', '\xff{}', JSON_TYPE],
    ['body_unparsable', '['.repeat(100), JSON_TYPE],
    ['body_unparsable', `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`, JSON_TYPE],
    ['parameter_refused', '{"max_tokens":"9"}', JSON_TYPE],
  ])('is refused with %s', async (reason, text, line) => {
    const { body, isForwarded } = await post(text, line)
    expect(isForwarded).toBe(false)
    expect(JSON.parse(body)).toMatchObject({ reason })
    expect(body).toContain('max_tokens')
    expect(body).toContain(source)
  })

  it.each([
    ['include[]=message.output_text.logprobs', false],
    ['include=a,message%2Eoutput_text.logprobs', false],
    ['include[]=reasoning.encrypted_content', true],
    ['top%5Flogprobs=5', false],
    ['x=top_logprobs', true],
  ])('may not ask for them in the query: %s', async (query, isForwarded) => {
    const strip = { type: 'parameter.strip', parameters: { parameter: 'logprobs' }, source }
    const asked = await ask([`GET /m?${query} HTTP/1.1`, 'Host: a'], '', [strip])
    expect(asked.isForwarded).toBe(isForwarded)
  })

  it('leaves its duties in the record, each once', async () => {
    const { records } = await ask(['GET /m HTTP/1.1', 'Host: a'], '', [CAP, CAP])
    expect(records[0]?.fields['obl']).toEqual([
      { type: 'parameter.cap', parameter: 'max_tokens', max: 5, src: source },
    ])
  })
})

describe('an obligation that is not understood', () => {
  const parameters = { parameter: 'max_tokens' }
  it.each<Pick<Obligation, 'type' | 'parameters'>>([
    { type: 'parameter.double', parameters },
    { type: 'constructor', parameters: {} },
    { type: 'parameter.cap', parameters },
    { type: 'parameter.cap', parameters: { ...parameters, max: -1 } },
    { type: 'parameter.cap', parameters: { ...parameters, max: '5' } },
    { type: 'parameter.cap', parameters: { ...parameters, max: 5, add: 'yes' } },
    { type: 'parameter.strip', parameters: { parameter: 'temperature' } },
    { type: 'response.bytes', parameters: { max: Infinity } },
    { type: 'response.redact', parameters: { fields: [] } },
    { type: 'response.redact', parameters: { fields: ['a\r\nb'] } },
  ])('is found: %j', (one) => {
    const obligations = [CAP, { ...one, source }]
    const resource = { kind: 'model', name: 'm' } as const
    const duties = dutiesOf([{ action: 'infer', resource, decision: { ...PERMIT, obligations } }])
    expect(duties).toMatchObject(one)
  })
})

it('no parameter is a field by which a request is classified', async () => {
  const packs = loadPacks([...(await builtInPackFiles())])
  if (!packs.ok) throw new Error('the packs should load')
  const rows = [...packs.value.values()].flatMap((pack) => pack.routes.map(({ row }) => row))
  const origins = rows.flatMap(({ names, versions, effects, when }) => [
    ...[...names, ...versions].map(({ origin }) => origin),
    ...effects.flatMap((effect) => effect.names.map(({ origin }) => origin)),
    ...when.map(({ origin }) => origin),
  ])
  const fields = origins.flatMap((one) => (one.kind === 'body' ? one.name.split(/[.[\]]+/) : []))
  expect(fields).toContain('model')
  expect(fields.filter((name) => SPELLINGS.has(foldFieldName(name)))).toEqual([])
})
