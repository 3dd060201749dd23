/** Keys and checkpoints that whoever verifies brings. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseCheckpoint, type ReadCheckpoint } from '../../audit/tree/checkpoint.ts'
import { judgeCheckpoint, parseKeyList, readyKeys, type KeyEntry } from '../../audit/verify/keys.ts'
import type { Anchor } from '../../audit/verify/verify-log.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import { countOption } from '../ledger-options.ts'
import { listOption, textOption } from '../report.ts'
import type { OptionValues, VerbOption } from '../verb.ts'

/** Options that name keys. */
export const KEY_OPTIONS = {
  vkey: {
    type: 'string',
    value: 'FILE',
    multiple: true,
    help: 'keys of the ledger, one a line: <vkey> [<from size> [<to size>]]',
  },
  'witness-vkey': {
    type: 'string',
    value: 'FILE',
    multiple: true,
    help: 'keys of witnesses, likewise',
  },
  quorum: { type: 'string', value: 'N', help: 'witnesses that must have signed (default 1)' },
} as const satisfies Record<string, VerbOption>

/** What {@link KEY_OPTIONS} say. */
export interface GivenKeys {
  readonly keys: readonly KeyEntry[]
  readonly witnesses: readonly KeyEntry[]
  readonly quorum: number
}

/** Reads the files of keys. @throws ERR_USAGE */
export async function givenKeys(options: OptionValues, io: CliIo): Promise<GivenKeys> {
  const keys = await keyLists(listOption(options, 'vkey'), io)
  const witnesses = await keyLists(listOption(options, 'witness-vkey'), io)
  const quorum = countOption(options, 'quorum', 1)
  if (textOption(options, 'quorum') !== undefined && quorum > witnesses.length) {
    throw usage(`--quorum ${quorum} needs at least as many keys of witnesses`)
  }
  return { keys, witnesses, quorum }
}

async function keyLists(names: readonly string[], io: CliIo): Promise<readonly KeyEntry[]> {
  const lists: KeyEntry[] = []
  for (const name of names) {
    const list = parseKeyList((await bytesOf(name, io)).toString('utf8'))
    if (typeof list === 'string') throw usage(`${name}: ${list}`)
    lists.push(...list)
  }
  return lists
}

/** A checkpoint that somebody kept, signed by one of the keys when there are any. @throws ERR_USAGE */
export async function givenAnchor(name: string, keys: GivenKeys, io: CliIo): Promise<Anchor> {
  const checkpoint = parseCheckpoint(await bytesOf(name, io))
  if (typeof checkpoint === 'string') throw usage(`${name}: ${checkpoint}`)
  const problem = unsigned(checkpoint, keys)
  if (problem !== undefined) throw usage(`${name}: ${problem}`)
  return { file: name, checkpoint }
}

function unsigned(checkpoint: ReadCheckpoint, given: GivenKeys): string | undefined {
  const { keys, witnesses } = given
  if (keys.length + witnesses.length === 0) return undefined
  const judged = judgeCheckpoint(checkpoint, readyKeys(keys), readyKeys(witnesses))
  if (typeof judged === 'string') return judged
  const isSigned = judged.isSigned || judged.witnesses > 0
  return isSigned ? undefined : 'none of the keys given has signed this checkpoint'
}

const FILE_BYTES_MAX = 1024 * 1024

/** The bytes of a small file that was named on the command line; `-` is standard input. @throws ERR_USAGE */
export async function bytesOf(name: string, io: CliIo): Promise<Buffer> {
  const bytes = name === '-' ? await readInput(io) : await readNamed(name, io)
  if (bytes.length <= FILE_BYTES_MAX) return bytes
  throw usage(`${name}: is longer than ${FILE_BYTES_MAX} bytes`)
}

async function readNamed(name: string, io: CliIo): Promise<Buffer> {
  try {
    return await readFile(resolve(io.cwd, name))
  } catch (error) {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    throw new GatewayError('ERR_USAGE', `${name}: cannot be read (${code})`, { cause: error })
  }
}

async function readInput({ stdin }: CliIo): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of stdin ?? []) {
    parts.push(part)
    length += part.length
    if (length > FILE_BYTES_MAX) break
  }
  return Buffer.concat(parts)
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', message)
}
