/** Puts what was exported into a store. */
import { GatewayError } from '../../domain/errors.ts'
import {
  JOURNAL_BATCH_MAX,
  USES_BATCH_MAX,
  type JournalEntry,
  type PrivilegeUse,
  type ReplicaNotice,
} from '../../domain/journal.ts'
import type { Lockout } from '../../domain/shared-state.ts'
import type { ConfiguredStore } from '../open-store.ts'
import type { CheckedFile } from './check-file.ts'
import type { TransferLine } from './lines.ts'

/** The longest lockout that a store takes; milliseconds. */
const LOCKOUT_MAX_MS = 400 * 86_400_000

type Target = Pick<ConfiguredStore, 'journal' | 'contents' | 'lock'>

/** Gateways that work with a store, as far as it knows. */
export async function replicasOf(
  store: Pick<Target, 'journal'>,
): Promise<readonly ReplicaNotice[]> {
  const id = 'store export or import'
  const all = await store.journal.announce({ id, seq: 0, name: id }, 1)
  return all.filter((one) => one.id !== id)
}

/**
 * Makes sure that importing harms nobody. @throws ERR_USAGE while gateways work with the store, or
 * when something is in its journal and `replace` is not given
 */
export async function mustBeFree(store: Target, replace: boolean): Promise<void> {
  const replicas = await replicasOf(store)
  if (replicas.length > 0) {
    const names = replicas.slice(0, 5).map(({ name }) => name)
    const message =
      `gateways work with this store, stop them first: ${names.join(', ')}. ` +
      'One that was killed counts for 10 seconds'
    throw new GatewayError('ERR_USAGE', message)
  }
  if (replace) return
  const { seq, epoch } = await store.journal.head()
  if (seq === 0) return
  const message =
    `the journal of this store is not empty: ${seq} entries, epoch ${epoch}. ` +
    'To drop them: --replace --reason TEXT'
  throw new GatewayError('ERR_USAGE', message)
}

/**
 * Puts everything in place. Uses of grants come first, and the journal is open to gateways only when
 * all of it is there: a grant in force is never less used than it was. An import that was broken off
 * leaves a journal that answers nobody, until it is done again with `--replace`.
 * @throws ERR_STORE_UNAVAILABLE
 */
export async function importLines(
  store: Target,
  lines: AsyncIterable<TransferLine>,
  { frame }: CheckedFile,
  now: number,
): Promise<void> {
  const { contents, journal } = store
  await contents.beginJournal()
  const entries = batched<JournalEntry>(JOURNAL_BATCH_MAX, (batch) => contents.putEntries(batch))
  const uses = batched<PrivilegeUse>(USES_BATCH_MAX, (batch) => journal.noteUses(batch))
  for await (const line of lines) {
    if (line.type === 'entry') await entries.add(line)
    else if (line.type === 'use') await uses.add(line)
    else if (line.type === 'grant-use') await contents.keepGrantUse(line)
    else if (line.type === 'lockout') await lockAgain(store, line, now)
  }
  await entries.flush()
  await uses.flush()
  await contents.finishJournal(frame)
}

async function lockAgain(store: Target, lockout: Lockout, now: number): Promise<void> {
  const { subject, until, decisionId } = lockout
  const forMs = Math.min(until - now, LOCKOUT_MAX_MS)
  if (forMs >= 1) await store.lock(subject, forMs, decisionId)
}

function batched<T>(max: number, put: (batch: readonly T[]) => Promise<void>) {
  let batch: T[] = []
  const flush = async (): Promise<void> => {
    const full = batch
    batch = []
    if (full.length > 0) await put(full)
  }
  return {
    flush,
    async add(item: T): Promise<void> {
      batch.push(item)
      if (batch.length >= max) await flush()
    },
  }
}
