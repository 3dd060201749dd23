/** `version …` and `provenance …`: what they ask, print, sign and find in a ledger. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { canonicalText, digestOf } from '../../../gateway/access/canonical.ts'
import { newDirectory, removeDirectories } from '../../support/audit-harness.ts'
import { inProcess } from '../../support/cli.ts'
import { startFakeControlApi, type FakeControlApi } from '../../support/fake-control-listener.ts'
import { writeTrail, type TimedRecord } from '../../support/trail.ts'

const STATEMENT = {
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: 'https://slsa.dev/provenance/v1',
  subject: [{ name: 'model:fraud', digest: { sha256: 'a'.repeat(64) } }],
  predicate: {
    buildDefinition: {
      externalParameters: {
        method: 'POST',
        path: '/v1/fine_tuning/jobs',
        destination: 'model:fraud',
        base: 'model:gpt-base',
        parameters: { seed: '7', note: 'a\u202eb' },
      },
      internalParameters: {
        grant: 'grant-1',
        policyRevision: 'sha256:00',
        approvals: [{ by: 'approver 1', at: '2026-11-22T10:00:00.000Z' }],
      },
      resolvedDependencies: [{ uri: 'dataset:claims', digest: { sha256: 'b'.repeat(64) } }],
    },
    runDetails: { metadata: { invocationId: 'd-1', startedOn: '2026-11-22T11:00:00.000Z' } },
  },
} as const
const TEXT = canonicalText(STATEMENT)

let api: FakeControlApi | undefined
afterEach(async () => {
  await api?.close()
  api = undefined
})
afterAll(removeDirectories)

async function run(line: string, document: object = { items: [] }, cwd = '/') {
  await api?.close()
  api = await startFakeControlApi(() => ({ document }))
  const env = { MODELGATE_CONTROL_URL: api.url, MODELGATE_TOKEN: 'a.b.c' }
  const result = await inProcess(line.split(' '), { cwd, env })
  return { ...result, seen: api.seen.map(({ call, body }) => ({ call, body })) }
}

describe('version', () => {
  const path = '/v1/versions/model%3Ateam%2Ffraud%404'
  it.each([
    ['version list --status restricted', 'GET /v1/versions?status=restricted&limit=200', undefined],
    ['version list --model fraud', 'GET /v1/versions?model=model%3Afraud&limit=200', undefined],
    ['version show team/fraud@4', `GET ${path}`, undefined],
    [
      'version release model:team/fraud@4 --reason fine',
      `POST ${path}/release`,
      { reason: 'fine' },
    ],
  ])('%s', async (line, call, body) => {
    const { code, stderr, seen } = await run(line)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(seen).toEqual([{ call, body }])
  })

  it.each(['version show fraud', 'version show a@1 b@2', 'version release a@1', 'provenance @1'])(
    'does not take %s',
    async (line) => {
      expect(await run(line)).toMatchObject({ code: 2, seen: [] })
    },
  )

  it('shows who released it and why, without tricks', async () => {
    const released = { by: 'user:dev/bob', at: '2026-11-22T12:00:00Z', reason: 'ok \u001b[31m' }
    const { stdout } = await run('version show a@1', { id: 'model:a@1', released })
    expect(stdout).toContain('user:dev/bob')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('provenance of a running gateway', () => {
  it('is shown to people, without tricks', async () => {
    const { code, stdout, seen } = await run('provenance fraud@4', STATEMENT)
    expect(code).toBe(0)
    expect(seen[0]?.call).toBe('GET /v1/versions/model%3Afraud%404/provenance')
    for (const told of ['grant-1', 'approver 1', 'dataset:claims', 'seed=7', digestOf(STATEMENT)]) {
      expect(stdout).toContain(told)
    }
    expect(stdout).not.toContain('\u202e')
  })

  it('is written byte for byte as its digest is of', async () => {
    expect((await run('provenance fraud@4 --format intoto', STATEMENT)).stdout).toBe(TEXT)
  })

  it('is one document for machines that no terminal acts on', async () => {
    const { code, stdout, stderr } = await run('provenance fraud@4 --format json', STATEMENT)
    expect([code, stderr, stdout.includes('\u202e')]).toEqual([0, '', false])
    expect(JSON.parse(stdout)).toEqual(STATEMENT)
  })

  it.each(['text', 'json'])('is not shown as %s when it is something else', async (format) => {
    const ended = await run(`provenance fraud@4 --format ${format}`, { _type: 'x' })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('a signed provenance', () => {
  it('is verified with the public key alone', async () => {
    const dir = newDirectory()
    const at = { cwd: dir }
    await inProcess(['audit', 'keygen', '--out', 'p.key', '--name', 'gate/p'], at)
    const sealed = await run('provenance fraud@4 --format dsse --key p.key', STATEMENT, dir)
    const envelope = JSON.parse(sealed.stdout) as { payload: string; payloadType: string }
    expect(envelope.payloadType).toBe('application/vnd.in-toto+json')
    expect(Buffer.from(envelope.payload, 'base64').toString()).toBe(TEXT)
    writeFileSync(join(dir, 'f.dsse'), sealed.stdout)
    const args = ['provenance', 'verify', 'f.dsse', '--vkey', 'p.key.pub']
    expect(await inProcess([...args, '--format', 'intoto'], at)).toMatchObject({
      code: 0,
      stdout: TEXT,
      stderr: 'gate/p has signed it.\n',
    })
    expect((await inProcess(args, at)).stdout).toContain('dataset:claims')

    const other = readFileSync(join(dir, 'f.dsse'), 'utf8').replace('in-toto', 'not-toto')
    writeFileSync(join(dir, 'f.dsse'), other)
    expect(await inProcess(args, at)).toMatchObject({ code: 1, stdout: '' })
  })

  it('needs a key, and a key is for nothing else', async () => {
    expect((await run('provenance fraud@4 --format dsse', STATEMENT)).code).toBe(2)
    expect((await run('provenance fraud@4 --key p.key', STATEMENT)).code).toBe(2)
    expect((await inProcess(['provenance', 'verify', 'x'], { cwd: '/' })).code).toBe(2)
  })
})

describe('provenance in a ledger', () => {
  const registration = (run: string | undefined, at = 5): TimedRecord => ({
    at,
    type: 'registration',
    fields: { id: 'r', res: 'model:fraud@4', ver: '4', ...(run === undefined ? {} : { run }) },
  })
  const recorded = (statement: string, digest = digestOf(STATEMENT)): TimedRecord => ({
    at: 1,
    type: 'provenance',
    fields: { id: 'd-1', digest, statement },
  })
  const read = (...records: readonly TimedRecord[]) => {
    const dir = newDirectory()
    writeTrail(records, { dir, segmentRecords: 100 })
    const args = ['provenance', 'model:fraud@4', '--format', 'intoto', '--dir', dir]
    return inProcess(args, { cwd: '/' })
  }

  it('is found from the registration, without a gateway', async () => {
    const done = await read(recorded(TEXT), registration('d-1'))
    expect(done).toEqual({ code: 0, stdout: TEXT, stderr: '' })
  })

  it('is that of the newest registration', async () => {
    const done = await read(recorded(TEXT), registration('d-0', 3), registration('d-1'))
    expect(done.stdout).toBe(TEXT)
  })

  it.each([
    ['no registration', [recorded(TEXT)], 'no registration'],
    ['no training', [recorded(TEXT), registration(undefined)], 'not known which'],
    ['no statement', [registration('d-1')], 'no statement'],
    ['another statement', [recorded('{}'), registration('d-1')], 'not what its digest is of'],
  ])('is not told with %s', async (_what, records, why) => {
    const { code, stdout, stderr } = await read(...records)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(why)
  })
})
