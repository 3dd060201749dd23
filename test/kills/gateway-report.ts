/** What came of kills of whole gateways. */
import type { GatewayLife, Moment } from './gateway-life.ts'
import type { ReachedRequest } from './gateway-load.ts'
import type { FoundLog, FoundRecord } from './read-log.ts'

/** Everything but `missing`, `unsigned` and `faults` is only told. */
export interface GatewayKillReport {
  readonly kills: number
  readonly killedWhile: Readonly<Record<Moment['when'], number>>
  readonly reached: { readonly infer: number; readonly privileged: number }
  /** Requests that the upstream had seen, and whose permit is not in the files. */
  readonly missing: readonly string[]
  /** Privileged requests that the upstream had seen, and whose permit no checkpoint covers. */
  readonly unsigned: readonly string[]
  /**
   * Half lines that kills left, that were put there, that a start has moved aside and recorded, and
   * moved aside by one that was killed before it could record it.
   */
  readonly torn: Readonly<Record<'byKills' | 'byHand' | 'recovered' | 'untold', number>>
  /** Logs that were closed and verified, by the exit code of `audit verify`. */
  readonly verified: Readonly<Record<string, number>>
  /** Answers of gateways that were still alive. */
  readonly statuses: Readonly<Record<string, number>>
  readonly startsMs: readonly number[]
  readonly faults: readonly string[]
}

const INTACT = 0
/** Intact, and a record says that half a line was lost. */
const GAPS = 4
/** Until one was measured. */
const START_MS = 1_500

/** Adds up. `newLog` comes before the first kill of a log, `endLog` after it was closed well. */
export class GatewayKillTotal implements GatewayKillReport {
  kills = 0
  readonly killedWhile = { starting: 0, busy: 0, privileged: 0 }
  readonly reached = { infer: 0, privileged: 0 }
  readonly missing: string[] = []
  readonly unsigned: string[] = []
  readonly torn = { byKills: 0, byHand: 0, recovered: 0, untold: 0 }
  readonly verified: Record<string, number> = {}
  readonly statuses: Record<string, number> = {}
  readonly startsMs: number[] = []
  readonly faults: string[] = []
  lastStartMs = START_MS
  private known = { isTorn: false, recovered: 0 }

  newLog(): void {
    this.known = { isTorn: false, recovered: 0 }
  }

  add(moment: Moment, life: GatewayLife, found: FoundLog): void {
    this.kills += 1
    this.killedWhile[moment.when] += 1
    if (life.startMs !== undefined) {
      this.lastStartMs = life.startMs
      this.startsMs.push(life.startMs)
    }
    for (const [status, count] of Object.entries(life.statuses)) {
      this.statuses[status] = (this.statuses[status] ?? 0) + count
    }
    if (life.stderr !== '') this.faults.push(life.stderr)
    this.addRecovery(found, life.startMs !== undefined)
    if (found.tornBytes > 0 && !this.known.isTorn) this.torn.byKills += 1
    this.known.isTorn = found.tornBytes > 0
    this.addReached(life.reached, found)
  }

  /** Half a line was put at the end of the log. */
  halved(): void {
    this.torn.byHand += 1
    this.known.isTorn = true
  }

  endLog(
    found: FoundLog,
    { code, said }: { readonly code: number | null; readonly said: string },
  ): void {
    this.addRecovery(found, true)
    if (found.tornBytes > 0) this.faults.push('half a line is left in a log that was closed')
    const key = String(code)
    this.verified[key] = (this.verified[key] ?? 0) + 1
    const hasGaps = found.records.some(({ type }) => type === 'log.recovered')
    if (code !== (hasGaps ? GAPS : INTACT)) this.faults.push(`audit verify: ${key} ${said}`)
  }

  /** Half a line that was there must be told of by whoever opened the log next. */
  private addRecovery(found: FoundLog, hasOpened: boolean): void {
    this.faults.push(...found.faults)
    const recovered = found.records.filter(isTornLine).length
    const isNew = recovered > this.known.recovered
    if (hasOpened && this.known.isTorn !== isNew) {
      this.faults.push(isNew ? 'a start mended what was whole' : 'half a line was not told of')
    }
    if (!hasOpened && this.known.isTorn && !isNew && found.tornBytes === 0) this.torn.untold += 1
    this.torn.recovered += recovered - this.known.recovered
    if (isNew) this.known.isTorn = false
    this.known.recovered = recovered
  }

  private addReached(reached: readonly ReachedRequest[], found: FoundLog): void {
    const permits = new Map<unknown, { readonly record: FoundRecord; readonly seq: number }>()
    for (const [seq, record] of found.records.entries()) {
      if (record['type'] === 'decision' && record['effect'] === 'permit') {
        permits.set(record['req'], { record, seq })
      }
    }
    for (const { id, method, path, isPrivileged } of reached) {
      this.reached[isPrivileged ? 'privileged' : 'infer'] += 1
      const permit = permits.get(id)
      const name = `${id} ${method} ${path}`
      if (permit?.record['meth'] !== method || permit.record['path'] !== path) {
        this.missing.push(name)
      } else if (isPrivileged && permit.seq >= found.signedSize) this.unsigned.push(name)
    }
  }
}

function isTornLine({ type, file }: FoundRecord): boolean {
  return type === 'log.recovered' && typeof file === 'string' && file.includes('.jsonl')
}
