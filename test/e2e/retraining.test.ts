/** The story of a retraining, from the request to the proof: `docs/retraining.md`, against the built gateway. */
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, RequestListener } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { runModelgate, startBuiltGateway, type BuiltGateway } from '../support/built-gateway.ts'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  type Name,
} from '../support/privilege-world.ts'

jest.setTimeout(120_000)

const DIGEST = `sha256:${'a'.repeat(64)}`

const POLICY = `p, role:exporter, retrain, model:*, granted, allow
p, role:owner, retrain, model:fraud, always, allow
p, role:owner, deploy, model:fraud, always, allow
p, role:owner, export, model:fraud, always, allow
p, role:owner, export, server:registry, always, allow
p, role:member, read, server:gate:requests, always, allow
p, role:operator, read, server:gate:*, always, allow
p, role:operator, admin, server:gate:*, always, allow
`

const RULES = {
  'conditions.yaml': 'conditions:\n  granted:\n    kind: grant\n',
  'resources.yaml': JSON.stringify({
    models: {},
    datasets: { 'file-train': { classification: 'internal', digest: DIGEST } },
  }),
  'approvals.yaml': JSON.stringify({
    approvals: {
      trainings: {
        for: { actions: ['retrain'], resources: ['model:*'] },
        require: [{ count: 2, from: ['role:owner'] }],
        demands: { ticket: 'OPS-*' },
      },
    },
  }),
}

let issuer: DevIssuer
let upstream: HttpUpstream
let gateway: BuiltGateway
/** Bodies of jobs that the upstream was asked for. */
const jobs: string[] = []

const answer: RequestListener = (request, response) => {
  void textOf(request).then((body) => {
    response.setHeader('content-type', 'application/json')
    if (request.url?.startsWith('/v1/fine_tuning/jobs') === true) {
      jobs.push(body)
      response.end('{"id":"ftjob-1","object":"fine_tuning.job","status":"queued"}')
    } else if (request.url?.includes('/model-versions/create') === true) {
      const version = { name: 'fraud', version: '4', run_id: 'ftjob-1', current_stage: 'None' }
      response.end(JSON.stringify({ model_version: version }))
    } else response.end('{"artifact_uri":"mlflow-artifacts:/models/fraud"}')
  })
}

beforeAll(async () => {
  issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  upstream = await startHttpUpstream(answer)
  gateway = await startBuiltGateway({
    ...PRIVILEGE_FILES,
    issuerUrl: issuer.issuer,
    upstreamUrl: upstream.url,
    upstreams: [
      { name: 'trainer', pack: 'openai', match: { path_prefix: '/llm' }, strip_prefix: true },
      { name: 'registry', pack: 'mlflow', match: { path_prefix: '/mlflow' }, strip_prefix: true },
    ],
    policy: POLICY,
    rules: RULES,
    config: {
      ...PRIVILEGE_FILES.config,
      training: { zone: ['trainer'], classifications: ['internal'], required: true },
    },
  })
  for (const name of ['erin', 'olga', 'oscar', 'root'] as const) {
    await writeFile(tokenFile(name), await tokenOf(issuer, name, CONTROL_AUDIENCE))
  }
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
  await issuer.close()
})

const tokenFile = (name: Name) => join(gateway.dir, `${name}.token`)

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** What a command line prints. @throws when it does not end with 0 */
async function run(as: Name, ...args: string[]): Promise<string> {
  const more = ['--url', gateway.controlUrl, '--token-file', tokenFile(as)]
  const { code, stdout, stderr } = await runModelgate([...args, ...more], { cwd: gateway.dir })
  expect([args, code, stderr]).toEqual([args, 0, ''])
  return stdout
}

const shown = async (as: Name, ...args: string[]) =>
  JSON.parse(await run(as, ...args, '--format', 'json')) as Readonly<Record<string, unknown>>

/** A call on the data listener: its status, and the reason of a refusal. */
async function call(as: Name, path: string, body?: object): Promise<[number, unknown]> {
  const token = await tokenOf(issuer, as, 'modelgate')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const how = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(gateway.url + path, { headers, ...how })
  const text = await response.text()
  if (response.ok) return [response.status, undefined]
  const { reason, error } = JSON.parse(text) as { reason?: string; error?: { code?: string } }
  return [response.status, reason ?? error?.code]
}

