import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { loadConfig } from '../../../gateway/assembly/load-config.ts'
import { contentDigest } from '../../../gateway/assembly/content-digest.ts'
import { createReloader } from '../../../gateway/assembly/reloader.ts'
import { createRuleRevisions } from '../../../gateway/assembly/revisions/rule-revisions.ts'
import type { RunningRuntime } from '../../../gateway/assembly/running-runtime.ts'
import { systemClock } from '../../../gateway/domain/clock.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import { configOf, writeRules } from '../../support/world-files.ts'
import { runtimeOf } from '../../support/pipeline.ts'
import { budgetsOver } from '../../support/budgets.ts'
import { watchingOf } from '../../support/watching.ts'

let dir: string
let rulesDir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-reload-'))
  rulesDir = join(dir, 'rules')
  await writeRules(rulesDir, {})
  await writeConfig({})
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const URLS = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:2' }
const writeConfig = (config: Readonly<Record<string, unknown>>) =>
  writeFile(join(dir, 'gateway.yaml'), JSON.stringify(configOf({ config }, URLS)))

async function reloaderOf(replace: RunningRuntime['replace'] = () => Promise.resolve()) {
  const source = { file: 'gateway.yaml', cwd: dir, env: {} }
  const settings = await loadConfig(source)
  if (!settings.ok) throw new Error('the configuration is not usable')
  const records: LedgerRecord[] = []
  const warned: string[] = []
  const log = (_: object, message: string) => void warned.push(message)
  const nothing = () => undefined
  const state = createMemoryStore({ clock: systemClock })
  const services = {
    clock: systemClock,
    ledger: {
      healthy: true,
      append: (record: LedgerRecord) => (records.push(record), Promise.resolve()),
    },
    metrics: createMetrics({
      buildInfo: { version: '0', nodeVersion: '0' },
      upstreams: [],
      issuers: [],
    }),
    log: { debug: nothing, info: nothing, warn: log, error: log, child: () => services.log },
    state,
    ...watchingOf(state, systemClock),
    budgets: budgetsOver(state, systemClock),
  }
  const runtime: RunningRuntime = {
    current: () => runtimeOf([]),
    rules: () => active.rules,
    async replace(settings, rules, onReady) {
      await replace(settings, rules, onReady)
      onReady(runtimeOf([]).configRevision)
    },
    onReplaced: nothing,
    controlAuthenticator: nothing,
    unreadiness: () => [],
    refresh: () => Promise.resolve(),
    assertionKeys: () => ({}),
    stop: () => Promise.resolve(),
  }
  const revisions = createRuleRevisions({
    rulesDir,
    historyDir: join(dir, 'history'),
    historyMax: 10,
    trustedKeysFiles: [],
    now: () => Date.now(),
    wait: () => Promise.resolve(),
  })
  const digest = await contentDigest(source, revisions, settings.value)
  const loaded = await revisions.load(settings.value)
  if (!loaded.ok) throw new Error('the rules are not usable')
  const active = loaded.value
  const fixed = { source, rulesDir, revisions, services, settings: settings.value }
  const parts = { ...fixed, runtime, digest, active, user: 'os:test' }
  const page = async () => (await services.metrics.expose()).text
  const reloader = createReloader(parts)
  return { ...reloader, revisions, records, warned, page, source, inForce: settings.value }
}

const POLICY = 'p, role:reader, read, model:*, always, allow\n'

