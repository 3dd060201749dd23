/**
 * Opens the file of the embedded store in a process of its own first. LMDB believes what its pages
 * say: damage in one ends the process that reads it, or loses entries without a word, among them
 * grants that were used.
 */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { execPath } from 'node:process'
import { dataFile } from './data-file.ts'

/** A gibibyte is read in less; other processes of the machine may have to be waited for. */
const TRIAL_MS = 30_000

/**
 * Time of a processor, which waiting costs none of: damage can lead LMDB round in circles.
 * Microseconds, of any file and of each byte; of the largest file together less than TRIAL_MS.
 */
const BUSY_US = 2_000_000
const BUSY_US_PER_BYTE = 0.02

/** Said before the file is touched: who does not say it failed for another reason. */
const BEGUN = 'begun'

/** How the process ends when entries are missing. */
const INCOMPLETE = 4

/** Ends the process when it has been busy for too long; the thread that reads cannot be asked. */
const WATCH = `
const { workerData } = require('node:worker_threads')
setInterval(() => {
  const { user, system } = process.cpuUsage()
  if (user + system > workerData) process.kill(process.pid, 'SIGKILL')
}, 100)
`

/**
 * Reads all there is and counts it, writes what is there again without keeping it, then writes for
 * good, which reads the list of free pages. Others may write meanwhile: only what is counted alone,
 * under the lock of writers, is believed to be missing.
 */
const SCRIPT = `
const [lmdb, path, busyUs] = process.argv.slice(1)
const { open, ABORT } = require(lmdb)
const { Worker } = require('node:worker_threads')
const { user, system } = process.cpuUsage()
const workerData = user + system + Number(busyUs)
new Worker(${JSON.stringify(WATCH)}, { eval: true, workerData }).once('online', () => {
  require('node:fs').writeSync(1, '${BEGUN}')
  const how = { noSubdir: true, encoding: 'binary', mapSize: 1024 ** 3, overlappingSync: false }
  const db = open({ path, ...how })
  const isWhole = () => {
    let found = 0
    for (const key of db.getKeys()) if (db.getBinary(key) !== undefined) found += 1
    return found === db.getStats().entryCount
  }
  if (!isWhole() && !db.transactionSync(isWhole)) process.exit(${INCOMPLETE})
  db.transactionSync(() => {
    for (const key of [...db.getKeys({ limit: 10000 })]) db.putSync(key, db.getBinary(key))
    return ABORT
  })
  db.transactionSync(() => {
    db.putSync('trial', Buffer.from('{"x":0}'))
    db.removeSync('trial')
  })
  process.exit(0)
})
`

/**
 * Resolves when the file could be read and written, when there is none yet, and where no process can
 * be started. @throws Error when it is damaged
 */
export async function tryFile(dir: string): Promise<void> {
  const path = dataFile(dir)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || found.size === 0) return
  const lmdb = createRequire(import.meta.url).resolve('lmdb')
  const busyUs = String(BUSY_US + found.size * BUSY_US_PER_BYTE)
  const how = { env: {}, timeout: TRIAL_MS, killSignal: 'SIGKILL' } as const
  const ended = await new Promise<Ended>((resolve) => {
    execFile(execPath, ['-e', SCRIPT, lmdb, path, busyUs], how, (error, said) => {
      resolve(said.includes(BEGUN) ? endOf(error) : 'not tried')
    })
  }).catch(() => 'not tried' as const)
  if (ended === 'damaged') throw new Error('the data file is damaged')
  if (ended === 'late') throw new Error(`the data file could not be read in ${TRIAL_MS} ms`)
}

type Ended = 'good' | 'damaged' | 'late' | 'not tried'

function endOf(error: { readonly killed?: boolean | undefined } | null): Ended {
  if (error === null) return 'good'
  return error.killed === true ? 'late' : 'damaged'
}
