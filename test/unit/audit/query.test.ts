import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../../gateway/audit/files/file-port.ts'
import { readLines, readLinesBackward } from '../../../gateway/audit/line/lines.ts'
import { findById } from '../../../gateway/audit/read/query.ts'
import { harness, note, removeDirectories, segmentNames } from '../../support/audit-harness.ts'

afterAll(removeDirectories)

describe('finding the records of a request', () => {
  it('gives the outcome and then the decision, and reads no further back', async () => {
    const { dir, open } = harness()
    const ledger = await open({ segmentBytesMax: 1500 })
    for (let i = 0; i < 20; i++) {
      await ledger.append(note(`r${i}`), 'kernel')
      ledger.appendNow({ type: 'outcome', fields: { id: `r${i}`, status: 200 } })
    }
    const found = await findById(dir, 'r3')
    expect(found).toMatchObject([
      { type: 'outcome', id: 'r3', status: 200 },
      { type: 'decision', id: 'r3', effect: 'permit' },
    ])
    expect(await findById(dir, 'r4', { countMax: 1 })).toHaveLength(1)
    expect(await findById(dir, 'r')).toEqual([])
    await ledger.close()
  })

  it('takes an id for text, never for a pattern, and is not fooled by other fields', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    const id = 'a"b\n\\u2028\u2028'
    await ledger.append(note(id), 'kernel')
    await ledger.append({ type: 'decision', fields: { id: 'x', in: { id } } }, 'kernel')
    expect(await findById(dir, id)).toMatchObject([{ id, effect: 'permit' }])
    expect(await findById(dir, '.*')).toEqual([])
    await ledger.close()
  })

  it('is not disturbed by a line that is being written', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    await ledger.append(note('r1'), 'kernel')
    await ledger.close()
    appendFileSync(join(dir, 'seg', segmentNames(dir)[0] ?? ''), '{"id":"r1"')
    expect(await findById(dir, 'r1')).toHaveLength(1)
  })
})

describe('reading lines', () => {
  it('gives the same lines forwards and backwards across blocks', async () => {
    const { dir, open } = harness()
    const ledger = await open({ segmentBytesMax: 64 * 1024 * 1024 })
    for (let i = 0; i < 900; i++) {
      const pad = Array.from({ length: i % 13 }, () => 'é'.repeat(1999))
      ledger.appendNow({ type: 'decision', fields: { id: `r${i}`, pad } })
    }
    await ledger.close()
    const path = join(dir, 'seg', segmentNames(dir)[0] ?? '')
    const forwards = [...copies(readLines(systemFiles, path), ({ bytes }) => bytes)]
    const backwards = [...copies(readLinesBackward(systemFiles, path), (bytes) => bytes)]
    expect(forwards).toHaveLength(902)
    expect(backwards.reverse().every((line, i) => line === forwards[i])).toBe(true)
  })

  it('keeps an endless line out of memory and says that it is too long', async () => {
    const { dir, open } = harness()
    await (await open()).close()
    const path = join(dir, 'seg', segmentNames(dir)[0] ?? '')
    appendFileSync(path, `${'x'.repeat(700_000)}\nshort\n${'y'.repeat(400_000)}`)
    const read = [...copies(readLines(systemFiles, path), (line) => line)].slice(2)
    expect(read.map(({ overlong, terminated }) => [overlong, terminated])).toEqual([
      [true, true],
      [false, true],
      [true, false],
    ])
    const backwards = [...copies(readLinesBackward(systemFiles, path), (bytes) => bytes)]
    expect(backwards.slice(0, 1)).toEqual(['short'])
    expect(backwards).toHaveLength(3)
  })
})

function* copies<T, R>(
  lines: Iterable<T>,
  take: (line: T) => R,
): Generator<R extends Buffer ? string : R> {
  for (const line of lines) {
    const taken = take(line)
    yield (Buffer.isBuffer(taken) ? taken.toString() : taken) as R extends Buffer ? string : R
  }
}
