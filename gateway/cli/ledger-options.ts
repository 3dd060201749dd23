import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { createReveal, type Reveal } from '../audit/personal/reveal.ts'
import type { ScanProgress } from '../audit/read/scan.ts'
import { GatewayError } from '../domain/errors.ts'
import { duration } from '../settings/units.ts'
import { instantIn } from './instant.ts'
import type { CliIo } from './io.ts'
import { periodIn, periodOf } from './period.ts'
import { configFile, findingsOf, printDiagnostics, textOption } from './report.ts'
import type { OptionValues, VerbOption } from './verb.ts'

/** Options of verbs that read a ledger. */
export const LEDGER_OPTIONS = {
  dir: {
    type: 'string',
    value: 'DIR',
    help: 'the ledger (default: audit.dir of the configuration)',
  },
  since: {
    type: 'string',
    value: 'TIME',
    help: 'records from then on: RFC 3339, so long ago as 7d, or a period such as 2026-Q3',
  },
  keys: {
    type: 'string',
    value: 'DIR',
    help: 'keys of persons, to read what is encrypted (audit.personal.key_dir)',
  },
} as const satisfies Record<string, VerbOption>

/** Reads what is encrypted, with the keys that `--keys` names; `undefined` without it. @throws ERR_USAGE */
export async function keysOption(options: OptionValues, io: CliIo): Promise<Reveal | undefined> {
  const given = textOption(options, 'keys')
  if (given === undefined) return undefined
  const dir = resolve(io.cwd, given)
  await access(join(dir, 'id')).catch(() => {
    throw new GatewayError('ERR_USAGE', `there are no keys of persons in ${dir}`)
  })
  return createReveal(dir)
}

/** The folder of the ledger to read. @throws ERR_USAGE ERR_CONFIG_INVALID */
export async function ledgerFolder(options: OptionValues, io: CliIo): Promise<string> {
  const dir = resolve(io.cwd, textOption(options, 'dir') ?? (await configuredFolder(options, io)))
  return ledgerIn(dir, 'name it with --dir')
}

/** `dir`, where a ledger is in it. @throws ERR_USAGE that says `remedy` */
export async function ledgerIn(dir: string, remedy: string): Promise<string> {
  await access(join(dir, 'seg')).catch(() => {
    throw new GatewayError('ERR_USAGE', `there is no ledger in ${dir}; ${remedy}`)
  })
  return dir
}

async function configuredFolder(options: OptionValues, io: CliIo): Promise<string> {
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (config.ok) return config.value.audit.dir
  printDiagnostics(io, findingsOf(config))
  throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no ledger; use --dir DIR')
}

/** The other end of a stretch of time, and both at once. */
export const PERIOD_OPTIONS = {
  until: {
    type: 'string',
    value: 'TIME',
    help: 'records before then, as --since; of a period, to its end',
  },
  during: {
    type: 'string',
    value: 'PERIOD',
    help: 'instead of both: 2026, 2026-Q3, 2026-07, 2026-07-14, last-quarter, last-month, today (UTC)',
  },
} as const satisfies Record<string, VerbOption>

/**
 * A time option, milliseconds since the epoch: RFC 3339, a duration before `nowMs`, or a period, of
 * which `since` is the beginning and anything else the end. @throws ERR_USAGE
 */
export function timeOption(options: OptionValues, name: string, nowMs: number): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const period = periodIn(text, nowMs)
  if (period !== undefined) return name === 'since' ? period.from : period.to
  const ago = duration.safeParse(text)
  if (ago.success) return nowMs - ago.data
  return instantIn(text, `--${name}`, ', so long ago such as 7d, or a period such as 2026-Q3')
}

/** From when to when: `--since` and `--until`, or `--during`. @throws ERR_USAGE */
export function rangeOption(
  options: OptionValues,
  nowMs: number,
): { readonly since: number | undefined; readonly until: number | undefined } {
  const since = timeOption(options, 'since', nowMs)
  const until = timeOption(options, 'until', nowMs)
  const during = textOption(options, 'during')
  if (during === undefined) return { since, until }
  if (since !== undefined || until !== undefined) {
    throw new GatewayError('ERR_USAGE', '--during says both --since and --until; give one or those')
  }
  const { from, to } = periodOf(during, '--during', nowMs)
  return { since: from, until: to }
}

/** A count option of at least 1. @throws ERR_USAGE */
export function countOption(options: OptionValues, name: string, fallback: number): number {
  const text = textOption(options, name)
  if (text === undefined) return fallback
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new GatewayError('ERR_USAGE', `--${name} takes a whole number from 1`)
  }
  return Number(text)
}

const REDRAW_MS = 200

/** Shows on a terminal how far a scan has come; says nothing to a pipe or a file. */
export function progressLine(
  io: CliIo,
  what = 'read',
): {
  readonly show: (progress: ScanProgress) => void
  readonly clear: () => void
} {
  let shownAt = performance.now()
  let isShown = false
  return {
    show({ bytesRead, bytesTotal }) {
      if (!io.interactive || performance.now() - shownAt < REDRAW_MS) return
      shownAt = performance.now()
      isShown = true
      const share = bytesTotal === 0 ? 100 : Math.floor((bytesRead / bytesTotal) * 100)
      io.err(`\r${share} % of ${Math.ceil(bytesTotal / 2 ** 20)} MiB ${what} `)
    },
    clear() {
      if (isShown) io.err('\r\x1b[K')
    },
  }
}
