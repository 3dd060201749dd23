import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Loaded } from '../domain/diagnostics.ts'
import { loadSettings, type Settings } from '../settings/settings.ts'

/** Where the configuration comes from. */
export interface ConfigSource {
  /** Path of gateway.yaml as the operator gave it. */
  readonly file: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Flags, by dotted key; they beat the environment, which beats the file. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>
}

/** Reads and validates the configuration. An unreadable file is a diagnostic like any other. */
export async function loadConfig(source: ConfigSource): Promise<Loaded<Settings>> {
  const { file, env, overrides } = source
  try {
    const text = await readFile(resolve(source.cwd, file), 'utf8')
    return loadSettings({ file, text, env, ...(overrides === undefined ? {} : { overrides }) })
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`
    const remedy = 'Point --config at a gateway.yaml; config/gateway.yaml is an example.'
    const place = { file, line: 1, column: 1, severity: 'error', code: 'unreadable-file' } as const
    return { ok: false, diagnostics: [{ ...place, message, remedy }] }
  }
}
