/** What every journal does, whoever keeps it: one suite for memory, embedded and Redis. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  JOURNAL_ENTRY_MAX,
  type JournalEntry,
  type JournalHead,
  type JournalStore,
} from '../../gateway/domain/journal.ts'
import type { OpenPair, StorePair } from './store-contract.ts'
import { until } from './world-files.ts'

const DAY = 86_400_000

/** All entries behind `seq`, read page by page. */
export async function readAll(
  journal: JournalStore,
  seq = 0,
  max = 1_000,
): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = []
  for (;;) {
    const page = await journal.entriesAfter(entries.at(-1)?.seq ?? seq, max)
    entries.push(...page.entries)
    if (page.entries.length === 0 || entries.at(-1)?.seq === page.seq) return entries
  }
}

/** Appends `text` behind whatever is there, however often somebody is faster. */
export async function appendTill(journal: JournalStore, text: string): Promise<number> {
  let head: Omit<JournalHead, 'now'> = await journal.head()
  for (;;) {
    const appended = await journal.append([text], head)
    if (appended.appended) return appended.seq
    head = appended.head
  }
}

/** Runs the suite. */
export function journalContract(name: string, open: OpenPair): void {
  describe(`${name}: what every journal does`, () => {
    let now: number
    let pair: StorePair
    let one: JournalStore
    let other: JournalStore
    beforeEach(async () => {
      now = Date.now()
      pair = await open(() => now)
      one = pair.one.journal
      other = pair.other.journal
    })
    afterEach(() => pair.close())

    describe('entries', () => {
      it('begins empty, with one epoch for everybody', async () => {
        const [head, again] = await Promise.all([one.head(), other.head()])
        expect(head.epoch).toMatch(/^[0-9a-f]{32}$/)
        expect(again).toEqual(head)
        expect(head).toMatchObject({ seq: 0, now })
        expect(await other.entriesAfter(0, 10)).toEqual({ ...head, entries: [], trimmedTo: 0 })
        expect(await one.snapshot()).toBeUndefined()
      })

      it('adds behind the last entry, and turns away whoever did not see it', async () => {
        const head = await one.head()
        expect(await one.append(['a', 'b'], head)).toEqual({ appended: true, seq: 2, at: now })
        const late = await other.append(['c'], head)
        expect(late).toEqual({ appended: false, head: { ...head, seq: 2 } })
        const ahead = await other.append(['c'], { ...head, seq: 3 })
        expect(ahead).toMatchObject({ appended: false })
        expect(await other.append(['c'], { ...head, seq: 2 })).toMatchObject({ seq: 3 })
        const texts = (await readAll(one)).map(({ seq, text }) => [seq, text])
        expect(texts).toEqual([
          [1, 'a'],
          [2, 'b'],
          [3, 'c'],
        ])
      })

      it('adds nothing to another journal', async () => {
        const head = await one.head()
        const elsewhere = { ...head, epoch: '0'.repeat(32) }
        expect(await one.append(['a'], elsewhere)).toEqual({ appended: false, head })
        expect(await readAll(one)).toEqual([])
      })

      it('has one winner for each number, however many append at once', async () => {
        const appenders = Array.from({ length: 8 }, async (_, i) => {
          const won: number[] = []
          for (let n = 0; n < 12; n++) {
            won.push(await appendTill(i % 2 === 0 ? one : other, `${i}:${n}`))
          }
          return won
        })
        const won = (await Promise.all(appenders)).flat()
        expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, i) => i + 1))
        const entries = await readAll(other)
        expect(entries.map(({ seq }) => seq)).toEqual(won)
        expect(new Set(entries.map(({ text }) => text)).size).toBe(96)
      })

      it('never has an earlier time behind a later one, whatever the clock does', async () => {
        await appendTill(one, 'a')
        now += 5_000
        await appendTill(other, 'b')
        const latest = now
        now -= 60_000
        await appendTill(one, 'c')
        expect((await one.head()).now).toBe(latest)
        expect((await readAll(one)).map(({ at }) => at)).toEqual([latest - 5_000, latest, latest])
        now = latest + 1
        await appendTill(one, 'd')
        expect((await readAll(other)).at(-1)?.at).toBe(latest + 1)
      })

      it('gives entries back as they were, page by page', async () => {
        const hostile = [
          '\0',
          'a\r\nXADD x * a b\r\n',
          '{tag}',
          '*:?[a]',
          '"\\\u2028😀',
          '__proto__',
          'x'.repeat(JOURNAL_ENTRY_MAX),
          '',
        ]
        await one.append(hostile, await one.head())
        const entries = await readAll(other, 0, 3)
        expect(entries.map(({ text }) => text)).toEqual(hostile)
        expect((await other.entriesAfter(2, 3)).entries.map(({ seq }) => seq)).toEqual([3, 4, 5])
        expect((await other.entriesAfter(99, 3)).entries).toEqual([])
      })

      it('ends a page early that has become long', async () => {
        const long = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(JOURNAL_ENTRY_MAX, 'x'))
        await one.append(long, await one.head())
        const page = await other.entriesAfter(0, 1_000)
        expect(page.seq).toBe(40)
        expect(page.entries.length).toBeGreaterThan(10)
        expect(page.entries.length).toBeLessThan(30)
        expect(await readAll(other)).toHaveLength(40)
      })

      it('refuses what can be no entry', async () => {
        const head = await one.head()
        const none = { code: 'ERR_INTERNAL' }
        const many = Array.from({ length: 65 }, () => 'x')
        for (const texts of [[], ['x'.repeat(JOURNAL_ENTRY_MAX + 1)], ['\ud800'], many]) {
          await expect(one.append(texts, head)).rejects.toMatchObject(none)
        }
        for (const [seq, max] of [
          [-1, 1],
          [0, 0],
          [0, 1_001],
          [0.5, 1],
        ] as const) {
          await expect(one.entriesAfter(seq, max)).rejects.toMatchObject(none)
        }
        expect(await one.head()).toEqual(head)
      })
    })

    describe('snapshots', () => {
      it('stand for entries, of which the last are kept', async () => {
        const { epoch } = await one.head()
        await one.append(['a', 'b', 'c', 'd', 'e'], await one.head())
        const snapshot = { epoch, seq: 4, text: 'state \0 of {four}' }
        await one.keepSnapshot(snapshot, 2)
        expect(await other.snapshot()).toEqual(snapshot)
        const page = await other.entriesAfter(0, 10)
        expect(page).toMatchObject({ seq: 5, trimmedTo: 2 })
        expect(page.entries.map(({ seq, text }) => [seq, text])).toEqual([
          [3, 'c'],
          [4, 'd'],
          [5, 'e'],
        ])
        expect(await appendTill(other, 'f')).toBe(6)
        expect(await readAll(one, 4)).toHaveLength(2)
      })

      it('never take the place of a newer one, or of one of another journal', async () => {
        const { epoch } = await one.head()
        await one.append(['a', 'b', 'c'], await one.head())
        const newest = { epoch, seq: 2, text: 'two' }
        await one.keepSnapshot(newest, 0)
        await other.keepSnapshot({ epoch, seq: 1, text: 'one' }, 0)
        await other.keepSnapshot({ ...newest, text: 'again' }, 0)
        await other.keepSnapshot({ epoch, seq: 4, text: 'not yet' }, 0)
        await other.keepSnapshot({ epoch: '0'.repeat(32), seq: 3, text: 'elsewhere' }, 0)
        expect(await one.snapshot()).toEqual(newest)
        expect(await one.entriesAfter(0, 9)).toMatchObject({ trimmedTo: 2 })
        await other.keepSnapshot({ epoch, seq: 3, text: 'three' }, 100)
        expect(await one.entriesAfter(0, 9)).toMatchObject({ trimmedTo: 2 })
        expect(await one.snapshot()).toMatchObject({ seq: 3 })
      })

      it('can stand for all there is, and be long', async () => {
        const { epoch } = await one.head()
        await one.append(['a', 'b'], await one.head())
        const text = 'x'.repeat(3_000_000)
        await one.keepSnapshot({ epoch, seq: 2, text }, 0)
        expect((await other.snapshot())?.text === text).toBe(true)
        expect(await other.entriesAfter(0, 10)).toMatchObject({ entries: [], trimmedTo: 2 })
        expect(await appendTill(one, 'c')).toBe(3)
      })
    })

    describe('hints', () => {
      it('come after an append, until nobody wants them', async () => {
        let hints = 0
        const end = one.onHint(() => (hints += 1))
        await appendTill(one, 'a')
        await until('a hint', () => hints > 0)
        end()
        const before = hints
        await appendTill(one, 'b')
        await new Promise((resolve) => setImmediate(resolve))
        expect(hints).toBe(before)
      })
    })

    describe('replicas', () => {
      it('are listed until they have said nothing for too long', async () => {
        const a = { id: 'a', seq: 1, name: 'host \0 {a} 1' }
        const b = { id: 'b', seq: 2, name: 'host 2' }
        expect(await one.announce(a, 1_000)).toEqual([{ ...a, at: now }])
        now += 999
        const both = await other.announce(b, 500)
        expect(both).toHaveLength(2)
        expect(both).toEqual(
          expect.arrayContaining([
            { ...a, at: now - 999 },
            { ...b, at: now },
          ]),
        )
        now += 1
        expect(await other.announce({ ...b, seq: 3 }, 500)).toEqual([{ ...b, seq: 3, at: now }])
      })
    })

    describe('uses', () => {
      it('are the latest of each, for 400 days', async () => {
        await one.noteUses([
          { privilege: 'p', at: now - 5 },
          { privilege: 'q \0', at: now - 400 * DAY + 1 },
          { privilege: 'r', at: now - 400 * DAY },
        ])
        await other.noteUses([{ privilege: 'p', at: now }])
        await one.noteUses([{ privilege: 'p', at: now - 3 }])
        await one.noteUses([])
        const uses = async () =>
          (await other.uses()).toSorted((a, b) => (a.privilege < b.privilege ? -1 : 1))
        expect(await uses()).toEqual([
          { privilege: 'p', at: now },
          { privilege: 'q \0', at: now - 400 * DAY + 1 },
        ])
        now += 10
        await other.noteUses([{ privilege: 's', at: now }])
        expect((await uses()).map(({ privilege }) => privilege)).toEqual(['p', 's'])
      })

      it('are read however many there are', async () => {
        for (let from = 0; from < 2_500; from += 500) {
          const uses = Array.from({ length: 500 }, (_, i) => ({
            ...{ privilege: `p${from + i}`, at: now - from - i },
          }))
          await one.noteUses(uses)
        }
        expect(new Set((await other.uses()).map(({ privilege }) => privilege)).size).toBe(2_500)
      })
    })

    describe('cursors', () => {
      it('go forward and never back', async () => {
        expect(await one.cursor('hooks \0 {a}')).toBe(0)
        expect(await one.cursor('hooks \0 {a}', 7)).toBe(7)
        expect(await other.cursor('hooks \0 {a}', 3)).toBe(7)
        expect(await other.cursor('hooks \0 {a}')).toBe(7)
        expect(await other.cursor('others', 1)).toBe(1)
        expect(await one.cursor('hooks \0 {a}', 8)).toBe(8)
      })
    })
  })
}
