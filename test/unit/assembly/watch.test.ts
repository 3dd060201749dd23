import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  startChangeWatch,
  type ChangeWatch,
  type ChangeWatchOptions,
} from '../../../gateway/assembly/watch.ts'
import { until } from '../../support/world-files.ts'

let dir: string
let watch: ChangeWatch | undefined
let seen: string[]
let unwatchable: string[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-watch-'))
  seen = []
  unwatchable = []
  await writeFile(join(dir, 'policy.csv'), 'one')
})
afterEach(async () => {
  watch?.stop()
  await rm(dir, { recursive: true, force: true })
})

const text = (): Promise<string> => readFile(join(dir, 'policy.csv'), 'utf8')

/** Watches without polling, unless told otherwise: what is seen was notified. */
async function start(more: Partial<ChangeWatchOptions> = {}): Promise<void> {
  watch = await startChangeWatch({
    folders: [dir],
    fingerprint: text,
    initial: await text(),
    onChange: async () => void seen.push(await text()),
    onUnwatchable: (folder) => unwatchable.push(folder),
    settleMs: 10,
    pollMs: 3_600_000,
    ...more,
  })
}

const told = (what: string) => until(`the change to ${what}`, () => seen.includes(what))

describe('a change is told', () => {
  it('when a file is written in place', async () => {
    await start()
    await writeFile(join(dir, 'policy.csv'), 'two')
    await told('two')
  })

  it('when a file is replaced by renaming, again and again', async () => {
    await start()
    for (const next of ['two', 'three', 'four']) {
      await writeFile(join(dir, '.new'), next)
      await rename(join(dir, '.new'), join(dir, 'policy.csv'))
      await told(next)
    }
  })

  it('when a ConfigMap swaps its link, again and again', async () => {
    // As the kubelet does it: policy.csv -> ..data/policy.csv, ..data -> a dated folder.
    const swap = async (version: string) => {
      await mkdir(join(dir, `..${version}`))
      await writeFile(join(dir, `..${version}`, 'policy.csv'), version)
      await symlink(`..${version}`, join(dir, '..data_tmp'))
      await rename(join(dir, '..data_tmp'), join(dir, '..data'))
    }
    await rm(join(dir, 'policy.csv'))
    await swap('v1')
    await symlink('..data/policy.csv', join(dir, 'policy.csv'))
    await start()
    for (const version of ['v2', 'v3', 'v4']) {
      await swap(version)
      await told(version)
    }
  })

  it('by polling, where no notification comes', async () => {
    await start({ folders: [], pollMs: 10 })
    await writeFile(join(dir, 'policy.csv'), 'two')
    await told('two')
  })

  it('when it came between reading the files and watching them', async () => {
    await start({ initial: 'before' })
    expect(seen).toEqual(['one'])
  })

  it('once for many writes, and not for the same content', async () => {
    await start({ settleMs: 60 })
    for (const next of ['a', 'b', 'c', 'two']) await writeFile(join(dir, 'policy.csv'), next)
    await told('two')
    await writeFile(join(dir, 'policy.csv'), 'two')
    await writeFile(join(dir, 'policy.csv'), 'end')
    await told('end')
    expect(seen).toEqual(['two', 'end'])
  })
})

describe('the watch goes on', () => {
  it('behind a change that could not be taken', async () => {
    let failures = 0
    await start({
      onChange: async () => {
        seen.push(await text())
        failures += 1
        throw new Error('cannot be used')
      },
    })
    await writeFile(join(dir, 'policy.csv'), 'two')
    await told('two')
    await writeFile(join(dir, 'policy.csv'), 'three')
    await told('three')
    expect(failures).toBe(2)
  })

  it('while content cannot be read, and tells when it can again', async () => {
    let readable = false
    await start({
      initial: 'one',
      pollMs: 10,
      fingerprint: () => (readable ? Promise.resolve('two') : Promise.reject(new Error('gone'))),
      onChange: () => Promise.resolve(void seen.push(readable ? 'two' : 'gone')),
    })
    await told('gone')
    readable = true
    await told('two')
    expect(seen).toEqual(['gone', 'two'])
  })

  it('without the folders that are not there, which it names', async () => {
    await start({ folders: [join(dir, 'routes'), dir] })
    expect(unwatchable).toEqual([join(dir, 'routes')])
    await writeFile(join(dir, 'policy.csv'), 'two')
    await told('two')
  })

  it('one change at a time', async () => {
    let at = 0
    let most = 0
    await start({
      settleMs: 1,
      onChange: async () => {
        most = Math.max(most, ++at)
        await new Promise((resolve) => setTimeout(resolve, 20))
        seen.push(await text())
        at -= 1
      },
    })
    for (let i = 0; i < 10; i++) {
      await writeFile(join(dir, 'policy.csv'), `v${i}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await told('v9')
    expect(most).toBe(1)
  })
})
