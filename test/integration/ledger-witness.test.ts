/** A ledger whose key is with a signer, and whose checkpoints go to a witness: all as processes would. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { loadConfig } from '../../gateway/assembly/load-config.ts'
import { openOwnLedger } from '../../gateway/assembly/open-ledger.ts'
import type { RunningLedger } from '../../gateway/audit/ledger.ts'
import { parseCheckpoint } from '../../gateway/audit/tree/checkpoint.ts'
import { parseVkey, verifyNote, type NoteVerifier } from '../../gateway/audit/tree/note.ts'
import { runCli } from '../../gateway/cli/run.ts'
import { createLogger } from '../../gateway/log/logger.ts'
import { createMetrics } from '../../gateway/metrics/metrics.ts'
import { createAuthority } from '../support/certificates.ts'
import { inProcess } from '../support/cli.ts'
import { configOf, until } from '../support/world-files.ts'
import { removeWitnessing, witnessingDirectory } from '../support/witnessing.ts'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})
afterAll(removeWitnessing)

const facts = { pid: process.pid, host: 'test', nodeVersion: process.version, isAlive: () => true }
const PERMIT = { type: 'decision', fields: { id: '1', effect: 'permit' } }
const DENY = { type: 'decision', fields: { id: '2', effect: 'deny' } }

/** A verb that runs until it is stopped; resolves with what it printed first. */
async function running(cwd: string, args: readonly string[]) {
  const seen = { out: '', err: '', isOver: false }
  let stop = (): void => undefined
  const over = runCli([...args, '--format', 'json'], {
    out: (more) => {
      seen.out += more
    },
    err: (more) => {
      seen.err += more
    },
    env: {},
    cwd,
    interactive: false,
    colour: false,
    process: facts,
    onSignal: (kind, listener) => {
      if (kind === 'stop') stop = listener
    },
  }).then(() => {
    seen.isOver = true
  })
  await until('the verb to start', () => seen.out !== '' || seen.isOver)
  if (seen.isOver) throw new Error(seen.err)
  const end = async () => {
    stop()
    await over
  }
  stops.push(end)
  return { told: JSON.parse(seen.out) as Record<string, unknown>, end, said: () => seen.err }
}

