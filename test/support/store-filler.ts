/**
 * A process of its own that appends to the journal in a folder until that is refused: `store-filler.ts
 * <folder>`. Waits for a line on standard input to begin. It prints `<n> <number of the entry>` for
 * each entry that was acknowledged, `refused <code>` for two that were not, and then the number of entries that it can read.
 */
import { once } from 'node:events'
import { GatewayError } from '../../gateway/domain/errors.ts'
import { openStoreAt } from './opened-store.ts'

/** So many cannot be held by the file that the limit allows. */
const APPENDS_MAX = 1_000

const [where = ''] = process.argv.slice(2)
const store = await openStoreAt(where, 'mg')
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
let head: { epoch: string; seq: number } = await store.journal.head()
const append = async (n: number): Promise<void> => {
  const appended = await store.journal.append([`${n} ${'x'.repeat(4_000)}`], head)
  if (!appended.appended) throw new Error('nobody else writes here')
  head = { ...head, seq: appended.seq }
  process.stdout.write(`${n} ${head.seq}\n`)
}
const refused = (error: unknown): void => {
  process.stdout.write(`refused ${error instanceof GatewayError ? error.code : String(error)}\n`)
}
try {
  for (let n = 0; n < APPENDS_MAX; n++) await append(n)
} catch (error) {
  refused(error)
}
await append(APPENDS_MAX).catch(refused)
process.stdout.write(`read ${(await store.journal.entriesAfter(0, APPENDS_MAX)).entries.length}\n`)
await store.close().catch(() => undefined)
process.stdout.write('done\n')
