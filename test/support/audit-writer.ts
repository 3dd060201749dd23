/** Appends records for ever and prints the id of each one that is on disk. Ended from outside. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openLedger } from '../../gateway/audit/ledger.ts'
import { systemClock } from '../../gateway/domain/clock.ts'

const ledger = await openLedger({
  dir: process.argv[2] ?? '',
  log: 'test/audit/n1',
  bootId: randomUUID(),
  owner: { pid: process.pid, host: 'here', isAlive: () => false },
  clock: systemClock,
  segmentBytesMax: 20_000,
  versions: {},
})

// Bounded, should nobody end it.
for (let i = 0; i < 20_000; i++) {
  const durability = i % 2 === 0 ? 'disk' : 'kernel'
  const pad = 'x'.repeat((i * 37) % 3000)
  await ledger.append({ type: 'decision', fields: { id: `r${i}`, pad } }, durability)
  writeSync(1, `r${i}\n`)
}
