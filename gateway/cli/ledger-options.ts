import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import type { ScanProgress } from '../audit/read/scan.ts'
import { GatewayError } from '../domain/errors.ts'
import { duration } from '../settings/units.ts'
import { instantIn } from './instant.ts'
import type { CliIo } from './io.ts'
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
    help: 'records from then on: RFC 3339, or so long ago, such as 7d',
  },
} as const satisfies Record<string, VerbOption>

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

/** A time option, milliseconds since the epoch: RFC 3339, or a duration before `nowMs`. @throws ERR_USAGE */
export function timeOption(options: OptionValues, name: string, nowMs: number): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const ago = duration.safeParse(text)
  return ago.success ? nowMs - ago.data : instantIn(text, `--${name}`)
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
export function progressLine(io: CliIo): {
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
      io.err(`\r${share} % of ${Math.ceil(bytesTotal / 2 ** 20)} MiB read `)
    },
    clear() {
      if (isShown) io.err('\r\x1b[K')
    },
  }
}