const JOB = { model: 'gpt-base', training_file: 'file-train', suffix: 'fraud', seed: 7 }
const train = (job: object) => call('erin', '/llm/v1/fine_tuning/jobs', job)
const uri = '/mlflow/api/2.0/mlflow/model-versions/get-download-uri?name=fraud&version=4'

it('is asked for, agreed to by two, and then may be done exactly as agreed', async () => {
  expect(await train(JOB)).toEqual([403, 'condition_failed'])
  const terms = ['--dataset', `file-train=${DIGEST}`, '--base', 'model:gpt-base']
  const what = ['--action', 'retrain', '--resource', 'model:gpt-base', '--into', 'model:fraud']
  const why = ['--for', '8h', '--reason', 'drift', '--ticket', 'OPS-7']
  const asked = await shown('erin', 'request', 'create', ...what, ...terms, ...why)
  const { id, digest } = asked as { id: string; digest: string }
  for (const owner of ['olga', 'oscar'] as const) {
    await run(owner, 'request', 'approve', id, '--digest', digest)
  }
  expect(await train({ ...JOB, validation_file: 'file-check' })).toEqual([403, 'grant_mismatch'])
  expect(await train({ ...JOB, suffix: 'other' })).toEqual([403, 'grant_mismatch'])
  expect(jobs).toEqual([])
  expect(await train(JOB)).toEqual([200, undefined])
  expect(jobs).toEqual([JSON.stringify(JOB)])
  const { statement } = await gateway.whenRecord(({ type }) => type === 'provenance')
  expect(JSON.parse(String(statement))).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
  })
  expect(String(statement)).toContain('a'.repeat(64))
})

it('makes a version that is linked to it, and restricted until somebody else releases it', async () => {
  const version = { name: 'fraud', source: 'runs:/ftjob-1/model', run_id: 'ftjob-1' }
  const create = '/mlflow/api/2.0/mlflow/model-versions/create'
  expect(await call('olga', create, version)).toEqual([200, undefined])
  expect(await call('olga', uri)).toEqual([403, 'version_restricted'])
  const listed = await run('root', 'version', 'list', '--status', 'restricted')
  expect(listed).toContain('model:fraud@4')
  const release = ['version', 'release', 'model:fraud@4', '--reason', 'evaluated, EVAL-31']
  const more = ['--url', gateway.controlUrl, '--token-file', tokenFile('erin')]
  const own = await runModelgate([...release, ...more], { cwd: gateway.dir })
  expect([own.code, own.stdout]).toEqual([1, ''])
  await run('root', ...release)
  expect(await call('olga', uri)).toEqual([200, undefined])
})

it('is proven by a statement that is signed, and by the ledger alone', async () => {
  const options = { cwd: gateway.dir }
  const key = join(gateway.dir, 'provenance.key')
  const made = await runModelgate(['audit', 'keygen', '--name', 'gate/p', '--out', key], options)
  expect([made.code, made.stderr]).toEqual([0, expect.any(String)])
  const envelope = await run(
    'root',
    'provenance',
    'model:fraud@4',
    '--format',
    'dsse',
    '--key',
    key,
  )
  const file = join(gateway.dir, 'fraud-4.dsse')
  await writeFile(file, envelope)
  const verify = ['provenance', 'verify', file, '--vkey', `${key}.pub`]
  expect((await runModelgate(verify, options)).code).toBe(0)
  await writeFile(file, (await readFile(file, 'utf8')).replace('"payload":"ey', '"payload":"ez'))
  expect((await runModelgate(verify, options)).code).not.toBe(0)
  const offline = ['provenance', 'model:fraud@4', '--dir', 'audit', '--format', 'intoto']
  const alone = await runModelgate(offline, options)
  expect([alone.code, alone.stderr]).toEqual([0, ''])
  const { payload } = JSON.parse(envelope) as { payload: string }
  expect(JSON.parse(alone.stdout)).toEqual(JSON.parse(Buffer.from(payload, 'base64').toString()))
})
