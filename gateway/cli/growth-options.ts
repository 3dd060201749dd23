import { resolve } from 'node:path'
import { openGrowthState, type GrowthState } from '../assembly/growth-state.ts'
import type { Answer, TreeHead } from '../audit/signing/growth.ts'
import { parseTreeHead } from '../audit/signing/growth.ts'
import { readKeyFile } from '../audit/signing/key-file.ts'
import type { NoteKeyType, NoteSigner } from '../audit/tree/note.ts'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { CliIo } from './io.ts'
import { listOption, textOption } from './report.ts'
import type { OptionValues, VerbOption } from './verb.ts'

/** Options of `modelgate signer` and `modelgate witness`. */
export const GROWTH_OPTIONS = {
  key: {
    type: 'string',
    value: 'FILE',
    multiple: true,
    help: 'private key; twice while one follows the other, the newest first',
  },
  state: { type: 'string', value: 'DIR', help: 'directory of what was signed last, of this alone' },
  init: { type: 'boolean', help: 'the first time: create the directory of --state' },
} as const satisfies Record<string, VerbOption>

/** The value of an option that must be there. @throws ERR_USAGE */
export function neededOption(options: OptionValues, name: string, what: string): string {
  const value = textOption(options, name)
  if (value === undefined) throw new GatewayError('ERR_USAGE', `name ${what} with --${name}`)
  return value
}

/** The keys of `--key`, all of one type. @throws ERR_USAGE ERR_CONFIG_UNREADABLE */
export function keysOption(
  options: OptionValues,
  io: CliIo,
  type: NoteKeyType,
): readonly [NoteSigner, ...NoteSigner[]] {
  const { uid, groups } = io.process
  const paths = listOption(options, 'key').map((path) => resolve(io.cwd, path))
  const apartFrom = resolve(io.cwd, neededOption(options, 'state', 'the directory of the state'))
  const [first, ...rest] = paths.map((path) => readKeyFile({ path, uid, groups, type, apartFrom }))
  if (first !== undefined) return [first, ...rest]
  throw new GatewayError('ERR_USAGE', 'name the private key with --key FILE')
}

/** The directory of `--state`, held. @throws ERR_USAGE ERR_AUDIT_UNAVAILABLE */
export function stateOption(
  options: OptionValues,
  io: CliIo,
  { signers, clock }: { readonly signers: readonly NoteSigner[]; readonly clock: Clock },
): GrowthState {
  const dir = resolve(io.cwd, neededOption(options, 'state', 'the directory of the state'))
  const verifiers = signers.map(({ verifier }) => verifier)
  const isNew = options['init'] === true
  return openGrowthState({ dir, isNew, verifiers, process: io.process, clock })
}

/** A text `SIZE:ROOT` of an option. @throws ERR_USAGE */
export function headOption(options: OptionValues, name: string): TreeHead | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const head = parseTreeHead(text)
  if (head !== undefined) return head
  const from = 'as modelgate audit accept-gap prints it'
  throw new GatewayError('ERR_USAGE', `--${name} takes SIZE:ROOT, ${from}`)
}

const TELL_MS = 1_000

/** Says what should not happen, each once a second at most: whoever asks must not fill a disk. */
export function answerTeller(
  io: CliIo,
  clock: Clock,
): (answer: Answer, error: Error | undefined) => void {
  // By status: a 409 that is usual must not hide an alarm.
  const toldAtMs = new Map<number, number>()
  return (answer, error) => {
    const text = alarmOf(answer, error)
    const nowMs = clock.monotonicMs()
    const beforeMs = toldAtMs.get(answer.status) ?? Number.NEGATIVE_INFINITY
    if (text === undefined || nowMs - beforeMs < TELL_MS) return
    toldAtMs.set(answer.status, nowMs)
    io.err(`${text}\n`)
  }
}

function alarmOf({ status, body }: Answer, error: Error | undefined): string | undefined {
  if (error !== undefined) return `cannot sign: ${error.message}`
  if (status === 422) return 'ALARM: refused a checkpoint that does not append to what was signed'
  if (status !== 409) return undefined
  return `refused: this stands at ${body.trim()} records, and was asked from elsewhere`
}
