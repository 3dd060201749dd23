import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { checkpointSigner } from '../../assembly/ledger-signer.ts'
import { loadConfig } from '../../assembly/load-config.ts'
import { systemFiles } from '../../audit/files/file-port.ts'
import { acquireLock } from '../../audit/files/lock.ts'
import { openLedger } from '../../audit/ledger.ts'
import type { CheckpointSigner } from '../../audit/signing/signer-port.ts'
import { gapRecord, prepareGap, type Gap } from '../../audit/verify/accept-gap.ts'
import { systemClock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { Settings } from '../../settings/settings.ts'
import { VERSION } from '../../version.ts'
import { ACCEPTANCE_OPTIONS, acceptanceOf } from '../acceptance.ts'
import { EXIT, type CliIo } from '../io.ts'
import { LEDGER_OPTIONS, ledgerIn } from '../ledger-options.ts'
import { configFile, findingsOf, plural, printDiagnostics, textOption } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { givenAnchor } from './key-options.ts'

/** `modelgate audit accept-gap`: goes on with a ledger of which something was lost. */
export const auditAcceptGap: Verb = {
  options: {
    dir: LEDGER_OPTIONS.dir,
    ...ACCEPTANCE_OPTIONS,
    anchor: { type: 'string', value: 'FILE', help: 'a checkpoint of what was lost' },
  },
  formats: ['text'],
  examples: ['modelgate audit accept-gap --reason "disk of node 3 restored from backup" --by jo'],
  run,
}

interface Given {
  readonly dir: string
  readonly audit: Settings['audit']
  readonly origin: string
  readonly signer: CheckpointSigner | undefined
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const { by, reason } = acceptanceOf(options, io)
  const given = await ledgerOf(options, io)
  const gaps = await prepare(options, { given, by, reason, io })
  if (gaps.length === 0) {
    io.err('There is nothing to accept: no fault was found. modelgate audit verify says more.\n')
    return EXIT.failed
  }
  for (const gap of gaps) io.err(gapText(gap))
  io.err(advice(given, gaps.at(-1)))
  await record(given, gaps, io)
  io.out(`${plural(gaps.length, 'gap')} recorded; the gateway can be started.\n`)
  return EXIT.ok
}

async function ledgerOf(options: OptionValues, io: CliIo): Promise<Given> {
  const { cwd, env } = io
  const { uid, groups } = io.process
  const config = await loadConfig({ file: configFile(options, io), cwd, env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration says what signs the ledger')
  }
  const { audit } = config.value
  const dir = await ledgerIn(
    resolve(cwd, textOption(options, 'dir') ?? audit.dir),
    'name it with --dir',
  )
  const origin = `${audit.deployment}/audit/${audit.node}`
  const signer = checkpointSigner({ audit, origin, dir, cwd, uid, groups })
  return { dir, audit, origin, signer }
}

async function prepare(
  options: OptionValues,
  asked: {
    readonly given: Given
    readonly by: string
    readonly reason: string
    readonly io: CliIo
  },
): Promise<readonly Gap[]> {
  const { given, by, reason, io } = asked
  const { dir, signer } = given
  const keys = (signer?.verifiers ?? []).map(({ vkey }) => ({
    vkey,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
  }))
  const name = textOption(options, 'anchor')
  const anchor =
    name === undefined
      ? undefined
      : (await givenAnchor(name, { keys, witnesses: [], quorum: 1 }, io)).checkpoint
  const lock = acquireLock({
    files: systemFiles,
    dir,
    bootId: randomUUID(),
    owner: io.process,
    clock: systemClock,
  })
  try {
    const now = systemClock.now()
    return await prepareGap({ files: systemFiles, dir, keys, by, reason, now, anchor })
  } finally {
    lock.release()
  }
}

async function record(given: Given, gaps: readonly Gap[], io: CliIo): Promise<void> {
  const { dir, audit, origin, signer } = given
  const ledger = await openLedger({
    dir,
    log: origin,
    bootId: randomUUID(),
    owner: io.process,
    clock: systemClock,
    segmentBytesMax: audit.segmentBytes,
    versions: { modelgate: VERSION, node: io.process.nodeVersion },
    ...(signer === undefined ? {} : { signer }),
  })
  try {
    for (const gap of gaps) await ledger.append(gapRecord(gap), 'disk')
  } finally {
    await ledger.close()
  }
}

function gapText({ kept, lost, moved, fault }: Gap): string {
  const of = lost === null ? '' : ` of ${lost.size}`
  const where = moved.length === 0 ? '' : `; what cannot be kept is in ${moved.join(', ')}`
  return `${fault}: ${kept.size}${of} records are kept${where}\n`
}

/** A signer and witnesses remember what was lost, and refuse to go on until they are told. */
function advice({ audit }: Given, gap: Gap | undefined): string {
  if (gap === undefined) return ''
  const at = `${gap.kept.size}:${gap.kept.root}`
  const signer =
    audit.signer === undefined
      ? ''
      : `If the signer refuses, stop it: modelgate signer --key FILE --state DIR --accept-gap ${at}\n`
  const witness =
    audit.witnesses.length === 0
      ? ''
      : 'On every witness, stopped: modelgate witness accept-gap --key FILE --log FILE --state DIR ' +
        `--at ${at}\n`
  const again = signer === '' ? '' : 'Then run this again: it goes on where it was refused.\n'
  return `${signer}${witness}${again}`
}
