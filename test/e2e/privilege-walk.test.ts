/**
 * The command line of privilege as people use it, against one built gateway: what each verb shows to
 * people and to machines, what it says of mistakes, and with which code it ends.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { CONTROL_VERBS } from '../../gateway/cli/control/verbs.ts'
import { runModelgate, startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'
import { PATH } from '../support/exports.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  type Name,
} from '../support/privilege-world.ts'

jest.setTimeout(120_000)

const WEIGHTS = Buffer.alloc(1_000, 7)
const ESCAPE = String.fromCharCode(27)

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld({
    ...PRIVILEGE_FILES,
    handler: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(WEIGHTS)
    },
  })
  for (const name of ['erin', 'olga', 'oscar', 'root', 'ruth', 'sam'] as const) {
    await writeFile(tokenFile(name), await tokenOf(world.issuer, name, CONTROL_AUDIENCE))
  }
  await writeFile(tokenFile('other'), await tokenOf(world.issuer, 'erin', 'modelgate'))
  await writeFile(tokenFile('empty'), '\n')
  const old = Math.floor(Date.now() / 1_000) - 3_600
  const ended = { iat: old, nbf: old, exp: old + 60 }
  await writeFile(tokenFile('ended'), await tokenOf(world.issuer, 'erin', CONTROL_AUDIENCE, ended))
})
afterAll(() => world.close())

const tokenFile = (name: string) => join(world.dir, `${name}.token`)

/** One command line; `as` names a file with a token. In this process: one of them is run as one. */
function run(as: string, line: readonly string[] | string, colour = false) {
  const args = typeof line === 'string' ? line.split(' ') : line
  const env = { MODELGATE_CONTROL_URL: world.controlUrl, MODELGATE_TOKEN_FILE: tokenFile(as) }
  return inProcess(args, { cwd: world.dir, env, colour })
}

