/** The switch, tried: a caller that does not exist is locked on the way that real ones are. */
import type { Drill, DrillReport, Lock } from '../../access/lock.ts'
import { createLockIndex, type LockIndex } from '../../access/locks/lock-index.ts'
import type { AccessView } from '../../access/view.ts'
import { NO_ACCESS } from '../../access/no-access.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Runtime, Services } from '../runtime.ts'
import { cutLocked, type Cuttable } from '../streams/cut-locked.ts'
import { lockedNow } from './locked.ts'

/** What {@link runDrill} needs. */
export interface DrillDeps {
  readonly services: Pick<Services, 'clock' | 'log' | 'metrics'>
  readonly runtime: () => Runtime
  /** This process. */
  readonly replica: { readonly id: string; readonly name: string }
  /** The store's time, as far as it is known here. */
  readonly now: () => number
}

/** An issuer of this name cannot be configured: names of issuers have no capital letters. */
const NOBODY: Subject = {
  id: 'user:DRILL/nobody',
  issuer: 'about:drill',
  issuerName: 'DRILL',
  groups: [],
  roles: [],
  issuedAt: 0,
  expiresAt: 8.64e15,
  authentication: {},
  claims: new Map(),
}

/**
 * Locks a caller that does not exist, for this drill alone: an exchange of theirs that asks is
 * refused, and one that is open is ended, by the same code as those of callers. What a replica would
 * report if locks had no effect is `ok: false`; nobody's traffic is touched. Never rejects.
 */
export async function runDrill(drill: Drill, deps: DrillDeps): Promise<DrillReport> {
  const { id, name } = deps.replica
  try {
    const found = await attempt(drill, deps)
    return { replica: id, name, ...found }
  } catch (error) {
    deps.services.log.error({ drill: drill.id, err: error }, 'a drill failed')
    return { replica: id, name, refusedMs: 0, cutMs: 0, ok: false, detail: 'the drill failed' }
  }
}

async function attempt(
  drill: Drill,
  { services, runtime, now }: DrillDeps,
): Promise<Omit<DrillReport, 'replica' | 'name'>> {
  const index = createLockIndex(new Map())
  const access: AccessView = { ...NO_ACCESS, lockOn: (facts) => index.find(facts, now()) }
  const refusals: Refusal[] = []
  const open = exchangeOf(drill, runtime, (refusal) => refusals.push(refusal))
  const before = lockedNow(open, { access })
  lock(index, drill)
  const refused = lockedNow(open, { access })
  const refusedMs = Math.max(0, now() - drill.at)
  const quiet = { ...services, metrics: { ...services.metrics, streamCut: () => undefined } }
  const ended = await cutLocked([open], quiet, (facts) => index.find(facts, now()))
  const cutMs = Math.max(0, now() - drill.at)
  const problem =
    (before !== undefined ? 'a caller was refused without a lock' : undefined) ??
    (refused?.reason !== 'locked' ? 'a lock did not refuse' : undefined) ??
    (refusals[0]?.reason !== 'locked' || ended.size !== 1 ? 'a lock did not cut' : undefined)
  const ok = problem === undefined
  return { refusedMs, cutMs, ok, ...(ok ? {} : { detail: problem }) }
}

function lock(index: LockIndex, drill: Drill): void {
  const one: Lock = {
    id: drill.id,
    target: { kind: 'user', id: NOBODY.id },
    reason: 'a drill',
    cause: { kind: 'operator' },
    by: drill.by,
    at: drill.at,
  }
  index.put(one)
}

function exchangeOf(
  drill: Drill,
  runtime: () => Runtime,
  cut: (refusal: Refusal) => void,
): Cuttable {
  return {
    id: drill.id,
    subject: NOBODY,
    environment: { now: drill.at, client: { ip: '192.0.2.1', source: 'peer' } },
    classification: {
      pack: 'drill',
      route: 'drill',
      operations: [{ action: 'infer', resource: { kind: 'model', name: 'drill' } }],
      upgrade: false,
      errorShape: 'problem',
    },
    latest: runtime,
    cut,
  }
}