async function world() {
  const dir = witnessingDirectory()
  const run = (...args: string[]) => inProcess(args, { cwd: dir })
  const keygen = async (...args: string[]) => {
    const made = await run('audit', 'keygen', ...args)
    expect([made.code, made.stderr]).toEqual([0, expect.anything()])
    return made.stdout.trim()
  }
  const vkey = await keygen('--name', 'modelgate/audit/gateway', '--out', 'ledger.key')
  const witnessVkey = await keygen('--witness', '--name', 'w1.example.net', '--out', 'w.key')
  const signer = ['signer', '--key', 'ledger.key', '--state', 'signer', '--socket', 's.sock']
  const witness = ['witness', '--key', 'w.key', '--log', 'ledger.key.pub', '--state', 'witness']
  const clock = {
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
    monotonicMs: () => performance.now() + clock.aheadMs,
  }
  const metrics = createMetrics({
    buildInfo: { version: '1', nodeVersion: process.version },
    upstreams: [],
    issuers: [],
  })
  const open = async (audit: Readonly<Record<string, unknown>>): Promise<RunningLedger> => {
    const whole = { dir: join(dir, 'audit'), reserve: '64KiB', ...audit }
    const config = configOf(
      { config: { audit: whole } },
      { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' },
    )
    writeFileSync(join(dir, 'gateway.yaml'), JSON.stringify(config))
    const loaded = await loadConfig({ file: join(dir, 'gateway.yaml'), cwd: dir, env: {} })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
    const log = createLogger({ level: 'error', clock, destination: { write: () => true } })
    const ledger = await openOwnLedger({
      dir: join(dir, 'audit'),
      cwd: dir,
      settings: loaded.value,
      process: facts,
      clock,
      log,
      metrics,
      keepFrom: () => Number.MAX_SAFE_INTEGER,
    })
    stops.push(() => ledger.close().catch(() => undefined))
    return ledger
  }
  const metric = async (name: string): Promise<number> => {
    const { text } = await metrics.expose()
    const line = text.split('\n').find((one) => one.startsWith(`modelgate_${name} `))
    return Number(line?.slice(line.lastIndexOf(' ') + 1))
  }
  return { dir, run, signer, witness, vkey, witnessVkey, open, clock, metric }
}

function keyOf(text: string): NoteVerifier {
  const key = parseVkey(text)
  if (typeof key === 'string') throw new Error(key)
  return key
}

/** Size of a note that all `keys` have signed. */
function signedSize(path: string, keys: readonly string[]): number {
  const read = parseCheckpoint(readFileSync(path))
  if (typeof read === 'string') throw new Error(read)
  const signed = verifyNote(read.note, keys.map(keyOf))
  expect(signed).toHaveLength(keys.length)
  return read.size
}

describe('a ledger with signer and witness', () => {
  it('has every permit of a privileged action signed, and the newest cosigned', async () => {
    const { dir, signer, witness, vkey, witnessVkey, open, metric } = await world()
    await running(dir, [...signer, '--init'])
    const authority = await createAuthority(dir, 'authority')
    const { certFile, keyFile } = await authority.issue('witness', 'serverAuth')
    const tls = ['--tls-cert', certFile, '--tls-key', keyFile]
    const { told } = await running(dir, [...witness, '--init', '--listen', '127.0.0.1:0', ...tls])
    expect(told['url']).toMatch(/^https:/)
    const ledger = await open({
      signer: { socket: 's.sock', vkey },
      witnesses: [{ url: told['url'], vkey: witnessVkey, ca_file: authority.certFile }],
      witness_max_age: '60s',
    })
    await until('a cosignature', () => existsSync(join(dir, 'audit/witnessed')))
    await ledger.append(PERMIT, 'disk')
    const size = await metric('audit_tree_size')
    expect(size).toBeGreaterThan(ledger.head().seq)
    await ledger.close()
    const both = [vkey, witnessVkey]
    // The last checkpoint, with log.closed, was carried there before the end.
    const last = signedSize(join(dir, 'audit/checkpoint'), [vkey])
    expect(signedSize(join(dir, 'audit/witnessed'), both)).toBe(last)
    const notes = readFileSync(join(dir, 'audit/witness.log'), 'utf8').split('\n\n')
    expect(notes.length).toBeGreaterThanOrEqual(2)
    expect(await metric('audit_tree_size')).toBe(last)
    expect(await metric('audit_witnessed_age_seconds')).toBeLessThan(30)
  }, 30_000)

  it('refuses permits of privileged actions, and nothing else, while no witness answers', async () => {
    const { dir, witness, witnessVkey, open, clock, metric } = await world()
    const first = await running(dir, [...witness, '--init', '--listen', '127.0.0.1:0'])
    const { url } = first.told
    const ledger = await open({
      signing_key_file: 'ledger.key',
      witnesses: [{ url, vkey: witnessVkey }],
      witness_max_age: '10s',
    })
    await until('a cosignature', () => existsSync(join(dir, 'audit/witnessed')))
    await ledger.append(PERMIT, 'disk')
    await first.end()
    clock.aheadMs += 11_000
    await expect(ledger.append(PERMIT, 'disk')).rejects.toMatchObject({
      code: 'ERR_AUDIT_UNAVAILABLE',
    })
    await ledger.append(PERMIT, 'kernel')
    await ledger.append(DENY, 'disk')
    expect(await metric('audit_witnessed_age_seconds')).toBeGreaterThan(10)
    const port = new URL(String(url)).port
    await running(dir, [...witness, '--listen', `127.0.0.1:${port}`])
    await until('a permit', () => {
      clock.aheadMs += 200
      return ledger.append(PERMIT, 'disk').then(
        () => true,
        () => false,
      )
    })
  }, 60_000)

  it('does not start from an older copy, until the gap is accepted everywhere', async () => {
    const { dir, signer, vkey, open, run } = await world()
    const one = await running(dir, [...signer, '--init'])
    const audit = { signer: { socket: 's.sock', vkey } }
    await (await open(audit)).close()
    cpSync(join(dir, 'audit'), join(dir, 'yesterday'), { recursive: true })
    const size = signedSize(join(dir, 'audit/checkpoint'), [vkey])
    const ledger = await open(audit)
    await ledger.append(PERMIT, 'disk')
    await ledger.close()
    rmSync(join(dir, 'audit'), { recursive: true })
    cpSync(join(dir, 'yesterday'), join(dir, 'audit'), { recursive: true })
    await expect(open(audit)).rejects.toThrow(/older state of the ledger.*accept-gap/)
    await one.end()
    const read = parseCheckpoint(readFileSync(join(dir, 'yesterday/checkpoint')))
    if (typeof read === 'string') throw new Error(read)
    const head = `${size}:${read.root.toString('base64')}`
    expect((await run(...signer, '--accept-gap', 'x')).code).toBe(2)
    expect(await run(...signer, '--accept-gap', head)).toMatchObject({ code: 0 })
    await running(dir, signer)
    await (await open(audit)).close()
  }, 30_000)

  it('tells that a log was forked, and by whom', async () => {
    const { dir, witness, witnessVkey, open } = await world()
    const first = await running(dir, [...witness, '--init', '--listen', '127.0.0.1:0'])
    const audit = {
      signing_key_file: 'ledger.key',
      witnesses: [{ url: first.told['url'], vkey: witnessVkey }],
    }
    await (await open(audit)).close()
    // Whoever has the key makes another past, longer than the first.
    rmSync(join(dir, 'audit'), { recursive: true })
    const forged = await open(audit)
    for (let count = 0; count < 5; count++) await forged.append(PERMIT, 'disk')
    await until('an alarm', () => first.said().includes('ALARM'))
    await until('a record', () => readSegments(dir).includes('"type":"witness.disputed"'))
    expect(readSegments(dir)).toContain('"witness":"w1.example.net"')
  }, 30_000)

  it.each([
    [{ witnesses: [] as unknown[], witness_max_age: '10s' }, /no audit.witnesses/],
    [{ signing_key_file: 'ledger.key', signer: { socket: 's', vkey: 'VKEY' } }, /exclude/],
    [{ previous_signing_key_file: 'ledger.key' }, /needs audit.signing_key_file/],
    [{ signing_key_file: 'w.key' }, /key of a witness/],
    [{ signing_key_file: 'ledger.key', node: 'other' }, /not of modelgate\/audit\/other/],
    [{ signer: { socket: 's', vkey: 'WITNESS' } }, /key of a witness/],
    [{ witnesses: [{ url: 'http://127.0.0.1:1', vkey: 'WITNESS' }] }, /nothing to cosign/],
    [
      { signing_key_file: 'ledger.key', witnesses: [{ url: 'http://127.0.0.1:1', vkey: 'VKEY' }] },
      /key of a log/,
    ],
  ])('is not opened with %j', async (audit, why) => {
    const { vkey, witnessVkey, open } = await world()
    const text = JSON.stringify(audit).replace('VKEY', vkey).replace('WITNESS', witnessVkey)
    await expect(open(JSON.parse(text) as Record<string, unknown>)).rejects.toThrow(why)
  })
})

describe('modelgate signer and witness', () => {
  it('say what is wrong', async () => {
    const { dir, run, signer, witness } = await world()
    expect(await run(...signer)).toMatchObject({ code: 2 })
    await running(dir, [...signer, '--init'])
    // The directory of a running signer is its own.
    const second = await run(...signer)
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringMatching(/is writing|another process/),
    ])
    expect(await run(...witness)).toMatchObject({ code: 2 })
    expect(await run(...witness, '--listen', 'x')).toMatchObject({ code: 2 })
    expect(await run('signer', '--key', 'w.key', '--state', 'x')).toMatchObject({ code: 3 })
    expect(await run('witness', '--key', 'w.key', '--state', 'x')).toMatchObject({ code: 2 })
  })
})

function readSegments(dir: string): string {
  return readFileSync(join(dir, 'audit/seg/0000000000000000.jsonl'), 'utf8')
}
