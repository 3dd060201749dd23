/** Witnesses of the ledger: checkpoints go there as they are signed, cosignatures are kept. */
import type { RunningLedger } from '../audit/ledger.ts'
import { isPermit } from '../audit/line/permit.ts'
import {
  createWitnessClient,
  type SignedNotice,
  type WitnessAnswer,
  type WitnessClient,
} from '../audit/signing/witness-client.ts'
import { createWitnessPusher, type WitnessPusher } from '../audit/signing/witness-pusher.ts'
import { keepWitnessed } from '../audit/signing/witnessed-files.ts'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { LedgerRecord } from '../domain/ports.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import { pem } from './issuer-options.ts'
import { verifierFrom } from './ledger-signer.ts'

/** What witnesses are asked with. */
export interface WitnessedOpening {
  readonly audit: Settings['audit']
  /** Directory of the ledger, absolute. */
  readonly dir: string
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: Pick<Metrics, 'auditSigned' | 'auditWitness' | 'auditAges' | 'admitNames'>
}

/** What the ledger is opened with, and what is put around it. */
export interface LedgerWitnesses {
  /** A checkpoint was signed. Never throws. */
  onSigned(signed: SignedNotice): void
  /** The ledger, which refuses permits of privileged actions while it is not witnessed. */
  around(ledger: RunningLedger): RunningLedger
}

/** The longest wait for one answer of a witness. */
const WITNESS_TIMEOUT_MS = 5_000

/** @throws ERR_CONFIG_INVALID ERR_CONFIG_UNREADABLE naming key or file */
export async function openWitnesses(opening: WitnessedOpening): Promise<LedgerWitnesses> {
  const { audit, clock, metrics } = opening
  const isSigned = audit.signingKeyFile !== undefined || audit.signer !== undefined
  if (!isSigned && audit.witnesses.length > 0) {
    throw invalid(
      'audit.witnesses: without audit.signing_key_file or audit.signer there is nothing to cosign',
    )
  }
  if (audit.witnesses.length === 0 && audit.witnessMaxAge !== undefined) {
    throw invalid('audit.witness_max_age: there are no audit.witnesses')
  }
  const startedMs = clock.monotonicMs()
  let signedMs = startedMs
  let ledger: RunningLedger | undefined
  const record = (entry: LedgerRecord): void => ledger?.appendNow(entry)
  const clients = await clientsOf(opening)
  const pusher = clients.length === 0 ? undefined : pusherOf(opening, clients, record)
  metrics.auditAges(() => {
    const nowMs = clock.monotonicMs()
    return {
      checkpointMs: isSigned ? nowMs - signedMs : 0,
      witnessedMs: pusher === undefined ? 0 : nowMs - (pusher.witnessedAtMs() ?? startedMs),
    }
  })
  return {
    onSigned(signed) {
      signedMs = clock.monotonicMs()
      metrics.auditSigned(signed.checkpoint.size)
      pusher?.signed(signed)
    },
    around(opened) {
      ledger = opened
      return pusher === undefined ? opened : witnessed(opening, opened, pusher)
    },
  }
}

async function clientsOf({ audit, clock }: WitnessedOpening): Promise<readonly WitnessClient[]> {
  const names = new Set<string>()
  return Promise.all(
    audit.witnesses.map(async ({ url, vkey, caFile }, index) => {
      const verifier = verifierFrom(vkey, `audit.witnesses.${index}.vkey`, 'cosignature')
      if (names.has(verifier.name)) {
        throw invalid(`audit.witnesses: two of them are ${verifier.name}; each needs its own name`)
      }
      names.add(verifier.name)
      return createWitnessClient({
        url: new URL(url),
        verifier,
        ca: caFile === undefined ? undefined : await pem(caFile),
        timeoutMs: WITNESS_TIMEOUT_MS,
        now: () => clock.now(),
      })
    }),
  )
}

function pusherOf(
  { audit, dir, clock, log, metrics }: WitnessedOpening,
  witnesses: readonly WitnessClient[],
  record: (entry: LedgerRecord) => void,
): WitnessPusher {
  metrics.admitNames({ upstreams: [], issuers: [], witnesses: witnesses.map(({ name }) => name) })
  const last = new Map<string, WitnessAnswer['result']>()
  return createWitnessPusher({
    witnesses,
    clock,
    schedule(delayMs, run) {
      const timer = setTimeout(run, delayMs)
      timer.unref()
      return () => clearTimeout(timer)
    },
    random: Math.random,
    // An idle ledger is signed for too, so that age means that nobody answers.
    refreshMs: audit.witnessMaxAge === undefined ? undefined : audit.witnessMaxAge / 3,
    keep: (note, isLasting) => keepWitnessed(dir, note, isLasting),
    record,
    onAnswer(witness, answer) {
      metrics.auditWitness(witness, answer.result)
      const hasChanged = last.get(witness) !== answer.result
      last.set(witness, answer.result)
      tell(log, { witness, answer, hasChanged })
    },
    onKeepError: (error) => log.error({ dir, err: error }, 'cosignatures could not be kept'),
  })
}

function tell(
  log: WitnessedOpening['log'],
  told: {
    readonly witness: string
    readonly answer: WitnessAnswer
    readonly hasChanged: boolean
  },
): void {
  const { witness, answer, hasChanged } = told
  if (answer.result === 'cosigned') {
    if (hasChanged) log.info({ witness }, 'a witness cosigns the ledger')
    return
  }
  const fields = { witness, result: answer.result, why: answer.why }
  if (answer.result === 'forked' || answer.result === 'ahead') {
    log.error(fields, 'ALARM: a witness says that the ledger is not what it was')
  } else if (hasChanged) log.warn(fields, 'a witness does not cosign the ledger')
}

function witnessed(
  { audit, clock }: WitnessedOpening,
  ledger: RunningLedger,
  pusher: WitnessPusher,
): RunningLedger {
  const maxAgeMs = audit.witnessMaxAge
  const isStale = (): boolean => {
    if (maxAgeMs === undefined) return false
    const atMs = pusher.witnessedAtMs()
    return pusher.isDisputed() || atMs === undefined || clock.monotonicMs() - atMs > maxAgeMs
  }
  return {
    ...ledger,
    append(record, durability) {
      // Refusals, outcomes and incidents go in whoever witnesses them.
      if (durability === 'disk' && isPermit(record) && isStale()) {
        return Promise.reject(unwitnessed(pusher.isDisputed()))
      }
      return ledger.append(record, durability)
    },
    get healthy() {
      return ledger.healthy
    },
    async close() {
      try {
        await ledger.close()
      } finally {
        await pusher.finish()
      }
    },
  }
}

function unwitnessed(isDisputed: boolean): GatewayError {
  const message = isDisputed
    ? 'the witnesses say that the ledger is not what it was'
    : 'no witness has cosigned the ledger for audit.witness_max_age'
  return new GatewayError('ERR_AUDIT_UNAVAILABLE', message, {
    publicMessage: 'The decision could not be recorded.',
  })
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', message)
}
