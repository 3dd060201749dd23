/**
 * Kills whole gateways, as built and as operators run them, at random instants under load, and holds
 * what had reached the upstream against the files of the ledger before the next start mends them.
 */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { ensureBuilt } from '../support/build.ts'
import { runModelgate, writeGatewayFiles } from '../support/built-gateway.ts'
import { liveAndDie, startAndStop, type GatewayPlace, type Moment } from './gateway-life.ts'
import { POLICY, ROLES, startKillUpstream, UPSTREAMS } from './gateway-load.ts'
import { GatewayKillTotal, type GatewayKillReport } from './gateway-report.ts'
import { newLog, randomNumbers, type KilledLog } from './kills.ts'
import { readLog } from './read-log.ts'

/** How many, and from where the random numbers start. */
export interface GatewayKillPlan {
  readonly kills: number
  readonly seed: number
  /** A log is closed well and verified after so many, and a new one begun; 20 when absent. */
  readonly killsPerLog?: number
  /** Called after every kill. */
  readonly onKill?: (done: number) => void
}

const KILLS_PER_LOG = 20
const BUSY_MS = { min: 50, max: 600 }
/** Of all kills, so many fall on a start, and so many on a privileged request. */
const SHARE = { starting: 0.08, privileged: 0.4 }
const PRIVILEGED_MAX = 60
/** Every so many kills half a line is put at the end, in every other log: kills rarely leave one. */
const HALVE_ONE_IN = 5
const SEGMENT_BYTES = '256KiB'

/** See the head of this file. Ends every process it starts. */
export async function runGatewayKills(plan: GatewayKillPlan): Promise<GatewayKillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-kills-'))
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  const random = randomNumbers(plan.seed)
  const total = new GatewayKillTotal()
  const { killsPerLog = KILLS_PER_LOG } = plan
  try {
    for (let done = 0; done < plan.kills; done += killsPerLog) {
      const log = newLog(join(folder, `log-${done}`))
      const kills = Math.min(killsPerLog, plan.kills - done)
      const isHalved = (done / killsPerLog) % 2 === 1
      const onKill = (): void => plan.onKill?.(total.kills)
      const row = { log, kills, isHalved, issuer, random, total, onKill }
      // What goes wrong with one log is told with what came of the others.
      await killOneAfterAnother(row).catch((error: unknown) => total.faults.push(String(error)))
      rmSync(log.folder, { recursive: true, force: true })
    }
  } finally {
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return total
}

interface Row {
  readonly log: KilledLog
  readonly kills: number
  /** Whether ends of lines are taken away between a kill and the next start. */
  readonly isHalved: boolean
  readonly issuer: DevIssuer
  readonly random: () => number
  readonly total: GatewayKillTotal
  readonly onKill: () => void
}

/** Gateways that follow each other on one log, and what a verification says of it at the end. */
async function killOneAfterAnother(row: Row): Promise<void> {
  const { log, kills, random, total } = row
  const upstream = await startKillUpstream()
  const files = await writeFiles(log, row.issuer.issuer, upstream.url)
  const place: GatewayPlace = { main: await ensureBuilt(), ...files, upstream }
  total.newLog()
  let halvedNext = 0
  try {
    for (let i = 0; i < kills; i++) {
      const load = { name: `k${total.kills}`, token: await tokenOf(row.issuer), random }
      const moment = nextMoment(random, total.lastStartMs)
      const life = await liveAndDie(place, moment, load)
      const found = readLog(log.dir, log.verifier)
      total.add(moment, life, found)
      if (row.isHalved && i >= halvedNext && found.tornBytes === 0 && halveLine(log.dir)) {
        total.halved()
        halvedNext = i + HALVE_ONE_IN
      }
      row.onKill()
    }
    const { code, stderr } = await startAndStop(place)
    if (code !== 0) total.faults.push(`the last gateway ended with ${String(code)}: ${stderr}`)
    const verified = await verify(log)
    total.endLog(readLog(log.dir, log.verifier), verified)
  } finally {
    await upstream.close()
    rmSync(files.dir, { recursive: true, force: true })
  }
}

function writeFiles(log: KilledLog, issuer: string, upstream: string) {
  const audit = {
    dir: log.dir,
    deployment: 'kills',
    node: 'n1',
    signing_key_file: log.key,
    // Small, so that some are killed while they change over.
    segment_bytes: SEGMENT_BYTES,
  }
  const config = { audit, log: { level: 'info' } }
  return writeGatewayFiles({ config, policy: POLICY, upstreams: UPSTREAMS }, { issuer, upstream })
}

function tokenOf(issuer: DevIssuer): Promise<string> {
  const claims = { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles: ROLES }
  return issuer.mint(claims, { lifetimeS: 600 })
}

function nextMoment(random: () => number, startMs: number): Moment {
  const kind = random()
  if (kind < SHARE.starting) return { when: 'starting', afterMs: random() * startMs }
  if (kind < SHARE.starting + SHARE.privileged) {
    return { when: 'privileged', count: 1 + Math.floor(random() * PRIVILEGED_MAX) }
  }
  return { when: 'busy', afterMs: BUSY_MS.min + random() * (BUSY_MS.max - BUSY_MS.min) }
}

/** Puts the first half of the last line at the end. Whether there was a line. */
function halveLine(dir: string): boolean {
  const folder = join(dir, 'seg')
  const names = existsSync(folder) ? readdirSync(folder) : []
  const name = names
    .filter((one) => one.endsWith('.jsonl'))
    .sort()
    .at(-1)
  if (name === undefined) return false
  const path = join(folder, name)
  const last = readFileSync(path, 'utf8').split('\n').at(-2) ?? ''
  if (last === '') return false
  appendFileSync(path, last.slice(0, last.length / 2))
  return true
}

async function verify(
  log: KilledLog,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const key = join(log.folder, 'vkey')
  writeFileSync(key, `${log.verifier.vkey}\n`)
  const { code, stdout, stderr } = await runModelgate([
    ...['audit', 'verify', '--dir', log.dir, '--vkey', key],
  ])
  return { code, said: `${stdout}${stderr}` }
}
