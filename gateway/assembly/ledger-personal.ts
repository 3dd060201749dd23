/** Encryption of what the ledger says of persons, as the configuration says. */
import { relative, resolve } from 'node:path'
import type { RunningLedger } from '../audit/ledger.ts'
import { openKeyRing } from '../audit/personal/key-ring.ts'
import { createProtect, type Protect } from '../audit/personal/protect.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { Settings } from '../settings/settings.ts'

/** Where the ledger is, and who runs. */
export interface PersonalLedger {
  readonly settings: Pick<Settings, 'audit'>
  /** Directory of the ledger, absolute. */
  readonly dir: string
  readonly cwd: string
  readonly uid: number | undefined
  readonly log: Pick<Logger, 'info' | 'error'>
}

/** What encrypts, and its watch for keys that are destroyed. */
export interface PersonalFields {
  readonly protect: Protect
  /**
   * Has every destroyed key that is noticed written down as `personal.erased`.
   * @returns the ledger, whose end is also that of the watch
   */
  attach(ledger: RunningLedger): RunningLedger
  close(): void
}

/**
 * Opens the keys; `undefined` when nothing is to be encrypted.
 *
 * @throws ERR_CONFIG_INVALID when ledger and keys are in one directory
 * @throws ERR_AUDIT_UNAVAILABLE when the keys cannot be kept there
 */
export async function openPersonalFields(
  options: PersonalLedger,
): Promise<PersonalFields | undefined> {
  const { personal } = options.settings.audit
  if (personal === undefined) return undefined
  const dir = resolve(options.cwd, personal.keyDir)
  refuseTogether(dir, options.dir)
  let ledger: RunningLedger | undefined
  const keys = await openKeyRing({
    dir,
    uid: options.uid,
    schedule: onTimer,
    onErased: (kid) => {
      options.log.info({ kid }, 'the key of a person was destroyed')
      ledger?.appendNow({ type: 'personal.erased', fields: { kid } })
    },
    onError: (err) => options.log.error({ err }, 'destroyed keys of persons cannot be looked up'),
  })
  return {
    protect: createProtect(keys, personal.fields),
    attach(opened) {
      ledger = opened
      const close = async (): Promise<void> => {
        keys.close()
        await opened.close()
      }
      // Everything else stays the ledger's own, what is only read when it is asked for included.
      return Object.create(opened, { close: { value: close } }) as RunningLedger
    },
    close: () => keys.close(),
  }
}

/** Whoever copies or serves the ledger would copy or serve the keys, too. */
function refuseTogether(keys: string, ledger: string): void {
  if (!isWithin(keys, ledger) && !isWithin(ledger, keys)) return
  const message =
    'audit.personal.key_dir: keep the keys outside of audit.dir, and it outside of them'
  throw new GatewayError('ERR_CONFIG_INVALID', message)
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || !(way === '..' || way.startsWith('../'))
}

function onTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
