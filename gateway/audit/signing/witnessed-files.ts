/** Where cosigned checkpoints are kept beside a log. */
import { join } from 'node:path'
import { appendToFile, replaceFile } from '../files/durable-file.ts'

/** The newest cosigned checkpoint. */
export const WITNESSED_FILE = 'witnessed'
/** Cosigned checkpoints for ever, one a minute: each note, ended by an empty line. */
export const WITNESS_LOG_FILE = 'witness.log'

/** Keeps a note with its cosignatures in the directory of the log. @throws Error when it cannot */
export function keepWitnessed(dir: string, note: string, isLasting: boolean): void {
  if (isLasting) appendToFile(join(dir, WITNESS_LOG_FILE), `${note}\n`)
  replaceFile(join(dir, WITNESSED_FILE), note)
}
