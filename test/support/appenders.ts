/** Processes that append to one journal against each other, and what must be true of it then. */
import { expect } from '@jest/globals'
import type { JournalEntry } from '../../gateway/domain/journal.ts'
import { startWorker, type Worker } from './workers.ts'

/** One process; see `store-appender.ts` for what it appends and says. */
export interface Appender extends Worker {
  readonly name: string
}

/** Starts one and waits until its store is open; `count` 0 goes on until it is killed. */
export async function startAppender(store: string, name: string, count: number): Promise<Appender> {
  return { ...(await startWorker('store-appender.ts', [store, name, String(count)])), name }
}

/** Appends that somebody was told are done: their name and number, and the number of the last entry. */
export type Acknowledged = ReadonlyMap<string, number>

/** What `appenders` were told once all have ended. */
export async function acknowledgedBy(appenders: readonly Appender[]): Promise<Acknowledged> {
  const told = new Map<string, number>()
  for (const { name, said } of appenders) {
    for (const line of await said) {
      const [n = '', seq = ''] = line.split(' ')
      told.set(`${name} ${n}`, Number(seq))
    }
  }
  return told
}

/**
 * Numbers without gaps, nothing twice, each append whole and in one piece, and everything that was
 * acknowledged where it was said to be.
 */
export function expectWhole(entries: readonly JournalEntry[], acknowledged: Acknowledged): void {
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
  expect(new Set(entries.map(({ text }) => text)).size).toBe(entries.length)
  expect(entries.length % 3).toBe(0)
  const found = new Map<string, number>()
  for (let i = 0; i < entries.length; i += 3) {
    const name = entries[i]?.text.replace(/ 0$/, '') ?? ''
    const texts = entries.slice(i, i + 3).map(({ text }) => text)
    expect(texts).toEqual([0, 1, 2].map((part) => `${name} ${part}`))
    found.set(name, i + 3)
  }
  const missing = [...acknowledged].filter(([name, seq]) => found.get(name) !== seq)
  expect(missing).toEqual([])
}
