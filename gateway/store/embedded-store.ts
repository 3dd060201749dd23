/**
 * The embedded store: the shared state of all processes of one machine, in a folder.
 *
 * What survives: a process that crashes or is killed loses nothing it was answered. When the machine
 * loses power, claims, releases and lockouts that were answered are there, for they were on disk
 * before; amounts given of budgets, places held and progress of transfers of the last moments, those
 * that a flush had not reached yet, count as if they had not been.
 */
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import { prepareFolder } from './embedded/data-file.ts'
import { openLmdbValues } from './embedded/lmdb-values.ts'
import { tryFile } from './embedded/trial.ts'
import type { StoreContents } from './contents.ts'
import { createLocalContents } from './journal/local-contents.ts'
import { createLocalStore } from './local-store.ts'

/** Where the store is. */
export interface EmbeddedStoreOptions {
  /** Absolute. */
  readonly dir: string
  /** Its time is the machine's, which all its processes share. */
  readonly clock: Clock
  /** Longest wait for an answer; default 2 s. */
  readonly timeoutMs?: number
}

/** An embedded store. */
export interface EmbeddedStore extends SharedStore {
  readonly contents: StoreContents
}

/** Opens the store in `dir`, making it when there is none. @throws ERR_STORE_UNAVAILABLE */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { dir, clock, timeoutMs = 2_000 } = options
  await prepareFolder(dir)
  const now = (): number => clock.now()
  const values = await opened(dir, async () => {
    await tryFile(dir)
    return openLmdbValues({ dir, now, timeoutMs })
  })
  return {
    ...createLocalStore(values, now),
    contents: createLocalContents(values),
    kind: 'embedded',
    get healthy() {
      return values.healthy
    },
    close: () => values.close(),
  }
}

async function opened<T>(dir: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    throw new GatewayError(
      'ERR_STORE_UNAVAILABLE',
      `the store in ${dir} cannot be opened: ${why}. When its files are damaged, move them away: ` +
        'budgets and lockouts begin anew, and grants can be used again.',
      { cause: error },
    )
  }
}
