import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { FOLDER_MODE, isPlainText, readBounded, writeAtomically } from './files.ts'
import { isRevision } from './revision.ts'

/** Holds the gate at one revision, or says who let go of it. */
export interface Pin {
  /** The revision to enforce whatever the rule folder says; `null`: the folder again. */
  readonly revision: string | null
  /** A subject (`user:corp/jo`), or the user of the operating system (`os:jo`). */
  readonly by: string
  /** ISO 8601. */
  readonly at: string
  /** Empty when none was given. */
  readonly reason: string
}

const BYTES_MAX = 16 * 1024

/** Longest reason, in characters. */
export const REASON_MAX = 500

/** Longest name of whoever pinned. */
const BY_MAX = 1_024

/** The file of the pin. */
export function pinPath(dir: string): string {
  return join(dir, 'pin.json')
}

/** The pin in `dir`; none is `undefined`. One that cannot be read is a diagnostic, never no pin. */
export async function readPin(dir: string): Promise<Loaded<Pin | undefined>> {
  const path = pinPath(dir)
  try {
    const text = await readBounded(path, BYTES_MAX)
    if (text === undefined) return { ok: true, value: undefined, warnings: [] }
    // Whoever may write here decides what is enforced.
    if (((await stat(dirname(path))).mode & 0o002) !== 0) {
      return refused(path, 'everyone may write to this folder', 'Take the right away: chmod o-w.')
    }
    const pin = pinOf(JSON.parse(text))
    return pin === undefined
      ? refused(path, 'it is not a pin', 'Write it with modelgate pin, rollback or unpin.')
      : { ok: true, value: pin, warnings: [] }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return refused(path, reason, 'Write it again with modelgate pin, rollback or unpin.')
  }
}

/** Writes the pin in one step. @throws Error when it cannot be written */
export async function writePin(dir: string, pin: Pin): Promise<void> {
  await mkdir(dir, { recursive: true, mode: FOLDER_MODE })
  await writeAtomically(pinPath(dir), `${JSON.stringify(pin)}\n`)
}

function pinOf(value: unknown): Pin | undefined {
  const { revision, by, at, reason } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (revision !== null && !(typeof revision === 'string' && isRevision(revision))) return undefined
  if (typeof by !== 'string' || typeof at !== 'string' || typeof reason !== 'string') {
    return undefined
  }
  const isPlain = isPlainText(by, BY_MAX) && isPlainText(at, 64) && isPlainText(reason, REASON_MAX)
  return isPlain ? { revision, by, at, reason } : undefined
}

function refused(
  file: string,
  reason: string,
  remedy: string,
): { readonly ok: false; readonly diagnostics: readonly [Diagnostic] } {
  const place = { file, line: 1, column: 1, severity: 'error', code: 'unusable-pin' } as const
  const message = `the pin cannot be used: ${reason}`
  return { ok: false, diagnostics: [{ ...place, message, remedy }] }
}
