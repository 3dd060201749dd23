/** The thread that writes the ledger. Started by `open-in-thread.ts` and by nothing else. */
import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../../domain/errors.ts'
import { runWriter, type WriterStart } from './writer.ts'

invariant(parentPort !== null, 'this file is the beginning of a thread')
await runWriter(workerData as WriterStart, parentPort)
