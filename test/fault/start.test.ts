/** What a gateway that cannot start says, and with which exit code it ends. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { snapshotText } from '../../gateway/access/snapshot.ts'
import { emptyState } from '../../gateway/access/state.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { runModelgate, writeGatewayFiles, type CommandResult } from '../support/built-gateway.ts'
import type { WorldFiles } from '../support/world-files.ts'

async function serve(files: WorldFiles, args: readonly string[] = []): Promise<CommandResult> {
  const { dir, configFile } = await writeGatewayFiles(files)
  try {
    return await runModelgate(['serve', '--config', configFile, ...args], { cwd: dir })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const POLICY = '# Who may do what.\np, role:reader, read, model:*, always, allow\n'

describe('rules that cannot be used end the start with 3 and name the place:', () => {
  it.each([
    [
      'a row without effect',
      { policy: `${POLICY}p, role:reader, infer, model:*\n` },
      /policy\.csv:3:1/,
    ],
    [
      'an effect that is none',
      { policy: `${POLICY}p, role:reader, infer, model:*, always, Deny\n` },
      /policy\.csv:3:\d+/,
    ],
    [
      'a condition nobody defined',
      { policy: `${POLICY}p, role:reader, infer, model:*, moonlight, allow\n` },
      /policy\.csv:3:\d+/,
    ],
    ['no rule at all', { policy: '# nothing\n' }, /policy\.csv:\d+:\d+/],
    [
      'a key nobody knows',
      { rules: { 'conditions.yaml': 'conditions:\n  a:\n    kind: time\n    hour: 1\n' } },
      /conditions\.yaml:4:\d+/,
    ],
    [
      'a route that is none',
      {
        rules: {
          'routes/a.yaml':
            'pack: a\nroutes:\n  - methods: [GET]\n    path: /x\n    action: dance\n',
        },
      },
      /a\.yaml:5:\d+/,
    ],
  ])(
    '%s',
    async (_name, files, place) => {
      const { code, stdout, stderr } = await serve(files)
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(place)
      expect(stderr).not.toContain('    at ')
    },
    20_000,
  )
})

describe('a configuration that cannot be used ends the start with 3 and names the place:', () => {
  it.each([
    ['a key nobody knows', { config: { limitz: {} } }, /gateway\.yaml:\d+:\d+.*limitz/],
    ['a value of the wrong kind', { config: { log: { level: 'loud' } } }, /gateway\.yaml:\d+:\d+/],
    [
      'keys that are too old between refreshes',
      { issuer: { keys: { refresh: '1h', max_stale: '1h' } } },
      /gateway\.yaml:\d+:\d+.*1\.2 times/,
    ],
    ['no upstream', { upstreams: [] }, /gateway\.yaml:\d+:\d+.*upstream/],
    ['a pack nobody has', { upstreams: [{ name: 'a', pack: 'nobody' }] }, /nobody/],
    [
      'a certificate that is not there',
      { config: { listen: { data: { tls: { cert_file: 'no.crt', key_file: 'no.key' } } } } },
      /no\.(crt|key)/,
    ],
  ])(
    '%s',
    async (_name, files, place) => {
      const { code, stderr } = await serve(files)
      expect(stderr).toMatch(place)
      expect(code).toBe(3)
      expect(stderr).not.toContain('    at ')
    },
    20_000,
  )

  it('a file that is not there', async () => {
    const { code, stderr } = await runModelgate(['serve', '--config', '/nowhere/gateway.yaml'])
    expect(code).toBe(3)
    expect(stderr).toContain('/nowhere/gateway.yaml')
  }, 20_000)
})

describe('a port that is taken ends the start with 1:', () => {
  it.each(['data', 'control'])(
    'the one of the %s listener',
    async (which) => {
      const taken = createServer()
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
      const { port } = taken.address() as AddressInfo
      try {
        const flag = which === 'data' ? '--port' : '--control-port'
        const { code, stderr } = await serve({}, [flag, String(port)])
        expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}`)
        expect(stderr).toContain('EADDRINUSE')
        expect(code).toBe(1)
      } finally {
        await new Promise((resolve) => taken.close(resolve))
      }
    },
    20_000,
  )
})

/** A journal that is only a snapshot, with this as the one lock of it. */
async function storeWithLock(dir: string, lock: unknown): Promise<void> {
  const epoch = 'a'.repeat(32)
  const state = { ...emptyState(epoch), seq: 1, at: 1 }
  const text = snapshotText(state).replace(
    '"locks":[]',
    `"locks":[["lock-x",${JSON.stringify(lock)}]]`,
  )
  const { contents, ...store } = await openEmbeddedStore({ dir, clock: systemClock })
  const snapshot = { epoch, seq: 1, text }
  await contents.beginJournal()
  await contents.finishJournal({ epoch, seq: 1, at: 1, trimmedTo: 1, cursors: [], snapshot })
  await store.close()
}

describe('a store whose locks cannot be used ends the start with 1, and is left:', () => {
  it.each([
    [
      'a snapshot that cannot be read',
      null,
      /snapshot of the journal cannot be read: lock-x of locks/,
    ],
    ['a lock without what it is on', {}, /cannot be used: /],
  ])(
    '%s',
    async (_name, lock, why) => {
      const store = { kind: 'embedded', dir: 'store' }
      const { dir, configFile } = await writeGatewayFiles({ config: { store } })
      try {
        await storeWithLock(join(dir, 'store'), lock)
        const serving = ['serve', '--config', configFile, '--port', '0', '--control-port', '0']
        const { code, stderr } = await runModelgate(serving, { cwd: dir })
        expect(stderr).toMatch(why)
        expect(stderr).toContain('the locks and grants in the store')
        expect(stderr).toContain('modelgate store import FILE --replace --reason TEXT')
        expect(code).toBe(1)
        const { journal, ...opened } = await openEmbeddedStore({
          dir: join(dir, 'store'),
          clock: systemClock,
        })
        const me = { id: 'me', seq: 0, name: 'me' }
        expect(await journal.announce(me, 1)).toMatchObject([me])
        await opened.close()
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    },
    30_000,
  )
})
