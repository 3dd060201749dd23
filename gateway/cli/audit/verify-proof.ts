import { parseProof, proofFault } from '../../audit/verify/proof.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { plainText } from '../../domain/plain-text.ts'
import { textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { bytesOf, givenKeys, KEY_OPTIONS } from './key-options.ts'

/** `modelgate audit verify-proof`: whether a proof of one record holds. */
export const auditVerifyProof: Verb = {
  positionals: 'FILE',
  options: {
    ...KEY_OPTIONS,
    record: {
      type: 'string',
      value: 'FILE',
      help: 'the line of the record, when the proof does not hold it',
    },
  },
  examples: [
    'modelgate audit verify-proof --vkey audit.vkey 1041.tlog-proof',
    'modelgate audit prove --seq 7 | modelgate audit verify-proof --vkey audit.vkey -',
  ],
  run,
}

async function run(
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    throw new GatewayError('ERR_USAGE', 'name one file with a proof, or - for standard input')
  }
  const given = await givenKeys(options, io)
  if (given.keys.length === 0) {
    throw new GatewayError('ERR_USAGE', 'name the key of the ledger: --vkey FILE')
  }
  const proof = parseProof(await bytesOf(file, io))
  if (typeof proof === 'string') return failed(io, `${file}: ${proof}`, options)
  const record = textOption(options, 'record')
  const line = record === undefined ? proof.extra : withoutNewline(await bytesOf(record, io))
  if (line === undefined) {
    throw new GatewayError('ERR_USAGE', 'the proof does not hold the record; use --record FILE')
  }
  const fault = proofFault(proof, line, given)
  if (fault !== undefined) return failed(io, `${file}: ${fault}`, options)
  const { origin, size } = proof.checkpoint
  const text = line.toString('utf8')
  if (wantsJson(options)) {
    const result = { valid: true, log: origin, seq: proof.index, size, record: text }
    io.out(`${JSON.stringify(result, null, 2)}\n`)
  } else {
    io.out(`${plainText(text)}\n`)
    io.err(`This is record ${proof.index} of ${plainText(origin)}, signed among ${size}.\n`)
  }
  return EXIT.ok
}

function withoutNewline(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes
}

function failed(io: CliIo, problem: string, options: OptionValues): number {
  if (wantsJson(options)) io.out(`${JSON.stringify({ valid: false, problem }, null, 2)}\n`)
  else io.err(`modelgate: ${plainText(problem)}\n`)
  return EXIT.failed
}
