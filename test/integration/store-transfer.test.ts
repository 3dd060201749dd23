import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { entryText, readEntry } from '../../gateway/access/fold/entry.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import type { Lock } from '../../gateway/access/lock.ts'
import { readSnapshot, snapshotText } from '../../gateway/access/snapshot.ts'
import { emptyState } from '../../gateway/access/state.ts'
import { openConfigured, type ConfiguredStore } from '../../gateway/assembly/open-store.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { ClaimAsk } from '../../gateway/domain/shared-state.ts'
import { inProcess } from '../support/cli.ts'
import { readAll } from '../support/journal-contract.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { configOf } from '../support/world-files.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

let dir: string
let redis: TestRedis
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-transfer-'))
  redis = await startRedis()
  await writeFile(join(dir, 'url'), redis.url, { mode: 0o600 })
})
afterAll(async () => {
  await redis.close()
  await rm(dir, { recursive: true, force: true })
})

const STALENESS = { maxStaleness: 5_000, whenStale: 'refuse' } as const
type StoreOf = Parameters<typeof openConfigured>[0]

const folder = (name: string): StoreOf => ({ kind: 'embedded', dir: join(dir, name), ...STALENESS })
const overRedis = (prefix: string): StoreOf => ({
  ...{ kind: 'redis', urlFile: join(dir, 'url'), prefix, ...STALENESS },
  ...{ commandTimeout: 2_000, connectTimeout: 2_000, waitReplicas: 0, waitTimeout: 100 },
})

