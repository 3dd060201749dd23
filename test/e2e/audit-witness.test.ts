/** A witness as the built program, beside a built gateway. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { startVerb, whenSigned, type RunningVerb } from '../support/audit-world.ts'
import { runModelgate, writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { until } from '../support/world-files.ts'

jest.setTimeout(120_000)

const ORIGIN = 'modelgate/audit/gateway'
const STATE = ['--key', 'w.key', '--log', 'l.key.pub', '--state', 'witness'] as const

let files: GatewayFiles
const running: RunningVerb[] = []
const run = (...args: readonly string[]) => runModelgate(args, { cwd: files.dir })
const start = async (args: readonly string[], said: string) => {
  const verb = await startVerb(args, files.dir)
  running.push(verb)
  await verb.whenSaid(said)
  return verb
}

beforeAll(async () => {
  files = await writeGatewayFiles({})
})
afterAll(async () => {
  for (const verb of running) await verb.stop()
  await rm(files.dir, { recursive: true, force: true })
})

it('cosigns what a gateway writes, so that a ledger verifies with a quorum', async () => {
  await run('audit', 'keygen', '--name', ORIGIN, '--out', 'l.key')
  const made = await run('audit', 'keygen', '--witness', '--name', 'w1.example', '--out', 'w.key')
  expect(made.code).toBe(0)
  const listen = ['--listen', '127.0.0.1:0'] as const

  // A directory that is gone is no new beginning.
  const lost = await run('witness', ...STATE, ...listen)
  expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('--init')])

  const witness = await start(['witness', ...STATE, ...listen, '--init', '--format', 'json'], 'url')
  const { url } = JSON.parse(witness.stdout()) as { url: string }
  const config = JSON.parse(await readFile(files.configFile, 'utf8')) as Record<string, unknown>
  const witnesses = [{ url, vkey: made.stdout.trim() }]
  config['audit'] = { dir: 'audit', signing_key_file: 'l.key', witnesses }
  await writeFile(files.configFile, JSON.stringify(config))
  const gateway = await start(['serve', '--config', files.configFile], 'are in force')
  await whenSigned(join(files.dir, 'audit'), 2)
  await until('a cosignature', () =>
    readFile(join(files.dir, 'audit/witnessed')).then(Boolean, () => false),
  )
  expect(await gateway.stop()).toBe(0)

  const verify = ['audit', 'verify', '--dir', 'audit', '--vkey', 'l.key.pub'] as const
  const seen = await run(...verify, '--witness-vkey', 'w.key.pub', '--quorum', '1')
  expect(seen).toMatchObject({ code: 0 })
  expect(seen.stdout).toMatch(/; witnessed [1-9]/)

  const hash = createHash('sha256').update(ORIGIN).digest('hex')
  const note = await (await fetch(`${url}/${hash}/checkpoint`)).text()
  expect(note).toBe(await readFile(join(files.dir, 'audit/witnessed'), 'utf8'))
  // What the witness knows is an anchor like any other.
  await writeFile(join(files.dir, 'from-witness'), note)
  expect(await run(...verify, '--anchor', 'from-witness')).toMatchObject({ code: 0 })
  expect(await witness.stop()).toBe(0)

  const [, size = '', root = ''] = note.split('\n')
  const told = await run('witness', 'accept-gap', ...STATE, '--at', `${Number(size) - 1}:${root}`)
  expect(told).toMatchObject({ code: 0 })
  expect(await readFile(join(files.dir, 'witness/accepted-gaps.log'), 'utf8')).toContain(ORIGIN)
  const wrong = await run('witness', 'accept-gap', ...STATE, '--at', 'there')
  expect(wrong).toMatchObject({ code: 2 })
})
