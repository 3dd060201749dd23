/**
 * A process of its own that claims one-use grants: `store-claimer.ts <store> <name> <count>`. The
 * store is a folder or a redis:// URL; `count` 0 goes on until it is killed. Waits for a line on
 * standard input to begin; prints the number of each grant it was given.
 */
import { once } from 'node:events'
import { openStoreAt } from './opened-store.ts'

const [where = '', name = '', count = '0'] = process.argv.slice(2)

const store = await openStoreAt(where, 'claimer')
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
const last = Number(count) === 0 ? Infinity : Number(count)
for (let grant = 0; grant < last; grant++) {
  const { granted } = await store.claim({
    grant: `grant ${grant}`,
    transfer: name,
    attempt: `${name} ${grant}`,
    usesMax: 1,
    expiresAt: Date.now() + 600_000,
    ttlMs: 60_000,
  })
  if (granted) process.stdout.write(`${grant}\n`)
}
await store.close()
process.stdout.write('done\n')
