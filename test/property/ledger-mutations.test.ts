import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseCheckpoint, type ReadCheckpoint } from '../../gateway/audit/tree/checkpoint.ts'
import type { LogFault } from '../../gateway/audit/verify/fault.ts'
import { verifyLog } from '../../gateway/audit/verify/verify-log.ts'
import { CHECKPOINT_RECORDS, MUTATIONS, type Expected } from '../support/log-mutations.ts'
import { memoryFiles, readTree, type FileTree } from '../support/memory-files.ts'
import { buildTreeLog, removeTreeLogs, type TreeLog } from '../support/tree-log.ts'

afterAll(removeTreeLogs)

const RUNS_EACH = 420
const RECORDS = 290

let log: TreeLog
let honest: FileTree
let anchor: ReadCheckpoint

beforeAll(() => {
  log = buildTreeLog({
    records: RECORDS,
    runs: 3,
    perSegment: 60,
    perCheckpoint: CHECKPOINT_RECORDS,
  })
  honest = readTree(log.dir)
  anchor = parseCheckpoint(Buffer.from(log.notes.at(-1) ?? '')) as ReadCheckpoint
})

/** What docs/ledger.md says a change is found as. */
function documented(): ReadonlyMap<string, readonly string[]> {
  const rows = readFileSync('docs/ledger.md', 'utf8')
    .split('<!-- mutations -->')[1]
    ?.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)
  const found = [...(rows ?? [])].filter(([row]) => !/^\| (?:what is changed|-)/.test(row))
  return new Map(found.map(([, kind = '', classes = '']) => [kind, classes.split(', ')]))
}

const verify = (tree: FileTree, anchors: readonly ReadCheckpoint[] = []) =>
  verifyLog({
    dir: log.dir,
    keys: [{ vkey: log.vkey, from: 0, to: Number.MAX_SAFE_INTEGER }],
    anchors: anchors.map((checkpoint) => ({ file: 'anchor', checkpoint })),
    files: memoryFiles(log.dir, tree),
  })

function isAt({ files, seq }: Expected, { file, seq: found }: LogFault): boolean {
  const [from = 0, to = Infinity] = seq ?? []
  // A file is named below the directory of the log; a record by its number.
  const isFile = files?.some((name) => file.endsWith(name)) ?? false
  return seq === undefined ? isFile : isFile || (found >= from && found <= to)
}

describe('a changed log', () => {
  it('is compared with one that is intact', async () => {
    expect(await verify(honest, [anchor])).toMatchObject({ verdict: 'intact', size: RECORDS })
    expect(RUNS_EACH * Object.keys(MUTATIONS).length).toBeGreaterThanOrEqual(10_000)
  })

  it('has a row in the table for every kind of change', () => {
    expect([...documented().keys()]).toEqual(Object.keys(MUTATIONS))
  })

  it.each(Object.entries(MUTATIONS))(
    '%s: is found, and where',
    async (kind, mutation) => {
      const found = new Set<string>()
      const choices = fc.array(fc.nat({ max: 2 ** 30 }), { minLength: 6, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(choices, async (numbers) => {
          let at = 0
          const mutated = mutation(honest, (count) => (numbers[at++ % 6] ?? 0) % Math.max(1, count))
          fc.pre(mutated !== undefined)
          const anchors = kind.endsWith('against an anchor') ? [anchor] : []
          const { verdict, fault } = await verify(mutated.tree, anchors)
          const place =
            fault && `${fault.class} at ${fault.file}:${fault.line}, record ${fault.seq}`
          if (fault === undefined || !isAt(mutated.expected, fault)) {
            const { seq, files } = mutated.expected
            throw new Error(`${verdict} ${place}; expected ${seq?.join('-')} ${files?.join(' ')}`)
          }
          found.add(fault.class)
        }),
        { numRuns: RUNS_EACH },
      )
      expect(documented().get(kind)).toEqual(expect.arrayContaining([...found]))
    },
    60_000,
  )
})