/** What it shows to machines: one document, and nothing else anywhere. */
async function shown(as: Name, line: readonly string[] | string) {
  const args = typeof line === 'string' ? line.split(' ') : line
  const { code, stdout, stderr } = await run(as, [...args, '--format', 'json'], true)
  expect([args, code, stderr]).toEqual([args, 0, ''])
  expect(stdout).not.toContain(ESCAPE)
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

/** What it shows to people, without colours where there is no terminal or `NO_COLOR`. */
async function told(as: Name, line: readonly string[] | string): Promise<string> {
  const plain = await run(as, line)
  expect([line, plain.code, plain.stderr]).toEqual([line, 0, ''])
  expect(plain.stdout).not.toContain(ESCAPE)
  return plain.stdout
}

const create = (...more: string[]) => {
  const what = ['--action', 'export', '--resource', 'model:m-1', '--for', '1h', ...more]
  return ['request', 'create', ...what, '--reason', 'the audit of the third quarter']
}

async function asked(...more: string[]) {
  const { id, digest } = (await shown('erin', create(...more))) as { id: string; digest: string }
  return { id, digest }
}

describe('where nothing is yet', () => {
  it.each([
    ['request list', 'No requests.'],
    ['grant list', 'No grants.'],
    ['lock list', 'No locks.'],
    ['review list', 'No reviews.'],
    ['version list', 'No version came of a retraining.'],
    ['who-has --holder group:nobody', 'Nobody.'],
  ])('%s says so, and to machines as well', async (line, none) => {
    expect(await told('root', line)).toBe(`${none}\n`)
    expect(await shown('root', line)).toEqual({ items: [] })
  })

  it('exports says so, and to machines as well', async () => {
    expect(await told('root', 'exports --dir audit')).toBe('No export is recorded.\n')
    expect(await shown('root', 'exports --dir audit')).toEqual([])
  })
})

describe('every verb', () => {
  it.each(CONTROL_VERBS.map(({ name }) => name))('%s has help', async (name) => {
    const { code, stdout, stderr } = await run('empty', [...name.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`^modelgate ${name} - `))
    expect(stdout).toContain('Examples:\n  modelgate')
    expect(stdout).toContain('Exit codes:')
    expect(stdout).toContain('--format ')
  })

  it.each(CONTROL_VERBS.map(({ name }) => name))('%s suggests the right option', async (name) => {
    const { code, stdout, stderr } = await run('erin', [...name.split(' '), '--fromat', 'json'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe('modelgate: unknown option --fromat. Did you mean --format?\n')
  })
})

const NONE = '0'.repeat(26)
const DIGEST = `sha256:${'0'.repeat(64)}`

describe('what is refused', () => {
  it.each([
    // What is not there, or not for this one to see.
    ['root', `request show req-${NONE}`, 1, '404 (not_found)'],
    ['olga', `request approve req-${NONE} --digest ${DIGEST}`, 1, '404 (not_found)'],
    ['olga', `request deny req-${NONE} --digest ${DIGEST} --reason no`, 1, '404 (not_found)'],
    ['erin', `request cancel req-${NONE} --reason no`, 1, '404 (not_found)'],
    ['root', `grant show grant-${NONE}`, 1, '404 (not_found)'],
    ['root', `grant revoke grant-${NONE} --reason no`, 1, '404 (not_found)'],
    ['erin', `grant open grant-${NONE} --reason no`, 1, '404 (not_found)'],
    ['root', `grant review grant-${NONE} --findings no`, 1, '404 (not_found)'],
    ['root', `unlock lock-${NONE} --reason no`, 1, '404 (not_found)'],
    ['root', `drill drill-${NONE}`, 1, '404 (not_found)'],
    ['root', `review show review-${NONE}`, 1, '404 (not_found)'],
    ['root', `review certify review-${NONE} 1`, 1, '404 (not_found)'],
    ['root', `review revoke review-${NONE} 1`, 1, '404 (not_found)'],
    ['root', `review delegate review-${NONE} 1 --to group:x`, 1, '404 (not_found)'],
    ['root', `review close review-${NONE}`, 1, '404 (not_found)'],
    ['root', `review export review-${NONE}`, 1, '404 (not_found)'],
    ['root', 'version show m-1@9', 1, '404 (not_found)'],
    ['root', 'version release m-1@9 --reason no', 1, '404 (not_found)'],
    ['root', 'provenance m-1@9', 1, '404 (not_found)'],
    // What this one may not.
    ['sam', 'request list', 1, '403 (no_rule)'],
    ['erin', 'lock --all --reason no', 1, '403 (no_rule)'],
    ['erin', 'drill', 1, '403 (no_rule)'],
    // What the gateway knows better.
    ['root', 'lock --user bob --reason no', 1, 'A user is written `user:<issuer name>/<sub>`.'],
    ['root', 'lock --user dev/bob --ttl soon --reason no', 1, 'expected a duration such as'],
    ['root', 'who-has m-1', 1, 'expected model:<name>'],
    // Who it is.
    ['ended', 'request list', 1, 'refused with 401 (authn_expired): The token has expired.'],
    ['other', 'request list', 1, '401 (authn_audience)'],
    ['empty', 'request list', 2, 'no token: write one'],
    ['nobody', 'request list', 2, 'ENOENT: no such file'],
    // What cannot be meant.
    ['erin', 'request show', 2, 'expected the id of one request'],
    ['erin', 'request show req-1 req-2', 2, 'expected the id of one request'],
    ['erin', 'request create --action export', 2, '--resource is missing'],
    ['erin', 'request list --status pendng', 2, 'Did you mean pending?'],
    ['erin', 'request list --format yaml', 2, '--format takes text or json'],
    ['erin', 'request shwo req-1', 2, 'Did you mean request show?'],
    ['root', 'lock --reason no', 2, 'a lock is on one thing'],
    ['root', 'lock --all --issued-before now --reason no', 2, '--issued-before goes with --user'],
    ['root', 'drill --wait long', 2, '--wait takes whole seconds'],
  ])('%s: %s ends with %d', async (as, line, code, message) => {
    const ended = await run(as, line)
    expect([line, ended.code, ended.stdout]).toEqual([line, code, ''])
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toMatch(/^modelgate: .*\n(?:.+\n)*$/)
    expect(ended.stderr).not.toMatch(/\bat .*\.[jt]s:\d/)
    // Machines are told by the code alone: standard output stays empty for them, too.
    if (line.includes('--format')) return
    const machine = await run(as, `${line} --format json`)
    expect([line, machine.code, machine.stdout]).toEqual([line, code, ''])
  })

  it('says that nothing listens, with 1, and that no listener is known, with 3', async () => {
    const env = { MODELGATE_TOKEN_FILE: tokenFile('erin') }
    const args = ['request', 'list', '--url', 'http://127.0.0.1:1']
    const silent = await inProcess(args, { cwd: world.dir, env })
    expect([silent.code, silent.stdout]).toEqual([1, ''])
    expect(silent.stderr).toContain('Is the gateway running?')
    const unknown = await inProcess(['request', 'list'], { cwd: world.dir, env })
    expect([unknown.code, unknown.stdout]).toEqual([3, ''])
    expect(unknown.stderr).toContain('no control listener is known; use --url URL')
  })

  it('says that the listener is another one', async () => {
    const env = { MODELGATE_TOKEN_FILE: tokenFile('erin') }
    const ended = await inProcess(['request', 'list', '--url', world.issuer.issuer], {
      cwd: world.dir,
      env,
    })
    expect([ended.code, ended.stdout]).toEqual([1, ''])
    expect(ended.stderr).toContain('Is this the control listener?')
  })
})

describe('from a request to what left', () => {
  it('shows an export with its grant and who approved it', async () => {
    const { id, digest } = await asked('--uses', '1')
    expect(await told('olga', 'request list --status pending')).toMatch(
      new RegExp(`^REQUEST +STATUS +BY +WHAT.*\\n${id} +pending +user:dev/erin +export model:m-1`),
    )
    expect(await told('olga', `request show ${id}`)).toContain(digest)
    await told('olga', `request approve ${id} --digest ${digest}`)
    const grant = id.replace('req-', 'grant-')
    const agreed = await told('oscar', `request approve ${id} --digest ${digest} --for 30m`)
    expect(agreed).toContain(`X-Modelgate-Grant: ${grant}`)
    const again = await run('oscar', `request approve ${id} --digest ${digest}`)
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('409 (')])

    const authorization = `Bearer ${await tokenOf(world.issuer, 'erin', 'modelgate')}`
    const headers = { authorization, 'x-modelgate-grant': grant }
    const left = await fetch(world.url + PATH, { headers })
    expect([left.status, (await left.arrayBuffer()).byteLength]).toEqual([200, WEIGHTS.length])
    await world.whenRecord(({ type }) => type === 'export')

    const of = `exports --dir audit --grant ${grant}`
    const list = (await shown('root', of)) as unknown as Record<string, unknown>[]
    expect(list).toEqual([
      expect.objectContaining({
        subject: 'user:dev/erin',
        resource: 'model:m-1',
        grant,
        approvers: ['user:dev/olga', 'user:dev/oscar'],
        bytes: WEIGHTS.length,
        complete: true,
      }),
    ])
    const by = `grant ${grant}, approved by user:dev/olga, user:dev/oscar`
    expect(await told('root', of)).toContain(by)
    const csv = await told('root', `${of} --format csv`)
    expect(csv).toMatch(/^time,id,subject.*\r\n.*user:dev\/olga user:dev\/oscar.*\r\n$/)
    expect(await shown('root', 'exports --dir audit --grant other')).toEqual([])

    expect(await told('erin', 'grant list --mine --model model:m-1')).toContain(grant)
    expect(await told('erin', `grant show ${grant}`)).toContain('user:dev/olga, user:dev/oscar')
    const revoke = `grant revoke ${grant} --reason over`
    expect(await shown('erin', revoke)).toMatchObject({ status: 'revoked' })
    expect((await run('erin', revoke)).stderr).toContain('409 (closed)')
  })

  it('denies and takes back', async () => {
    const one = await asked()
    const deny = `request deny ${one.id} --digest ${one.digest} --reason no`
    expect(await told('olga', deny)).toMatch(/status +denied/)
    const two = await asked()
    expect(await told('erin', `request cancel ${two.id} --reason no`)).toMatch(/status +cancelled/)
    const { items } = await shown('erin', 'request list --status cancelled --mine')
    expect(items).toEqual([expect.objectContaining({ id: two.id, status: 'cancelled' })])
  })
})

describe('what an operator does', () => {
  it('locks, lists, lifts and tries the switch', async () => {
    const { id } = (await shown('root', ['lock', '--user', 'dev/sam', '--reason', 'lost it'])) as {
      id: string
    }
    expect(await told('root', 'lock list --kind user')).toMatch(/^LOCK .*\n.*user user:dev\/sam/)
    expect((await run('sam', 'request list')).stderr).toContain('403 (locked)')
    const trail = ['audit', 'query', '--dir', join(world.dir, 'audit'), '--lock', id]
    const stopped = await runModelgate([...trail, '--format', 'jsonl'], { cwd: world.dir })
    expect(stopped.stdout).toContain('"type":"lock.enforced"')
    expect(stopped.stdout).toMatch(/"type":"admin".*"reason":"locked"/)
    expect(await told('ruth', `unlock ${id} --reason found`)).toMatch(/status +lifted/)
    expect((await run('ruth', `unlock ${id} --reason found`)).code).toBe(1)
    expect(await told('root', 'drill')).toMatch(/^drill-\S+ passed\nREPLICA/)
    expect(await shown('root', 'drill')).toMatchObject({ state: 'passed', missing: [] })
  })

  it('reviews line by line, and what is left is said when it is closed', async () => {
    const start = 'review start --title Q4 --due 30d --action export'
    const { review } = (await shown('root', start)) as { review: { id: string } }
    const { lines } = (await shown('root', `review show ${review.id}`)) as { lines: object[] }
    expect(lines).not.toEqual([])
    expect((await run('root', `review close ${review.id}`)).stderr).toContain('409 (unfinished)')
    expect((await run('root', `review certify ${review.id} 999`)).stderr).toContain('no such line')
    const left = await told('root', `review delegate ${review.id} 1 --to user:dev/root`)
    expect(left).toMatch(/to be decided by +user:dev\/root/)
    for (const line of lines as { id: string }[]) {
      await told('root', `review certify ${review.id} ${line.id} --comment needed`)
    }
    expect(await told('root', `review close ${review.id}`)).toMatch(/status +closed/)
    expect(await told('root', `review export ${review.id}`)).toMatch(/^# Q4\n/)
    const { lines: exported } = await shown('root', `review export ${review.id}`)
    expect(exported).toHaveLength(lines.length)
    const csv = await told('root', `review export ${review.id} --format csv`)
    expect(csv.split('\r\n')).toHaveLength(lines.length + 2)
    expect(csv).not.toContain('\\u000d')
    expect(await told('root', 'review list')).toContain(review.id)
    expect(await told('root', 'who-has model:m-1 --action export')).toMatch(/^HOLDER .*\nrole:exp/)
  })
})

describe('as a process', () => {
  it('ends with the code, writes documents to one stream and talk to the other', async () => {
    const env = { MODELGATE_CONTROL_URL: world.controlUrl, NO_COLOR: '1' }
    const start = (as: string, ...args: string[]) =>
      runModelgate([...args, '--token-file', tokenFile(as)], { cwd: world.dir, env })
    const fine = await start('erin', 'request', 'list', '--format', 'json')
    expect([fine.code, fine.stderr]).toEqual([0, ''])
    expect(JSON.parse(fine.stdout)).toHaveProperty('items')
    const refused = await start('sam', 'request', 'list', '--format', 'json')
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    const wrong = await start('sam', 'request', 'lits')
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
  })

  it('colours a terminal only', async () => {
    const coloured = await run('root', 'who-has model:m-1', true)
    expect(coloured.stdout).toContain(`${ESCAPE}[1m`)
    expect((await run('root', 'who-has model:m-1')).stdout).not.toContain(ESCAPE)
  })
})