async function withStore<T>(
  settings: StoreOf,
  work: (store: ConfiguredStore) => Promise<T>,
): Promise<T> {
  const store = await openConfigured(settings, { cwd: dir, clock: systemClock, log: silent })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** A configuration with that store; answers its path. */
async function configWith(settings: StoreOf): Promise<string> {
  const store =
    settings.kind === 'embedded'
      ? { kind: 'embedded', dir: settings.dir }
      : { kind: 'redis', url_file: settings.urlFile, prefix: settings.prefix }
  const path = join(dir, `config-${settings.kind === 'redis' ? settings.prefix : 'folder'}.yaml`)
  const urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' }
  await writeFile(path, JSON.stringify(configOf({ config: { store } }, urls)))
  return path
}

const lock = (n: number): Lock => ({
  id: `lock-${n}`,
  target: { kind: 'user', id: `user:corp/u${n} \u2028` },
  reason: 'left',
  cause: { kind: 'operator' },
  by: 'user:corp/admin',
  at: 1,
})
const textOf = (n: number): string =>
  entryText({ v: 1, event: { type: 'lock.set', lock: lock(n) } })
const CLAIM: ClaimAsk = {
  ...{ grant: 'g', transfer: 't', attempt: 'a', usesMax: 1, bytesMax: 100, ttlMs: 60_000 },
  expiresAt: Date.now() + 600_000,
}

/** A store with something of everything in it. */
async function filled(settings: StoreOf): Promise<void> {
  await withStore(settings, async ({ journal, ...store }) => {
    const head = await journal.head()
    const texts = Array.from({ length: 30 }, (_, i) => textOf(i + 1))
    await journal.append(texts, head)
    const state = await stateIn({ journal })
    await journal.append([textOf(31), textOf(32)], { ...head, seq: 30 })
    await journal.keepSnapshot({ epoch: head.epoch, seq: 30, text: snapshotText(state) }, 5)
    await store.claim(CLAIM)
    await store.progress({ ...CLAIM, bytes: 60 })
    await store.claim({ ...CLAIM, grant: 'h' })
    await store.release({ ...CLAIM, grant: 'h', bytes: 5, complete: true })
    await store.lock('user:corp/mallory', 60_000, 'd1')
    await journal.noteUses([{ privilege: 'p', at: Date.now() }])
    await journal.cursor('hook', 31)
  })
}

async function stateIn({ journal }: Pick<ConfiguredStore, 'journal'>) {
  const { epoch } = await journal.head()
  const snapshot = await journal.snapshot()
  const from = snapshot === undefined ? emptyState(epoch) : readSnapshot(snapshot.text)
  return fold(from, (await readAll(journal, from.seq)).map(readEntry))
}

const MODELGATE = (args: readonly string[]) => inProcess(args, { cwd: dir })

describe('what a store keeps for good', () => {
  it('moves from a folder to Redis and back, with the same state at the end', async () => {
    const [first, second, third] = [folder('a'), overRedis('b'), folder('c')]
    await filled(first)
    const steps = [
      [first, second, 'ab.jsonl'],
      [second, third, 'bc.jsonl'],
    ] as const
    for (const [from, to, file] of steps) {
      const out = await MODELGATE(['store', 'export', file, '--config', await configWith(from)])
      expect(out).toMatchObject({ code: 0, stderr: '' })
      expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600)
      const args = ['store', 'import', file, '--format', 'json']
      const done = await MODELGATE([...args, '--config', await configWith(to)])
      expect(done).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(done.stdout)).toMatchObject({
        ...{ seq: 32, entries: 7, locks: 32, grant_uses: 2, lockouts: 1, cursors: 1 },
        privilege_uses: 1,
      })
    }
    const before = await withStore(first, async (store) => ({
      state: await stateIn(store),
      page: { ...(await store.journal.entriesAfter(0, 100)), now: 0 },
    }))
    await withStore(third, async (store) => {
      expect(await stateIn(store)).toEqual(before.state)
      expect({ ...(await store.journal.entriesAfter(0, 100)), now: 0 }).toEqual(before.page)
      expect(await store.journal.cursor('hook')).toBe(31)
      expect(await store.journal.uses()).toHaveLength(1)
      expect((await store.lockouts()).map(({ subject }) => subject)).toEqual(['user:corp/mallory'])
      // What is used up stays so; a transfer that was under way can be taken up again.
      const spent = await store.claim({ ...CLAIM, grant: 'h', transfer: 'u', attempt: 'x' })
      expect(spent).toEqual({ granted: false, why: 'spent' })
      expect(await store.claim({ ...CLAIM, transfer: 'u', attempt: 'x' })).toMatchObject({
        why: 'spent',
      })
      expect(await store.progress({ ...CLAIM, bytes: 10 })).toBe(30)
      const { epoch, seq } = await store.journal.head()
      expect(await store.journal.append([textOf(33)], { epoch, seq })).toMatchObject({ seq: 33 })
    })
  }, 60_000)

  it('moves with the registrations of which nobody knows what came', async () => {
    const [from, to] = [folder('waits'), folder('waits-too')]
    const begun = { id: 'd-9', model: 'model:fraud', version: '*', by: 'user:corp/ci' }
    const text = entryText({ v: 1, event: { type: 'registration.begun', registration: begun } })
    await withStore(from, async ({ journal }) => {
      const head = await journal.head()
      await journal.append([text], head)
      const state = await stateIn({ journal })
      await journal.keepSnapshot({ epoch: head.epoch, seq: 1, text: snapshotText(state) }, 0)
    })
    const config = async (settings: StoreOf) => ['--config', await configWith(settings)]
    const out = await MODELGATE(['store', 'export', 'waits.jsonl', ...(await config(from))])
    expect(out).toMatchObject({ code: 0, stderr: '' })
    const done = await MODELGATE(['store', 'import', 'waits.jsonl', ...(await config(to))])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    const { registrations } = await withStore(to, stateIn)
    expect([...registrations.values()]).toMatchObject([begun])
  }, 60_000)

  it('is not put over a journal without a reason, nor under gateways at work', async () => {
    const target = folder('busy')
    await filled(target)
    const config = ['--config', await configWith(target)]
    expect(await MODELGATE(['store', 'export', 'busy.jsonl', ...config])).toMatchObject({ code: 0 })
    const again = ['store', 'import', 'busy.jsonl', ...config]
    const refused = await MODELGATE(again)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('not empty: 32 entries')
    expect((await MODELGATE([...again, '--replace'])).code).toBe(2)
    await withStore(target, ({ journal }) =>
      journal.announce({ id: 'r', seq: 1, name: 'host:7' }, 3_000),
    )
    const replace = [...again, '--replace', '--reason', 'a test']
    const busy = await MODELGATE(replace)
    expect(busy).toMatchObject({ code: 2 })
    expect(busy.stderr).toContain('host:7. One that was killed counts for 10 seconds')
    await withStore(target, ({ journal }) =>
      journal.announce({ id: 'r', seq: 1, name: 'host:7' }, 1),
    )
    // More was used meanwhile than the file says: that stays used.
    await withStore(target, (store) => store.progress({ ...CLAIM, bytes: 30 }))
    expect(await MODELGATE(replace)).toMatchObject({ code: 0 })
    await withStore(target, async (store) => {
      expect((await stateIn(store)).locks.size).toBe(32)
      expect(await store.progress({ ...CLAIM, bytes: 0 })).toBe(10)
    })
  }, 60_000)

  it('that was put in place by half answers nobody, until it is whole', async () => {
    for (const target of [folder('half'), overRedis('half')]) {
      await withStore(target, async ({ journal, contents }) => {
        await contents.beginJournal()
        await contents.putEntries([{ seq: 1, at: 1, text: textOf(1) }])
        const unavailable = { code: 'ERR_STORE_UNAVAILABLE' }
        await expect(journal.head()).rejects.toMatchObject(unavailable)
        await expect(journal.entriesAfter(0, 9)).rejects.toMatchObject(unavailable)
        const after = { epoch: '0'.repeat(32), seq: 0 }
        await expect(journal.append(['x'], after)).rejects.toMatchObject(unavailable)
        await expect(journal.snapshot()).rejects.toMatchObject(unavailable)
        await contents.beginJournal()
        const frame = { epoch: 'a'.repeat(32), seq: 0, at: 0, trimmedTo: 0, cursors: [] }
        await contents.finishJournal(frame)
        expect(await readAll(journal)).toEqual([])
      })
    }
  }, 60_000)

  it('is refused when the file is not whole, or is not what was exported', async () => {
    const source = folder('source')
    await filled(source)
    const config = ['--config', await configWith(source)]
    await MODELGATE(['store', 'export', 'whole.jsonl', ...config])
    const lines = (await readFile(join(dir, 'whole.jsonl'), 'utf8')).trimEnd().split('\n')
    const at = (type: string): number => lines.findIndex((line) => line.includes(`"${type}"`))
    const entry = at('entry')
    const damaged: readonly (readonly string[])[] = [
      lines.slice(0, -1),
      lines.slice(1),
      lines.toSpliced(entry + 2, 1),
      lines.toSpliced(at('snapshot'), 1),
      lines.with(-2, '{"type":"grant-use","grant":"x","use":{}}'),
      lines.with(entry + 6, (lines[entry + 6] ?? '').replace('lock.set', 'constructor')),
      [...lines, '{"type":"cursor","name":"x","seq":1}'],
      ['', ...lines],
      [],
    ]
    const said = [...damaged.keys()].map(() => 'nothing was imported')
    said[damaged.length - 1] = 'the file: it is empty'
    for (const [i, some] of damaged.entries()) {
      await writeFile(join(dir, `damaged-${i}`), some.map((line) => `${line}\n`).join(''))
      const target = ['--config', await configWith(overRedis(`damaged-${i}`))]
      const done = await MODELGATE(['store', 'import', `damaged-${i}`, ...target])
      expect({ i, code: done.code }).toEqual({ i, code: 2 })
      expect(done.stderr).toContain('nothing was imported')
      expect(done.stderr).toContain(said[i])
    }
  }, 60_000)

  it('is refused when the snapshot says something else than entries that are all there', async () => {
    const source = folder('whole')
    await withStore(source, async ({ journal }) => {
      const head = await journal.head()
      await journal.append([textOf(1), textOf(2), textOf(3)], head)
      const text = snapshotText(await stateIn({ journal }))
      await journal.append([textOf(4)], { ...head, seq: 3 })
      await journal.keepSnapshot({ epoch: head.epoch, seq: 3, text }, 10)
    })
    await MODELGATE(['store', 'export', 'agrees', '--config', await configWith(source)])
    const file = await readFile(join(dir, 'agrees'), 'utf8')
    const changed = [
      [
        /\\"locks\\":\[\[.*?\]\]/,
        '\\"locks\\":[]',
        'line 2: the snapshot is not what entries 1 to 3 come to: locks',
      ],
      ['\\"reason\\":\\"left\\"', '\\"reason\\":\\"x\\"', 'come to: locks'],
      [/"seq":4,"exported_at"/, '"seq":2,"exported_at"', 'further than the file'],
    ] as const
    const target = ['--config', await configWith(folder('agrees-not'))]
    for (const [from, to, why] of changed) {
      expect(file).not.toBe(file.replace(from, to))
      await writeFile(join(dir, 'contradicts'), file.replace(from, to))
      const done = await MODELGATE(['store', 'import', 'contradicts', ...target])
      expect(done.stderr).toContain(why)
      expect(done.code).toBe(2)
    }
    expect(await MODELGATE(['store', 'import', 'agrees', ...target])).toMatchObject({ code: 0 })
  }, 60_000)
})
