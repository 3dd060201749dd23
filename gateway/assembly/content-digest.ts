import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Settings } from '../settings/settings.ts'
import type { ConfigSource } from './load-config.ts'
import type { RuleRevisions } from './revisions/rule-revisions.ts'

/**
 * A digest of everything a reload reads: configuration, rules, and the keys and certificates that
 * `settings` names. Content that cannot be read has one too.
 */
export async function contentDigest(
  source: ConfigSource,
  revisions: Pick<RuleRevisions, 'fingerprint'>,
  settings: Settings,
): Promise<string> {
  return digestOf(await configDigest(source, settings), await revisions.fingerprint())
}

/** The part of {@link contentDigest} that is not the rules: the configuration and what it names. */
export async function configDigest(source: ConfigSource, settings: Settings): Promise<string> {
  const files = [resolve(source.cwd, source.file), ...namedFiles(settings)]
  const contents = files.map((file) => stateOf(file).catch(() => 'unreadable'))
  return JSON.stringify(await Promise.all(contents))
}

/** {@link configDigest} and the fingerprint of the rules as one digest. */
export function digestOf(config: string, rules: string): string {
  return createHash('sha256').update(config).update(rules).digest('hex')
}

/** Above this a file is known by its state: a database of addresses is not read every few seconds. */
const COMPARED_BYTES_MAX = 1024 * 1024

/** The content of a file, or of a large one what changes with its content. */
async function stateOf(file: string): Promise<string | readonly string[]> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
  if (size <= COMPARED_BYTES_MAX) return readFile(file, 'base64')
  return [dev, ino, size, mtimeNs, ctimeNs].map(String)
}

/** The values of every `*File` and `*Files` key, wherever it is. */
function namedFiles(settings: unknown): string[] {
  if (typeof settings !== 'object' || settings === null) return []
  return Object.entries(settings).flatMap(([key, value]) => {
    if (key === 'provenance') return []
    if (key.endsWith('Files') && Array.isArray(value)) return value.map(String)
    return key.endsWith('File') && typeof value === 'string' ? [value] : namedFiles(value)
  })
}
