/** How far a verification came, in a file of whoever verifies. */
import { hash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PartDone } from '../../audit/verify/parts.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import { textOption } from '../report.ts'
import type { OptionValues } from '../verb.ts'
import type { GivenKeys } from './key-options.ts'

/** The file, read. */
export interface Resume {
  /** `undefined` when the file is not there yet. */
  readonly state: PartDone | undefined
  save(part: PartDone): void
}

const VERSION = 1

/** The file that `--resume` names; `undefined` when it is not given. @throws ERR_USAGE */
export function openResume(
  options: OptionValues,
  given: GivenKeys,
  io: CliIo,
): Promise<Resume | undefined> {
  const name = textOption(options, 'resume')
  if (name === undefined) return Promise.resolve(undefined)
  const path = resolve(io.cwd, name)
  const keys = hash('sha256', JSON.stringify(given))
  const state = read(path, name, keys)
  return Promise.resolve({
    state,
    save(part) {
      const draft = `${path}.tmp`
      writeFileSync(draft, `${JSON.stringify({ v: VERSION, keys, part })}\n`, { mode: 0o600 })
      renameSync(draft, path)
    },
  })
}

function read(path: string, name: string, keys: string): PartDone | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new GatewayError('ERR_USAGE', `${name}: cannot be read`, { cause: error })
  }
  const kept = parse(text)
  if (kept === undefined) {
    throw new GatewayError('ERR_USAGE', `${name}: is not what --resume has written; remove it`)
  }
  if (kept.keys === keys) return kept.part
  throw new GatewayError('ERR_USAGE', `${name}: was written with other keys; name another file`)
}

function parse(text: string): { readonly keys: unknown; readonly part: PartDone } | undefined {
  try {
    const { v, keys, part } = JSON.parse(text) as {
      readonly v: unknown
      readonly keys: unknown
      readonly part: PartDone
    }
    const isPart = v === VERSION && Number.isSafeInteger(part.carry.size) && part.offset >= 0
    return isPart ? { keys, part } : undefined
  } catch {
    return undefined
  }
}
