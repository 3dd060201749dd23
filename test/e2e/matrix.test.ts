/** `diff`, `who-can`, `what-can` and `docs`: what they print, whole, and how they end. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { PROJECT } from '../support/build.ts'
import { inProcess } from '../support/cli.ts'
import { expectGolden } from '../support/golden.ts'

/** Each asks for several command lines, and machines are busy. */
jest.setTimeout(60_000)

const OLD = 'test/fixtures/matrix-old'
const NEW = 'test/fixtures/matrix-new'
const run = (...args: string[]) => inProcess(args, { cwd: PROJECT })
/** Digests change with every letter of the rules. */
const steady = (text: string) => text.replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:<digest>')

describe('diff', () => {
  it('prints who gains and who loses what', async () => {
    const { code, stdout, stderr } = await run('diff', OLD, NEW)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectGolden('matrix/diff.txt', steady(stdout))
    const json = await run('diff', OLD, NEW, '--format', 'json')
    expectGolden('matrix/diff.json', steady(json.stdout))
  })

  it('ends with 1 on request when something differs, and with 0 when nothing does', async () => {
    expect(await run('diff', OLD, NEW, '--exit-code')).toMatchObject({ code: 1 })
    const same = await run('diff', OLD, OLD, '--exit-code')
    expect(same.code).toBe(0)
    expect(same.stdout).toContain('No caller is answered differently.')
  })

  it('ends with 3 when a side does not load, and with 2 when it is not there', async () => {
    const broken = await run('diff', OLD, 'test/fixtures')
    expect(broken.code).toBe(3)
    expect(broken.stderr).toContain('test/fixtures/policy.csv')
    for (const name of ['no-such-thing', '--', '-x', 'HEAD:no/such/folder', 'a b;c', 'sha256:zz']) {
      const { code, stderr } = await run('diff', OLD, ...(name === '-x' ? ['--', name] : [name]))
      expect({ name, code }).toEqual({ name, code: 2 })
      expect(stderr).not.toBe('')
    }
  })
})

describe('diff of git revisions', () => {
  let dir: string
  const git = (...args: string[]) =>
    promisify(execFile)('git', [
      '-C',
      dir,
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      ...args,
    ])
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'modelgate-diff-'))
    await git('init', '-q')
    await cp(join(PROJECT, OLD), join(dir, 'rules'), { recursive: true })
    await git('add', '.')
    await git('commit', '-q', '-m', 'old')
    await cp(join(PROJECT, NEW), join(dir, 'rules'), { recursive: true })
    await git('commit', '-q', '-a', '-m', 'new')
  }, 30_000)
  afterAll(() => rm(dir, { recursive: true, force: true }))

  it('finds what the folders give, by revision, by path, and against the work tree', async () => {
    const report = (text: string) => text.split('\n').slice(3).join('\n')
    const expected = report((await run('diff', OLD, NEW)).stdout)
    for (const args of [
      ['HEAD~1', 'HEAD'],
      ['HEAD~1:rules', 'rules'],
    ]) {
      const { code, stdout, stderr } = await inProcess(['diff', ...args], { cwd: dir })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(report(stdout)).toBe(expected)
    }
  })

  it('names the revision in what is wrong, and says when there is no repository', async () => {
    await writeFile(join(dir, 'rules/policy.csv'), 'p, role:r, steal, model:*, always, allow\n')
    await git('commit', '-q', '-a', '-m', 'broken')
    const { code, stderr } = await inProcess(['diff', 'HEAD~1', 'HEAD'], { cwd: dir })
    expect(code).toBe(3)
    expect(stderr).toContain('HEAD/policy.csv:1:')
    const outside = join(dir, 'elsewhere')
    await mkdir(outside)
    await rm(join(dir, '.git'), { recursive: true })
    const none = await inProcess(['diff', 'HEAD', 'HEAD~1'], { cwd: outside })
    expect(none).toMatchObject({ code: 2 })
    expect(none.stderr).toContain('not a git repository')
  })
})

describe.each([
  ['fixtures', NEW],
  ['starter', 'rules'],
])('of the %s', (name, rules) => {
  it('who-can is what it was', async () => {
    const asked = ['model:crown-jewel@3', 'model:fraud-detector']
    const texts = await Promise.all(
      asked.map(async (resource) => {
        const { code, stdout } = await run('who-can', 'export', resource, '--rules', rules)
        expect([0, 1]).toContain(code)
        return stdout
      }),
    )
    expectGolden(`matrix/${name}-who-can.txt`, steady(texts.join('\n')))
  })

  it('docs are what they were', async () => {
    for (const [format, extension] of [
      ['markdown', 'md'],
      ['html', 'html'],
    ] as const) {
      const { code, stdout } = await run('docs', '--rules', rules, '--format', format)
      expect(code).toBe(0)
      expectGolden(`matrix/${name}-docs.${extension}`, steady(stdout))
    }
  })
})

describe('what-can', () => {
  it('prints what one caller may do', async () => {
    const { code, stdout } = await run('what-can', 'group:data-science', '--rules', NEW)
    expect(code).toBe(0)
    expectGolden('matrix/fixtures-what-can.txt', steady(stdout))
  })

  it('ends with 1 when that is nothing, and with 2 when it is no caller', async () => {
    expect(await run('what-can', 'group:nobody', '--rules', NEW)).toMatchObject({ code: 1 })
    expect(await run('what-can', 'admin', '--rules', NEW)).toMatchObject({ code: 2 })
    expect(await run('what-can', 'user:a/b', 'user:a/c', '--rules', NEW)).toMatchObject({ code: 2 })
  })
})

describe('who-can', () => {
  it('settles time and network on request', async () => {
    const asked = ['who-can', 'infer', 'model:x', '--rules', OLD]
    const open = await run(...asked)
    expect(open.stdout).toContain('office-hours & corp-network')
    const settled = await run(...asked, '--at', '2026-11-23T10:30:00+01:00', '--ip', '10.1.2.3')
    expect(settled.stdout).toMatch(/role:inference\n +when +always/)
    expect(await run(...asked, '--ip', '203.0.113.1')).toMatchObject({ code: 1 })
    expect(await run('who-can', 'infer', 'model:*', '--rules', OLD)).toMatchObject({ code: 2 })
  })
})

describe('docs', () => {
  it('writes a file', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-docs-'))
    const out = join(dir, 'matrix.html')
    const { code } = await run('docs', '--rules', NEW, '--format', 'html', '--out', out)
    expect(code).toBe(0)
    expect(await readFile(out, 'utf8')).toMatch(/^<!doctype html>/)
    await rm(dir, { recursive: true })
  })
})