describe('a reload', () => {
  it('puts what the files say in force, and writes down the revision', async () => {
    const replaced: string[] = []
    const reloader = await reloaderOf((_, rules) => {
      replaced.push(rules.revision)
      return Promise.resolve()
    })
    expect(await reloader.reload()).toEqual([])
    expect(reloader.records).toMatchObject([
      { type: 'policy.changed', fields: { pol: replaced[0] } },
    ])
    expect(await reloader.page()).toContain('modelgate_config_last_reload_successful 1')
  })

  it('writes down, counts and warns of routes that ask for less than the pack they extend', async () => {
    const reloader = await reloaderOf(() => Promise.resolve())
    await mkdir(join(rulesDir, 'routes'), { recursive: true })
    const route = '{ methods: [GET], path: /server_info, action: read }'
    await writeFile(join(rulesDir, 'routes/vllm.yaml'), `extends: vllm\nroutes:\n  - ${route}\n`)
    expect(await reloader.reload()).toEqual([])
    const [record] = reloader.records
    const lowers = [expect.stringContaining('GET /server_info asks for less than /server_info did')]
    expect(record).toMatchObject({ type: 'policy.changed', fields: { lowered: 1, lowers } })
    expect(JSON.stringify(record)).toContain('routes/vllm.yaml:3:')
    expect(reloader.warned.join()).toContain('asks for less')
    expect(await reloader.page()).toContain('modelgate_policy_routes_lowered 1')
  })

  it('of rules with a mistake replaces nothing and says where', async () => {
    let replaced = 0
    const reloader = await reloaderOf(() => Promise.resolve(void (replaced += 1)))
    await writeFile(join(rulesDir, 'policy.csv'), `${POLICY}p, role:reader, raed, model:*\n`)
    const [finding] = await reloader.reload()
    expect(finding).toMatchObject({ line: 2, severity: 'error' })
    expect(replaced).toBe(0)
    expect(reloader.records).toMatchObject([{ type: 'policy.refused', fields: { what: 'rules' } }])
    expect(await reloader.page()).toContain('modelgate_config_last_reload_successful 0')
  })

  it('of no rules at all replaces nothing', async () => {
    let replaced = 0
    const reloader = await reloaderOf(() => Promise.resolve(void (replaced += 1)))
    await rm(rulesDir, { recursive: true })
    expect(await reloader.reload()).toMatchObject([{ file: rulesDir, code: 'unreadable-file' }])
    expect(replaced).toBe(0)
  })

  it('that fails inside is a finding, never a rejection', async () => {
    const reloader = await reloaderOf(() => Promise.reject(new Error('no such key file')))
    expect(await reloader.reload()).toMatchObject([
      { code: 'unusable', message: 'no such key file' },
    ])
    expect(reloader.records).toMatchObject([{ type: 'policy.refused' }])
    expect(await reloader.reload()).toHaveLength(1)
  })

  it('waits for the one before it', async () => {
    let [at, most] = [0, 0]
    const reloader = await reloaderOf(async () => {
      most = Math.max(most, ++at)
      await new Promise((resolve) => setImmediate(resolve))
      at -= 1
    })
    await Promise.all([reloader.reload(), reloader.reload(), reloader.reload()])
    expect(most).toBe(1)
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['audit', { audit: { dir: 'elsewhere' } }],
    ['store', { store: { dir: 'elsewhere', kind: 'embedded' } }],
    ['budgets', { budgets: { lease: 7 } }],
    ['shutdown', { shutdown: { drain: '9s' } }],
    ['rules', { rules: { dir: 'rules', poll: '1s' } }],
    ['limits headersTimeout', { limits: { headers_timeout: '3s' } }],
  ])('says that a change of %s needs a restart', async (key, config) => {
    const reloader = await reloaderOf()
    await writeConfig(config)
    expect(await reloader.reload()).toEqual([])
    expect(reloader.warned).toContain(`a change of \`${key}\` takes effect at the next start`)
  })

  it('says nothing of what takes effect at once', async () => {
    const reloader = await reloaderOf()
    await writeConfig({ limits: { peek_bytes: '2KiB' } })
    await reloader.reload()
    expect(reloader.warned.filter((text) => text.includes('next start'))).toEqual([])
  })
})

describe('the watch of the files', () => {
  it('takes a change that came before it began', async () => {
    const replaced: string[] = []
    const reloader = await reloaderOf((_, rules) =>
      Promise.resolve(void replaced.push(rules.revision)),
    )
    await writeFile(join(rulesDir, 'policy.csv'), POLICY)
    const running = await reloader.watch()
    running.stop()
    expect(replaced).toHaveLength(1)
  })

  it('does nothing when nothing changed', async () => {
    let replaced = 0
    const reloader = await reloaderOf(() => Promise.resolve(void (replaced += 1)))
    const running = await reloader.watch()
    running.stop()
    expect(replaced).toBe(0)
  })
})

describe('the digest of what is watched', () => {
  it('is there even when nothing can be read', async () => {
    const { source, revisions, inForce } = await reloaderOf()
    const before = await contentDigest(source, revisions, inForce)
    await chmod(join(dir, 'gateway.yaml'), 0o000)
    await rm(join(dir, 'gateway.yaml'))
    await rm(rulesDir, { recursive: true })
    const after = await contentDigest(source, revisions, inForce)
    expect(after).toMatch(/^[0-9a-f]{64}$/)
    expect(after).not.toBe(before)
  })
})
