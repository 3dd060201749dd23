import { mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { readSettledRules, UNSETTLED } from '../../../gateway/assembly/revisions/settled-files.ts'
import { writeRules } from '../../support/world-files.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-settled-'))
  await writeRules(dir, {})
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const policy = (text: string) => writeFile(join(dir, 'policy.csv'), text)

/** Reads with something happening in each wait, until there is nothing left to happen. */
async function readWhile(happenings: readonly (() => Promise<unknown>)[], now = () => Date.now()) {
  const waits: number[] = []
  const read = await readSettledRules(dir, {
    now,
    wait: async (ms) => {
      await happenings[waits.length]?.()
      waits.push(ms)
    },
  })
  return { read, waits, text: read.ok ? read.value.files.policy.text : undefined }
}

describe('rule files that are being written', () => {
  it('are read when they were left alone for a while', async () => {
    const { waits, text } = await readWhile([() => policy('half'), () => policy('half\nwhole\n')])
    expect(text).toBe('half\nwhole\n')
    expect(waits).toHaveLength(3)
  })

  it('are waited for when one is renamed over, though nothing was written to it', async () => {
    await writeFile(join(dir, 'policy.new'), 'new\n')
    const swap = () => rename(join(dir, 'policy.new'), join(dir, 'policy.csv'))
    const { waits, text } = await readWhile([swap])
    expect([waits.length, text]).toEqual([2, 'new\n'])
  })

  it('are waited for when the link to all of them is swapped', async () => {
    const link = `${dir}-link`
    const other = await mkdtemp(join(tmpdir(), 'modelgate-settled-'))
    await writeRules(other, { policy: 'other\n' })
    await symlink(dir, link)
    let waits = 0
    const read = await readSettledRules(link, {
      now: () => Date.now(),
      wait: async () => {
        waits += 1
        if (waits > 1) return
        await symlink(other, `${link}2`)
        await rename(`${link}2`, link)
      },
    })
    expect([waits, read.ok && read.value.files.policy.text]).toEqual([2, 'other\n'])
    await Promise.all([link, other].map((path) => rm(path, { recursive: true })))
  })

  it('are given up when they never rest', async () => {
    let n = 0
    const { read } = await readWhile(Array.from({ length: 100 }, () => () => policy(`${n++}`)))
    expect(read).toMatchObject({ ok: false, diagnostics: [{ code: UNSETTLED }] })
  })
})

describe('how long is waited', () => {
  it('is longer for files written in place than for those renamed into it', async () => {
    const at = Date.now() / 1000 - 1
    for (const name of ['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml']) {
      // The times of a file that was written before and renamed now.
      await utimes(join(dir, name), at, at)
    }
    expect((await readWhile([])).waits).toEqual([100])
    await policy('in place\n')
    expect((await readWhile([])).waits).toEqual([500])
  })
})

describe('rule files that are old', () => {
  it('are read at once', async () => {
    const { waits, read } = await readWhile([], () => Date.now() + 60_000)
    expect([waits, read.ok]).toEqual([[], true])
  })

  it('are waited for when they claim to be from the future', async () => {
    const later = Date.now() / 1000 + 3_600
    await utimes(join(dir, 'policy.csv'), later, later)
    expect((await readWhile([])).waits).toHaveLength(1)
  })
})
