import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { diagnosticText, type Diagnostic, type Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { createCountryReader, type CountryReader } from '../pip/country.ts'
import { openCountryDatabase, type CountryDatabase } from '../pip/country-database.ts'
import type { Settings } from '../settings/settings.ts'

/** A database that was opened, and the state of the file it was read from. */
export interface OpenDatabase {
  readonly database: CountryDatabase
  readonly fileState: string
}

/** Larger than any database of addresses there is; the whole of it is held in memory (I17). */
const FILE_BYTES_MAX = 1024 ** 3

/**
 * Opens the database of `geo.database_file`; `undefined` where none is configured. `before` is kept
 * when its file has not changed, so that an edit of the rules reads no database again.
 * @throws ERR_CONFIG_INVALID with the finding, where it is configured
 */
export async function openDatabase(
  settings: Settings,
  before: OpenDatabase | undefined,
): Promise<OpenDatabase | undefined> {
  const loaded = await loadDatabase(settings, before)
  if (loaded.ok) return loaded.value
  const { diagnostics } = loaded
  const message = `the configuration cannot be used\n${diagnostics.map(diagnosticText).join('\n')}`
  throw new GatewayError('ERR_CONFIG_INVALID', message, { diagnostics })
}

/** What is wrong with the database, where it is named. */
export async function databaseProblems(settings: Settings): Promise<readonly Diagnostic[]> {
  const loaded = await loadDatabase(settings, undefined)
  return loaded.ok ? [] : loaded.diagnostics
}

/** Reads countries as `geo` says; `undefined` where nothing says them. */
export function countryReader(
  settings: Settings,
  opened: OpenDatabase | undefined,
): CountryReader | undefined {
  const { geo, trustedProxies } = settings
  if (opened !== undefined) return createCountryReader({ database: opened.database })
  if (geo?.header === undefined) return undefined
  return createCountryReader({ trustedProxies, header: geo.header })
}

async function loadDatabase(
  settings: Settings,
  before: OpenDatabase | undefined,
): Promise<Loaded<OpenDatabase | undefined>> {
  const file = settings.geo?.databaseFile
  if (file === undefined) return { ok: true, value: undefined, warnings: [] }
  const opened = await readDatabase(file, before).catch((error: unknown) => ({
    problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
  }))
  if (!('problem' in opened)) return { ok: true, value: opened, warnings: [] }
  const diagnostic: Diagnostic = {
    ...settings.provenance.positionOf(['geo', 'database_file']),
    severity: 'error',
    code: 'unusable-database',
    message: `geo.database_file: ${file} ${opened.problem}`,
    remedy:
      'Put a database such as GeoLite2-Country.mmdb there, written under another name and then ' +
      'renamed, so that no half of it is read.',
  }
  return { ok: false, diagnostics: [diagnostic] }
}

async function readDatabase(
  file: string,
  before: OpenDatabase | undefined,
): Promise<OpenDatabase | { readonly problem: string }> {
  // Without O_NONBLOCK the opening of a FIFO would wait for a writer, and nothing would start.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = await handle.stat({ bigint: true })
    if (!found.isFile()) return { problem: 'is not a regular file' }
    if (found.size > FILE_BYTES_MAX) return { problem: 'is larger than 1 GiB' }
    const { dev, ino, size, mtimeNs, ctimeNs } = found
    const fileState = JSON.stringify([file, ...[dev, ino, size, mtimeNs, ctimeNs].map(String)])
    if (before?.fileState === fileState) return before
    const database = await openCountryDatabase(await handle.readFile())
    return 'problem' in database ? database : { database, fileState }
  } finally {
    await handle.close()
  }
}
