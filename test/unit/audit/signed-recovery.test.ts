import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { unavailable } from '../../../gateway/audit/files/segments.ts'
import {
  harness,
  note,
  removeDirectories,
  storedRecords,
  tamper,
} from '../../support/audit-harness.ts'
import {
  checkpoints,
  keySigner,
  newKey,
  published,
  rootOfRecords,
  rootOfTiles,
  verdict,
} from '../../support/signed-log.ts'

afterAll(removeDirectories)

/** A log of `count` records and two more, closed well. */
async function signedLog(count = 300, more = {}) {
  const log = harness()
  const key = newKey()
  const signer = keySigner(key)
  const ledger = await log.open({ signer, ...more })
  for (let i = 0; i < count; i++) ledger.appendNow(note(`r${i}`))
  await ledger.close()
  return { ...log, key, signer }
}

describe('a signed log that is opened again', () => {
  it.each([
    ['its last record is gone', 1, /TRUNCATED: 302 records were signed, 301 are there/],
    ['its last hundred are gone', 100, /TRUNCATED: 302 records were signed, 202 are there/],
  ])('is refused when %s', async (_, cut, message) => {
    const { dir, open, signer } = await signedLog()
    tamper(dir, (bytes) =>
      Buffer.from(
        bytes
          .toString()
          .split('\n')
          .slice(0, -1 - cut)
          .join('\n') + '\n',
      ),
    )
    await expect(open({ signer })).rejects.toThrow(message)
    await expect(open({ signer })).rejects.toThrow(/modelgate audit accept-gap/)
    // Without a key, too: what was signed counts for all that comes.
    await expect(open()).rejects.toThrow(/TRUNCATED/)
    expect(storedRecords(dir)).toHaveLength(302 - cut)
  })

  it('is refused when all of its records are gone', async () => {
    const { dir, open, signer } = await signedLog()
    rmSync(join(dir, 'seg'), { recursive: true })
    await expect(open({ signer })).rejects.toThrow(/TRUNCATED: 302 records were signed, 0 are/)
  })

  it('is refused when it was rewritten with a chain of its own', async () => {
    const { dir, open, signer } = await signedLog()
    const forged = await signedLog()
    rmSync(join(dir, 'seg'), { recursive: true })
    cpSync(join(forged.dir, 'seg'), join(dir, 'seg'), { recursive: true })
    await expect(open({ signer })).rejects.toThrow(/TAMPERED: the records are not the 302/)
  })

  it('is refused when a checkpoint was changed, or is of another key', async () => {
    const { dir, open, signer } = await signedLog(3)
    const path = join(dir, 'checkpoints.log')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(/\n5\n/, '\n4\n'))
    rmSync(join(dir, 'checkpoint'))
    await expect(open({ signer })).rejects.toThrow(/TAMPERED: the signature of test.* is wrong/)
    writeFileSync(path, text)
    await expect(open({ signer: keySigner(newKey()) })).rejects.toThrow(
      /not signed by a key of this configuration .*audit.previous_signing_key_file/,
    )
    await (await open({ signer })).close()
  })

  it('goes on from the published checkpoint when checkpoints.log was cut', async () => {
    const { dir, key, open, signer } = await signedLog(3)
    const path = join(dir, 'checkpoints.log')
    truncateSync(path, 0)
    await (await open({ signer })).close()
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([5, 6, 7])
  })

  it('moves a half-written checkpoint aside and says so', async () => {
    const { dir, key, open, signer } = await signedLog(3)
    const path = join(dir, 'checkpoints.log')
    const whole = readFileSync(path, 'utf8')
    for (const torn of [
      'test/audit/n1\n7',
      'test/audit/n1\n7\nAAAA\n\n',
      whole.slice(whole.lastIndexOf('test/audit'), -1),
    ]) {
      appendFileSync(path, torn)
      await (await open({ signer })).close()
    }
    expect(readFileSync(`${path}.torn`, 'utf8')).toBe('test/audit/n1\n7')
    const sizes = checkpoints(dir, [key]).map(({ size }) => size)
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
    const files = storedRecords(dir)
      .filter(({ type }) => type === 'log.recovered')
      .map(({ file }) => file)
    expect(files.slice(0, 2)).toEqual([`${path}.torn`, `${path}.torn.1`])
  })

  it('makes tiles again that are gone or damaged, and says so', async () => {
    const { dir, key, open, signer } = await signedLog(1000)
    rmSync(join(dir, 'tile/0/000'))
    writeFileSync(join(dir, 'tile/0/001'), Buffer.alloc(8192))
    truncateSync(join(dir, 'tile/0/002'), 100)
    await (await open({ signer })).close()
    const { size, root } = published(dir, [key])
    expect(rootOfTiles(dir, size)).toEqual(root)
    expect(rootOfRecords(dir, size)).toEqual(root)
    expect(storedRecords(dir)).toContainEqual(
      expect.objectContaining({ type: 'log.recovered', tiles: 2 }),
    )
    expect(await verdict(dir, [key])).toBe('gaps')
  })

  it('makes the tree of a log that had none, and signs it from then on', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    for (let i = 0; i < 700; i++) ledger.appendNow(note(`r${i}`))
    await ledger.close()
    rmSync(join(dir, 'tile'), { recursive: true })
    const key = newKey()
    await (await open({ signer: keySigner(key) })).close()
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([703, 704])
    expect(rootOfTiles(dir, 704)).toEqual(rootOfRecords(dir, 704))
  })

  it('adds nothing to a log that its signer says was put back', async () => {
    const { dir, key, open } = await signedLog(3)
    const signer = {
      verifiers: [key.verifier],
      sign: () => Promise.reject(unavailable('it has signed 9 records')),
    }
    const before = readFileSync(join(dir, 'seg', '0000000000000000.jsonl'))
    await expect(open({ signer })).rejects.toThrow(/it has signed 9 records/)
    expect(readFileSync(join(dir, 'seg', '0000000000000000.jsonl'))).toEqual(before)
    expect(existsSync(join(dir, 'lock'))).toBe(false)
  })
})

describe('a key that is followed by another', () => {
  it('signs together with it for a while, and the change is recorded', async () => {
    const { dir, key: old, open } = await signedLog(3)
    const next = newKey()
    await (await open({ signer: keySigner(next, old) })).close()
    await (await open({ signer: keySigner(next, old) })).close()
    await (await open({ signer: keySigner(next) })).close()
    const rotated = storedRecords(dir).filter(({ type }) => type === 'key.rotate')
    const idOf = (vkey: string) => vkey.split('+').slice(0, 2).join('+')
    expect(rotated).toMatchObject([
      {
        vkeys: [next.verifier.vkey, old.verifier.vkey],
        previous: [idOf(old.verifier.vkey)],
      },
      {
        vkeys: [next.verifier.vkey],
        previous: [idOf(next.verifier.vkey), idOf(old.verifier.vkey)],
      },
    ])
    expect(await verdict(dir, [old, next])).toBe('intact')
    // The record of the change is covered by both keys.
    const log = readFileSync(join(dir, 'checkpoints.log'), 'utf8')
    const covering = log.split(`test/audit/n1\n${Number(rotated[0]?.['seq']) + 1}\n`)[1] ?? ''
    expect(covering.split('\n\n')[1]?.split('\n')).toHaveLength(2)
    await expect(open({ signer: keySigner(old) })).rejects.toThrow(/previous_signing_key_file/)
  })
})
