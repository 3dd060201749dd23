import { availableParallelism } from 'node:os'
import { systemFiles } from '../../audit/files/file-port.ts'
import { VERDICT_EXIT } from '../../audit/verify/fault.ts'
import { verifyLog } from '../../audit/verify/verify-log.ts'
import { verifySegment } from '../../audit/verify/walk-segment.ts'
import type { WalkJob } from '../../audit/verify/walk-job.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { countOption, LEDGER_OPTIONS, ledgerFolder, progressLine } from '../ledger-options.ts'
import { listOption, textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { givenAnchor, givenKeys, KEY_OPTIONS } from './key-options.ts'
import { recordShape } from './record-shape.ts'
import { readPart, runInChild } from './verify-part.ts'
import { openResume } from './verify-resume.ts'
import { verifyJson, verifyText } from './verify-text.ts'

const JOBS_MAX = 64

/** `modelgate audit verify`: whether a ledger is whole and as it was signed. */
export const auditVerify: Verb = {
  options: {
    dir: LEDGER_OPTIONS.dir,
    ...KEY_OPTIONS,
    anchor: {
      type: 'string',
      value: 'FILE',
      multiple: true,
      help: 'a checkpoint you kept: the ledger must contain it',
    },
    since: {
      type: 'string',
      value: 'FILE',
      help: 'a checkpoint up to which all is known to be right: only what came after is read',
    },
    origin: { type: 'string', value: 'NAME', help: 'the name that the log must have' },
    jobs: { type: 'string', value: 'N', help: 'segments at a time, in processes (default 1)' },
    resume: {
      type: 'string',
      value: 'FILE',
      help: 'where to keep how far it came, and to go on from; of no use to the ledger’s writer',
    },
    strict: {
      type: 'boolean',
      help: 'findings of what records say count as tampered (1)',
    },
    part: { type: 'boolean', help: 'verify one part, told on standard input, as --jobs hands out' },
  },
  examples: [
    'modelgate audit verify --vkey audit.vkey',
    'modelgate audit verify --dir copy --vkey audit.vkey --anchor kept.checkpoint --jobs 4',
    'modelgate audit verify --vkey audit.vkey --witness-vkey w1.vkey --quorum 1 --format json',
  ],
  exits: {
    help:
      'Exit codes: 0 intact, 1 tampered, 2 truncated, 3 unproven (nothing signed speaks for the ' +
      'end), 4 gaps\n(intact, and it says itself that something was lost), 64 usage, 74 cannot be read',
    usage: 64,
    failed: 74,
    invalid: 64,
  },
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  if (options['part'] === true) return runPart(io)
  const dir = await ledgerFolder(options, io)
  const given = await givenKeys(options, io)
  const anchors = await Promise.all(
    listOption(options, 'anchor').map((name) => givenAnchor(name, given, io)),
  )
  const sinceFile = textOption(options, 'since')
  const since = sinceFile === undefined ? undefined : await givenAnchor(sinceFile, given, io)
  const resume = await openResume(options, given, io)
  if (since !== undefined && resume !== undefined) {
    throw new GatewayError('ERR_USAGE', '--since and --resume exclude each other')
  }
  const log = textOption(options, 'origin')
  const jobs = jobsOption(options)
  const progress = progressLine(io)
  const report = await verifyLog({
    dir,
    ...given,
    anchors,
    shape: await recordShape(),
    isStrict: options['strict'] === true,
    ...(log === undefined ? {} : { log }),
    ...(since === undefined ? {} : { since }),
    ...(resume?.state === undefined ? {} : { resume: resume.state }),
    ...(jobs < 2 || io.self === undefined ? {} : { jobs, runPart: runInChild(io.self) }),
    onProgress: progress.show,
    onPart: (part) => resume?.save(part),
  })
  progress.clear()
  io.out(wantsJson(options) ? verifyJson(report) : verifyText(report, { dir, given, io }))
  return VERDICT_EXIT[report.verdict]
}

function jobsOption(options: OptionValues): number {
  const jobs = countOption(options, 'jobs', 1)
  if (jobs <= JOBS_MAX) return Math.min(jobs, 2 * availableParallelism())
  throw new GatewayError('ERR_USAGE', `--jobs takes at most ${JOBS_MAX}`)
}

/** One part, for the process that hands them out: its outcome is one line of JSON. */
async function runPart(io: CliIo): Promise<number> {
  const job: WalkJob = await readPart(io)
  const shape = job.plan.isShapeChecked ? await recordShape() : undefined
  const outcome = await verifySegment(systemFiles, job, undefined, shape)
  io.out(`${JSON.stringify(outcome)}\n`)
  return EXIT.ok
}
