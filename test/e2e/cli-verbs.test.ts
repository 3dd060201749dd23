/** `check`, `explain` and `config`: what they find, what they print, with which exit code they end. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { PROJECT } from '../support/build.ts'
import { writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'

const POLICY = `p, role:reader, read, model:*, always, allow
p, role:inference, infer, model:*, office-hours, allow
p, role:anyone, export, model:crown-*, always, deny
`

const CONDITIONS = `conditions:
  office-hours: { kind: time, zone: Europe/Berlin, days: [mon], hours: 08:00-18:00 }
`

let files: GatewayFiles
beforeAll(async () => {
  files = await writeGatewayFiles({
    policy: POLICY,
    rules: { 'conditions.yaml': CONDITIONS },
    issuer: { audience: ['modelgate', 'https://somebody:a-secret@gate.example.com'] },
  })
}, 30_000)
afterAll(() => rm(files.dir, { recursive: true, force: true }))

const run = (...args: string[]) => inProcess(args, { cwd: files.dir })

describe('check', () => {
  it('says what is in force, with 0', async () => {
    const { code, stdout, stderr } = await run('check', '--config', files.configFile)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^ok: 3 rules, 0 errors, 0 warnings, revision sha256:[0-9a-f]{64}\n$/)
  })

  it('finds the configuration by MODELGATE_CONFIG, and --config goes before it', async () => {
    const env = { MODELGATE_CONFIG: files.configFile }
    expect(await inProcess(['check'], { cwd: files.dir, env })).toMatchObject({ code: 0 })
    const other = await inProcess(['check', '--config', 'no.yaml'], { cwd: files.dir, env })
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('no.yaml')
  })

  it('names every finding as file:line:column, with 3', async () => {
    const rules = join(files.dir, 'broken')
    await mkdir(rules)
    for (const name of ['model.conf', 'conditions.yaml', 'resources.yaml']) {
      await writeFile(join(rules, name), await readShipped(name))
    }
    await writeFile(
      join(rules, 'policy.csv'),
      `${POLICY}p, role:x, steal, model:*, always, allow\nq, a\n`,
    )
    const { code, stdout, stderr } = await run('check', '--rules', rules)
    expect(code).toBe(3)
    expect(stderr).toMatch(/policy\.csv:4:\d+: error: /)
    expect(stderr).toMatch(/policy\.csv:5:\d+: error: /)
    expect(stdout).toMatch(/^not usable: \d+ errors?, \d+ warnings?\n$/)

    const machine = await run('check', '--rules', rules, '--format', 'json')
    expect([machine.code, machine.stderr]).toEqual([3, ''])
    const report = JSON.parse(machine.stdout) as { ok: boolean; findings: { line: number }[] }
    expect(report.ok).toBe(false)
    expect(report.findings.map(({ line }) => line)).toEqual(expect.arrayContaining([4, 5]))
  })

  it('prints one JSON document for machines', async () => {
    const { code, stdout } = await run('check', '--config', files.configFile, '--format', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      revision: expect.stringMatching(/^sha256:/) as unknown,
      findings: [],
    })
  })

  it('finds an unknown key of the configuration and suggests the right one', async () => {
    const file = join(files.dir, 'wrong.yaml')
    await writeFile(file, 'issuers: []\nupstream: []\n')
    const { code, stderr } = await run('check', '--config', file)
    expect(code).toBe(3)
    expect(stderr).toMatch(/wrong\.yaml:2:1: error: unknown key .*\n.*`upstreams`/)
  })
})

describe('explain', () => {
  const explain = (...args: string[]) =>
    run('explain', '--config', files.configFile, '--subject', 'user:corp/alice', ...args)
  const MODEL = ['--resource', 'model:fraud@3']

  it('ends with 0 for a permit, and names the rule', async () => {
    const { code, stdout } = await explain('--role', 'reader', '--action', 'read', ...MODEL)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PERMIT {2}user:corp\/alice read model:fraud@3\n/)
    expect(stdout).toContain('policy.csv:1')
  })

  it('ends with 1 for a deny, and names what stood in the way', async () => {
    const night = ['--at', '2026-11-23T03:00:00+01:00']
    const asked = ['--role', 'inference', '--action', 'infer', ...MODEL, ...night]
    const { code, stdout } = await explain(...asked)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^DENY/)
    expect(stdout).toContain('condition_failed')
    expect(stdout).toContain('office-hours')
    const day = asked.with(-1, '2026-11-23T10:00:00+01:00')
    expect((await explain(...day)).code).toBe(0)
  })

  it('shows an explicit deny as such', async () => {
    const crown = ['--action', 'export', '--resource', 'model:crown-1']
    const { code, stdout } = await explain('--role', 'reader', ...crown)
    expect(code).toBe(1)
    expect(stdout).toContain('denied_by_rule')
    expect(stdout).toContain('policy.csv:3')
  })

  it('prints one JSON document for machines', async () => {
    const json = ['--format', 'json']
    const { code, stdout } = await explain('--action', 'read', ...MODEL, ...json)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      request: { action: 'read', subject: { id: 'user:corp/alice' } },
      decision: { reason: 'no_rule' },
    })
  })
})

describe('config', () => {
  it('print shows every setting in force, with its source', async () => {
    const { code, stdout } = await inProcess(
      ['config', 'print', '--effective', '--config', files.configFile],
      { cwd: files.dir, env: { MODELGATE_LOG_LEVEL: 'warn' } },
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}level: warn # from environment/m)
    expect(stdout).toMatch(/^ {2}concurrent_requests: 10000 # from default/m)
    expect(stdout).toContain('a-secret')
  })

  it('print --redact hides credentials in URLs', async () => {
    const asked = ['config', 'print', '--effective', '--redact', '--config', files.configFile]
    const { code, stdout } = await run(...asked)
    expect(code).toBe(0)
    expect(stdout).not.toContain('a-secret')
    expect(stdout).not.toContain('somebody')
    expect(stdout).toContain('gate.example.com')
    const json = await run(...asked, '--format', 'json')
    expect(json.stdout).not.toContain('a-secret')
    expect(JSON.parse(json.stdout)).toMatchObject({ upstreams: [{ name: 'models' }] })
  })

  it('schema prints the JSON Schema of the configuration', async () => {
    const { code, stdout } = await run('config', 'schema')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ properties: { upstreams: { type: 'array' } } })
  })
})

async function readShipped(name: string): Promise<string> {
  return readFile(join(PROJECT, 'rules', name), 'utf8')
}
