import { cp, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { readRuleFiles } from '../../../gateway/assembly/rule-files.ts'

const SHIPPED = fileURLToPath(new URL('../../../rules', import.meta.url))

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-rules-'))
  await cp(SHIPPED, dir, { recursive: true })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function revision(): Promise<string> {
  const files = await readRuleFiles(dir)
  return files.ok ? files.value.revision : JSON.stringify(files.diagnostics)
}

async function findings() {
  const files = await readRuleFiles(dir)
  return files.ok
    ? []
    : files.diagnostics.map(({ file, code, message }) => ({ file, code, message }))
}

describe('the rule folder', () => {
  it('is read as one, its files named without the paths of the machine', async () => {
    await mkdir(join(dir, 'routes'), { recursive: true })
    await writeFile(join(dir, 'routes', 'b.yaml'), 'b')
    await writeFile(join(dir, 'routes', 'a.yaml'), 'a')
    await writeFile(join(dir, 'routes', 'README.md'), 'text')
    const files = await readRuleFiles(dir)
    if (!files.ok) throw new Error('not read')
    const { policy, routes, revision: digest } = files.value
    expect(policy.file).toBe('policy.csv')
    expect(routes.map(({ file }) => file)).toEqual(['routes/a.yaml', 'routes/b.yaml'])
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('needs no routes of its own', async () => {
    await rm(join(dir, 'routes'), { recursive: true, force: true })
    expect(await findings()).toEqual([])
  })

  it('has another revision for every change, and the same for none', async () => {
    const seen = new Set([await revision()])
    expect(seen).toContain(await revision())
    await writeFile(join(dir, 'policy.csv'), '# a comment\n')
    seen.add(await revision())
    await mkdir(join(dir, 'routes'), { recursive: true })
    await writeFile(join(dir, 'routes', 'a.yaml'), 'xy')
    seen.add(await revision())
    await writeFile(join(dir, 'routes', 'a.yaml'), 'x')
    await writeFile(join(dir, 'routes', 'b.yaml'), 'y')
    seen.add(await revision())
    expect(seen.size).toBe(4)
  })
})

describe('a folder that cannot be read whole gives no rules', () => {
  it.each(['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml'])(
    'without %s',
    async (name) => {
      await rm(join(dir, name))
      expect(await findings()).toMatchObject([{ file: name, code: 'unreadable-file' }])
    },
  )

  it('with a folder where a file should be', async () => {
    await rm(join(dir, 'policy.csv'))
    await mkdir(join(dir, 'policy.csv'))
    expect(await findings()).toMatchObject([{ file: 'policy.csv', code: 'unreadable-file' }])
  })

  it('with bytes that are no UTF-8', async () => {
    await writeFile(join(dir, 'policy.csv'), Buffer.from([0x70, 0xff]))
    expect(await findings()).toMatchObject([{ file: 'policy.csv', code: 'unreadable-file' }])
  })

  it('with a file past all bounds, which is not read', async () => {
    const handle = await open(join(dir, 'policy.csv'), 'w')
    await handle.truncate(1024 ** 4)
    await handle.close()
    const [finding] = await findings()
    expect(finding?.message).toContain('64 MiB')
  })

  it('with routes that are no folder', async () => {
    await rm(join(dir, 'routes'), { recursive: true, force: true })
    await writeFile(join(dir, 'routes'), 'x')
    expect(await findings()).toMatchObject([{ file: 'routes', code: 'unreadable-file' }])
  })

  it('with routes that would be passed over for their name', async () => {
    await mkdir(join(dir, 'routes'), { recursive: true })
    await writeFile(join(dir, 'routes', 'mine.yml'), 'routes: []')
    expect(await findings()).toMatchObject([{ file: 'routes/mine.yml', code: 'misnamed-file' }])
  })

  it('without the folder itself', async () => {
    await rm(dir, { recursive: true })
    expect(await findings()).toMatchObject([{ file: '.', code: 'unreadable-file' }])
    expect(await findings()).toHaveLength(1)
  })
})
