/**
 * A process of its own that appends to the journal: `store-appender.ts <store> <name> <count>`. The
 * store is a folder or a redis:// URL; `count` 0 goes on until it is killed. Waits for a line on
 * standard input to begin. Each append has three entries, `<name> <n> 0` to `<name> <n> 2`; it prints
 * `<n> <number of the last entry>` for each that was acknowledged.
 */
import { once } from 'node:events'
import { openStoreAt } from './opened-store.ts'

const [where = '', name = '', count = '0'] = process.argv.slice(2)
const store = await openStoreAt(where, 'mg')
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
const last = Number(count) === 0 ? Infinity : Number(count)
let head: { epoch: string; seq: number } = await store.journal.head()
for (let n = 0; n < last; n++) {
  const texts = [0, 1, 2].map((part) => `${name} ${n} ${part}`)
  for (;;) {
    const appended = await store.journal.append(texts, head)
    head = appended.appended ? { ...head, seq: appended.seq } : appended.head
    if (appended.appended) break
  }
  process.stdout.write(`${n} ${head.seq}\n`)
}
await store.close()
process.stdout.write('done\n')
