/**
 * The keys of the persons a running gateway writes about. Those of callers who come often are kept in
 * memory; the file system is asked, synchronously, only for one who was not seen for long.
 */
import { open } from 'node:fs/promises'
import type { Schedule } from '../writer/ledger-options.ts'
import { erasedFile, erasedIn, makeKeyOf, prepareKeys, readKeyOf } from './key-files.ts'
import type { PersonKeys } from './protect.ts'
import type { PersonKey } from './sealed.ts'

/** What {@link openKeyRing} needs. */
export interface KeyRingOptions {
  /** Absolute directory of the keys. */
  readonly dir: string
  /** The user the process runs as; `undefined` where the platform has none. */
  readonly uid?: number | undefined
  readonly schedule: Schedule
  /** Told, with its id, of every key that was destroyed while the ring was open. */
  onErased?(kid: string): void
  /** Told when the file of destroyed keys cannot be read; every key in memory is then forgotten. */
  onError?(error: Error): void
  /** Keys in memory; default 20,000. */
  readonly keysMax?: number
}

/** Keys, and the watch for those that are destroyed. */
export interface KeyRing extends PersonKeys {
  /** Looks for destroyed keys now. */
  refresh(): Promise<void>
  close(): void
}

/** How often destroyed keys are looked for. */
export const ERASED_POLL_MS = 1_000

/** A key is not used any more so long after it was destroyed. */
export const ERASED_NOTICE_MS = 2 * ERASED_POLL_MS

const KEYS_MAX = 20_000
/** Read at one time; a longer file is read on at the next look. */
const READ_BYTES = 256 * 1024

interface Ring {
  readonly options: KeyRingOptions
  /** By person, the one who came longest ago first. */
  readonly known: Map<string, PersonKey>
  /** How far the file of destroyed keys was read; -1 before the first look. */
  offset: number
  refreshing: Promise<void> | undefined
  isClosed: boolean
  cancel: () => void
}

/** Opens the keys in a directory, which is made when it is missing. @throws ERR_AUDIT_UNAVAILABLE */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  prepareKeys(options.dir, options.uid)
  const ring: Ring = {
    options,
    known: new Map(),
    offset: -1,
    refreshing: undefined,
    isClosed: false,
    cancel: () => undefined,
  }
  const look = () =>
    (ring.refreshing ??= refresh(ring).finally(() => (ring.refreshing = undefined)))
  const again = (): void => {
    if (ring.isClosed) return
    ring.cancel = options.schedule(ERASED_POLL_MS, () => void look().then(again))
  }
  await look()
  again()
  return {
    keyOf: (person) => keyOf(ring, person),
    refresh: look,
    close: () => {
      ring.isClosed = true
      ring.cancel()
      forgetAll(ring)
    },
  }
}

function keyOf({ options, known }: Ring, person: string): PersonKey {
  const held = known.get(person)
  if (held !== undefined) {
    known.delete(person)
    known.set(person, held)
    return held
  }
  const key = readKeyOf(options.dir, person) ?? makeKeyOf(options.dir, person)
  known.set(person, key)
  for (const [eldest] of known) {
    if (known.size <= (options.keysMax ?? KEYS_MAX)) break
    known.delete(eldest)
  }
  return key
}

async function refresh(ring: Ring): Promise<void> {
  try {
    const text = await erasedSince(ring)
    for (const kid of erasedIn(text)) {
      forget(ring, kid)
      ring.options.onErased?.(kid)
    }
  } catch (error) {
    // A key that may have been destroyed is not used again before it was looked for on disk.
    forgetAll(ring)
    ring.options.onError?.(error as Error)
  }
}

/** The whole lines that the file has gained since it was last read. */
async function erasedSince(ring: Ring): Promise<string> {
  const file = await open(erasedFile(ring.options.dir), 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) {
    if (ring.offset > 0) forgetAll(ring)
    ring.offset = 0
    return ''
  }
  try {
    const { size } = await file.stat()
    // What was destroyed before the ring was opened was never in it.
    if (ring.offset === -1) ring.offset = size
    if (size < ring.offset) {
      forgetAll(ring)
      ring.offset = 0
    }
    const bytes = Buffer.alloc(Math.min(READ_BYTES, size - ring.offset))
    if (bytes.length === 0) return ''
    const { bytesRead } = await file.read(bytes, 0, bytes.length, ring.offset)
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a, bytesRead - 1) + 1)
    ring.offset += whole.length
    return whole.toString('latin1')
  } finally {
    await file.close()
  }
}

function forget({ known }: Ring, kid: string): void {
  for (const [person, key] of known) {
    if (key.kid !== kid) continue
    known.delete(person)
    key.key.fill(0)
  }
}

function forgetAll({ known }: Ring): void {
  for (const { key } of known.values()) key.fill(0)
  known.clear()
}
