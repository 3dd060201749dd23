/**
 * A process of its own that sets locks as a gateway does: `store-locker.ts <store> <name> <dir>`. The store
 * is a folder or a redis:// URL, `dir` is where it remembers. Waits for a line on standard input to begin,
 * and goes on until it is killed; it prints `<name>-<n>` for each lock that was acknowledged.
 */
import { once } from 'node:events'
import { followAs } from './lockers.ts'
import { openStoreAt } from './opened-store.ts'
import { setLock } from './replicas.ts'

const [where = '', name = '', dir = ''] = process.argv.slice(2)
const store = await openStoreAt(where, 'modelgate')
const replica = followAs(name, store.journal, dir)
await replica.start()
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
for (let n = 0; ; n++) {
  await replica.run(setLock(`${name}-${n}`))
  process.stdout.write(`${name}-${n}\n`)
}
