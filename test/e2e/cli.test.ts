/**
 * The command line as people and scripts use it: help, exit codes, what goes to which stream. One
 * command of each exit code runs as a process; the others in this one, since a process takes a while.
 */
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ensureBuilt, PROJECT } from '../support/build.ts'
import { runModelgate, writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'

const VERBS = ['serve', 'check', 'test', 'explain', 'demo', 'config', 'token']
const ESCAPE = String.fromCharCode(27)

let files: GatewayFiles
beforeAll(async () => {
  files = await writeGatewayFiles({})
}, 30_000)
afterAll(() => rm(files.dir, { recursive: true, force: true }))

const run = (...args: string[]) => inProcess(args, { cwd: files.dir })

describe('the process', () => {
  it.each([
    ['--version', 0],
    ['explain --rules rules --subject user:a/b --action read --resource model:m', 1],
    ['chek', 2],
    ['config print --config nowhere.yaml', 3],
  ])(
    'modelgate %s ends with %d',
    async (line, code) => {
      const ended = await runModelgate(line.split(' '), { cwd: files.dir })
      expect(ended.code).toBe(code)
      // Results go to standard output, talk to standard error.
      expect([ended.stdout !== '', ended.stderr !== '']).toEqual([code < 2, code >= 2])
    },
    15_000,
  )

  it.each([{}, { NO_COLOR: '1' }, { TERM: 'dumb' }])(
    'writes no escape sequences where there is no terminal, with %j',
    async (env) => {
      const { stdout, stderr } = await runModelgate(['--help'], { env })
      expect(stdout + stderr).not.toContain(ESCAPE)
    },
    15_000,
  )

  it('ends quietly when its reader has gone', async () => {
    const main = await ensureBuilt()
    const pipe = `"${process.execPath}" "${main}" config schema | head -c 1`
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', pipe])
    expect({ stdout, stderr }).toEqual({ stdout: '{', stderr: '' })
  }, 15_000)
})

describe('help', () => {
  it('lists every verb, on standard output, with 0', async () => {
    for (const flag of ['--help', '-h', 'help']) {
      const { code, stdout, stderr } = await run(flag)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^ {2}${verb} +\\S`, 'm'))
    }
  })

  it('without a verb is shown with 2', async () => {
    expect(await run()).toMatchObject({ code: 2 })
  })

  it('of a verb shows usage, options, examples and exit codes', async () => {
    for (const verb of VERBS) {
      const { code, stdout, stderr } = await run(verb, '--help')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const example = `\n  modelgate ${verb}`
      for (const text of [`Usage: modelgate ${verb}`, 'Options:', 'Examples:', example]) {
        expect(stdout).toContain(text)
      }
      expect(stdout).toContain('Exit codes: 0 ok')
      for (const line of stdout.split('\n').filter((text) => text.startsWith('  --'))) {
        expect(line).toMatch(/^ {2}--[a-z-]+( [A-Za-z|[\]=]+)? {2,}\S/)
      }
    }
    expect((await run('help', 'check')).stdout).toBe((await run('check', '-h')).stdout)
  })

  it('--version names the version of the package', async () => {
    const { stdout, code } = await run('--version')
    const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
      version: string
    }
    expect({ stdout, code }).toEqual({ stdout: `modelgate ${version}\n`, code: 0 })
  })
})

/** What these say of their options comes after the configuration was read. */
const NEEDS_CONFIG: ReadonlySet<unknown> = new Set(['serve', 'explain'])

describe('a command line that is wrong ends with 2 and says what is meant:', () => {
  it.each([
    [['chek'], 'unknown verb "chek". Did you mean check?'],
    [['zzz'], 'unknown verb "zzz". Run: modelgate --help'],
    [['check', '--confg', 'x'], 'unknown option --confg. Did you mean --config?'],
    [['check', '--format', 'xml'], '--format takes text'],
    [['check', '--format', 'jsn'], 'Did you mean json?'],
    [['config', '--format', 'sarif'], '--format takes text or json'],
    [['check', 'extra'], 'modelgate check --help'],
    [['check', '--config'], '--config'],
    [['config', 'prnt'], 'config takes print or schema'],
    [
      ['explain', '--subject', 'user:corp/a', '--action', 'steal'],
      '--action takes one of read, infer',
    ],
    [['explain', '--action', 'read', '--subject', 'alice'], '--subject takes user:<issuer>/<id>'],
    [['serve', '--port', 'http'], 'flag listen.data.port'],
  ])('modelgate %j', async (args, text) => {
    const { code, stdout, stderr } = await run(
      ...args,
      ...(NEEDS_CONFIG.has(args[0]) ? ['--config', files.configFile] : []),
    )
    expect(stderr).toContain(text)
    expect(stderr).not.toContain('    at ')
    expect(stdout).toBe('')
    // A value that the configuration would refuse too is told with its place, as 3.
    expect(code).toBe(args[0] === 'serve' ? 3 : 2)
  })
})
