/** The table of verbs: composed of the tables of groups, which load nothing before it is asked for. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { GROUPS, VERBS } from '../../../gateway/cli/verbs.ts'
import { inProcess } from '../../support/cli.ts'

const TABLES = [
  'policy-verbs',
  'control/verbs',
  'audit/verbs',
  'store/verbs',
  'signing-verbs',
  'revision-verbs',
  'start-verbs',
]

describe('the table of verbs', () => {
  it('has every name once', () => {
    const names = VERBS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect([...GROUPS].sort()).toEqual(
      ['audit', 'grant', 'lock', 'provenance', 'request', 'review', 'store', 'version'].sort(),
    )
  })

  it.each(TABLES)('%s imports types alone', (name) => {
    const text = readFileSync(`gateway/cli/${name}.ts`, 'utf8')
    const imports = text.split('\n').filter((line) => line.startsWith('import '))
    expect(imports.filter((line) => !line.startsWith('import type '))).toEqual([])
  })

  it('is shown whole, in its order, by --help', async () => {
    const { code, stdout } = await inProcess(['--help'], { cwd: '.' })
    const shown = stdout
      .split('\n')
      .flatMap((line) => /^ {2}(\S+(?: \S+)?) {2}/.exec(line)?.[1] ?? [])
    expect([code, shown]).toEqual([0, VERBS.map(({ name }) => name)])
  })
})

describe('help', () => {
  const run = (...args: string[]) => inProcess(args, { cwd: '.' })

  it('is that of the verb, of two words too', async () => {
    const { code, stdout } = await run('help', 'request', 'create')
    expect([code, stdout]).toEqual([0, (await run('request', 'create', '--help')).stdout])
  })

  it('of a group lists its verbs', async () => {
    const { code, stdout } = await run('help', 'review')
    expect([code, stdout]).toEqual([0, (await run('review', '--help')).stdout])
    expect(stdout).not.toContain('audit verify')
  })

  it('of what is no verb names the nearest, with 2', async () => {
    const wrong = await run('help', 'requets')
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    const second = await run('help', 'review', 'certfy')
    expect([second.code, second.stdout]).toEqual([2, ''])
    expect(second.stderr).toContain('Did you mean review certify?')
  })
})

describe('drill --wait', () => {
  it.each(['soon', '-1', '1e3', ''])('%j is refused before anything is begun', async (wait) => {
    const env = { MODELGATE_TOKEN: 'a.b.c', MODELGATE_CONTROL_URL: 'http://127.0.0.1:9' }
    const ended = await inProcess(['drill', `--wait=${wait}`], { cwd: '.', env })
    expect([ended.code, ended.stdout]).toEqual([2, ''])
    expect(ended.stderr).toContain('--wait takes whole seconds')
  })
})
