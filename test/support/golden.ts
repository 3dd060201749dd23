/** Expected outputs, whole, in files of their own: what people and machines read is reviewed as it is. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from '@jest/globals'

const FOLDER = fileURLToPath(new URL('../golden/', import.meta.url))

/**
 * Expects `text` to be, byte for byte, what `test/golden/<name>` holds. Nothing is normalised here:
 * whoever calls takes out what changes from run to run (paths, ids, times) before.
 *
 * `UPDATE_GOLDEN=1` writes the file instead, for review in the diff; never where `CI` is set.
 */
export function expectGolden(
  name: string,
  text: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const path = goldenPath(name)
  if (isSet(env['UPDATE_GOLDEN'])) {
    if (isSet(env['CI']))
      throw new Error('UPDATE_GOLDEN would make every test pass; unset it in CI')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return
  }
  expect({ golden: name, text }).toEqual({ golden: name, text: readGolden(name, path) })
}

/** Names stay below the folder: a name is no way to write elsewhere. */
function goldenPath(name: string): string {
  const inside = normalize(name)
  if (inside !== name || name.startsWith('/') || name.startsWith('..')) {
    throw new Error(`${JSON.stringify(name)} is not a path below test/golden`)
  }
  return join(FOLDER, name)
}

function readGolden(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return `(there is no test/golden/${name} yet; run this test once with UPDATE_GOLDEN=1)`
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
