/** Going on after damage when the key is with a signer and a witness remembers: all built programs. */
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { startVerb, type RunningVerb } from '../support/audit-world.ts'
import { runModelgate, writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'

jest.setTimeout(120_000)

const SEGMENT = 'audit/seg/0000000000000000.jsonl'
const SIGNER = ['signer', '--key', 'keys/l', '--state', 'signer', '--socket', 'sock'] as const

let files: GatewayFiles
let running: RunningVerb[] = []
const folders: string[] = []

const run = (...args: readonly string[]) =>
  runModelgate(args, { cwd: files.dir, env: { MODELGATE_CONFIG: 'gateway.yaml' } })
const start = async (args: readonly string[], said: string) => {
  const verb = await startVerb(args, files.dir)
  running.push(verb)
  await verb.whenSaid(said)
  return verb
}
const stop = async (verb: RunningVerb) => {
  running = running.filter((one) => one !== verb)
  expect(await verb.stop()).toBe(0)
}

beforeEach(async () => {
  files = await writeGatewayFiles({})
  folders.push(files.dir)
  const made = await run('audit', 'keygen', '--out', 'keys/l', '--name', 'modelgate/audit/gateway')
  expect(made.code).toBe(0)
  const config = JSON.parse(await readFile(files.configFile, 'utf8')) as Record<string, unknown>
  config['audit'] = { dir: 'audit', signer: { socket: 'sock', vkey: made.stdout.trim() } }
  await writeFile(files.configFile, JSON.stringify(config))
})

afterEach(async () => {
  for (const verb of running.splice(0)) await verb.stop()
})
afterAll(async () => {
  for (const dir of folders) await rm(dir, { recursive: true, force: true })
})

/** A gateway that ran, and has its ledger signed; runs once more at every call. */
async function serve(): Promise<void> {
  const gateway = await startVerb(['serve', '--config', files.configFile], files.dir)
  running.push(gateway)
  await gateway.whenSaid('configuration and rules are in force')
  await stop(gateway)
}

const verify = async (...more: readonly string[]) => {
  const { code, stdout } = await run(
    'audit',
    'verify',
    '--vkey',
    'keys/l.pub',
    '--format',
    'json',
    ...more,
  )
  return { code, said: JSON.parse(stdout) as Record<string, unknown> }
}

/** Leaves the first `count` records. */
async function cut(count: number): Promise<void> {
  const lines = (await readFile(join(files.dir, SEGMENT), 'utf8')).split('\n')
  const kept = lines.slice(0, count).join('\n')
  await truncate(join(files.dir, SEGMENT), Buffer.byteLength(kept) + 1)
}

describe('a ledger whose key is with a signer', () => {
  it('goes on after damage once the signer was told, and says so for ever', async () => {
    const signer = await start([...SIGNER, '--init'], 'signs modelgate/audit/gateway')
    await serve()
    await serve()
    expect(await verify()).toMatchObject({ code: 0 })
    await cut(3)
    expect(await verify()).toMatchObject({ code: 2 })

    // No gateway starts on it.
    const refused = await run('serve')
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).toContain('TRUNCATED')

    // The signer remembers what was signed, and does not sign something else.
    const asked = ['audit', 'accept-gap', '--reason', 'a disk broke', '--by', 'jo'] as const
    const first = await run(...asked)
    expect(first.code).toBe(1)
    expect(first.stderr).toContain('truncated: 3 of ')
    expect(first.stderr).toContain('the signer did not sign')
    const [, at = ''] = /modelgate signer .*--accept-gap (\d+:\S+)/.exec(first.stderr) ?? []
    expect(at).toMatch(/^3:/)

    // One process at a time has its state.
    const busy = await run(...SIGNER.slice(0, 5), '--accept-gap', at)
    expect(busy.code).toBe(1)
    await stop(signer)
    const told = await run(...SIGNER.slice(0, 5), '--accept-gap', at)
    expect(told).toMatchObject({ code: 0 })
    expect(told.stderr).toContain('modelgate/audit/gateway goes on from 3 records')
    expect(await readFile(join(files.dir, 'signer/accepted-gaps.log'), 'utf8')).toContain(
      'modelgate/audit/gateway\n',
    )

    await start(SIGNER, '3 records so far')
    const again = await run(...asked)
    expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 })
    expect(again.stdout).toBe('1 gap recorded; the gateway can be started.\n')
    const after = await verify()
    expect(after).toMatchObject({ code: 4, said: { verdict: 'gaps', findings: [] } })
    expect(after.said['gaps']).toMatchObject([{ by: 'jo', reason: 'a disk broke', kept: 3 }])
    expect((await run(...asked)).stderr).toContain('There is nothing to accept')

    await serve()
    expect(await verify('--strict')).toMatchObject({ code: 4, said: { unproven: 0 } })
  })

  it('cannot be gone on with while the signer is not there', async () => {
    const signer = await start([...SIGNER, '--init'], 'signs')
    await serve()
    await stop(signer)
    await cut(2)
    const asked = ['audit', 'accept-gap', '--reason', 'a disk broke', '--by', 'jo'] as const
    const refused = await run(...asked)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('does not answer')
    // What was to be recorded waits.
    const [, at = ''] = /--accept-gap (\d+:\S+)/.exec(refused.stderr) ?? []
    expect(await run(...SIGNER.slice(0, 5), '--accept-gap', at)).toMatchObject({ code: 0 })
    await start(SIGNER, '2 records so far')
    expect(await run(...asked)).toMatchObject({ code: 0 })
    expect(await verify()).toMatchObject({ code: 4 })
  })

  it('says what it needs', async () => {
    expect((await run('audit', 'accept-gap')).stderr).toContain('say why: --reason TEXT')
    const none = await run('audit', 'accept-gap', '--reason', 'x')
    expect(none.code).toBe(2)
    expect(none.stderr).toContain('there is no ledger in')
    const head = await run(...SIGNER.slice(0, 5), '--accept-gap', 'three')
    expect(head.code).toBe(2)
    expect(head.stderr).toContain('--accept-gap takes SIZE:ROOT')
  })
})
