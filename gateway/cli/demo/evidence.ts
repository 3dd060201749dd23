/** What a walk left behind: decision records, the chain they form, and the metrics page. */
import { createHash } from 'node:crypto'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyLog } from '../../audit/verify/verify-log.ts'
import { send } from './http.ts'
import { waitFor } from './wait-for.ts'
import type { World } from './world.ts'

/** A decision as the ledger has it. */
export interface Judged {
  readonly effect: string
  readonly reason?: string
  /** `<path>:<line>` of the rule that decided. */
  readonly rule?: string
  readonly failed: readonly { readonly name: string; readonly is: string; readonly why: string }[]
}

type LedgerLine = Readonly<Record<string, unknown>>

async function ledgerLines(auditDir: string): Promise<LedgerLine[]> {
  const folder = join(auditDir, 'seg')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  // What follows the last newline is a record being written.
  const lines = texts.flatMap((text) => text.split('\n').slice(0, -1))
  return lines.map((line) => JSON.parse(line) as LedgerLine)
}

/**
 * The decision on a request, once it is in the ledger. Refusals name their decision in the answer;
 * a permitted request is found by the `X-Request-Id` it was sent with.
 */
export async function decisionOn(
  world: World,
  request: { readonly requestId: string; readonly decisionId: string | undefined },
): Promise<Judged> {
  const { requestId, decisionId } = request
  const line = await waitFor(`the record of ${requestId}`, async () => {
    const lines = await ledgerLines(world.paths.audit)
    return lines.find(
      ({ type, id, req }) =>
        type === 'decision' && (decisionId === undefined ? req === requestId : id === decisionId),
    )
  })
  const { effect, reason, rule, failed } = line
  return {
    effect: String(effect),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof rule === 'string' ? { rule } : {}),
    failed: Array.isArray(failed) ? (failed as Judged['failed']) : [],
  }
}

/** The metrics page of the control listener. */
export async function metricsText(world: World): Promise<string> {
  const answer = await send(world.urls.control, { method: 'GET', path: '/metrics' }, {})
  return answer.body.toString('utf8')
}

/** The sum of all series of `name` whose labels hold `label` (`decision="permit"`). */
export function metricSum(text: string, name: string, label = ''): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** One thing that must be so. */
export interface Fact {
  readonly name: string
  readonly expected: string | number | boolean
  readonly got: string | number | boolean
}

/**
 * Counts what ledger and metrics say of `permitted` and `refused` requests, of those permitted ones
 * whose answer was `cut`, and of those that were `held` back, because their grant was used up; verifies the ledger with its public key, and copies in which one word
 * was changed and from which the last record was cut off.
 */
export async function gatherFacts(
  world: World,
  walked: Readonly<Record<'permitted' | 'refused' | 'cut' | 'held', number>>,
): Promise<readonly Fact[]> {
  const { permitted, refused, cut, held } = walked
  // Outcomes are recorded and counted when the answer has been sent: the last one may be on its way.
  const lines = await waitFor('the last outcome record', async () => {
    const seen = await ledgerLines(world.paths.audit)
    return seen.filter(({ type }) => type === 'outcome').length >= permitted ? seen : undefined
  })
  const ofType = (wanted: string) => lines.filter(({ type }) => type === wanted)
  const decisions = ofType('decision')
  const digest = createHash('sha256').update(world.weights).digest('hex')
  const exported = ofType('export').filter(({ sha256 }) => sha256 === digest)
  const by = (effect: string) => decisions.filter((line) => line['effect'] === effect).length
  const metrics = await metricsText(world)
  const weights = world.arrivals.recent.filter(({ target }) => target.includes('safetensors'))
  const verdict = await verdictOf(world, world.paths.audit, 'intact')
  const forged = await verdictOfCopy(world, 'forged', { at: 0, change: turnDenied })
  const shortened = await verdictOfCopy(world, 'cut', { at: -1, change: dropLast })
  return [
    { name: 'decision records: permitted', expected: permitted, got: by('permit') },
    { name: 'decision records: refused', expected: refused, got: by('deny') },
    { name: 'ledger, checked against its public key', expected: 'intact', got: verdict },
    { name: 'a copy with one word changed', expected: 'tampered', got: forged },
    { name: 'a copy without its last record', expected: 'truncated', got: shortened },
    {
      name: 'modelgate_decisions_total{decision="permit"}',
      expected: permitted,
      got: metricSum(metrics, 'modelgate_decisions_total', 'decision="permit"'),
    },
    {
      name: 'modelgate_refusals_total',
      expected: refused + cut + held,
      got: metricSum(metrics, 'modelgate_refusals_total'),
    },
    { name: 'incidents in the ledger', expected: cut, got: ofType('incident').length },
    {
      name: 'provenance of trainings in the ledger',
      expected: 1,
      got: ofType('provenance').length,
    },
    { name: 'locks enforced', expected: 1, got: ofType('lock.enforced').length },
    { name: 'exports in the ledger, of exactly this file', expected: 1, got: exported.length },
    { name: 'requests for weights at the model server', expected: 1, got: weights.length },
  ]
}

/** What verification says of a ledger. Waits a little for `hoped`: a checkpoint may be on its way. */
async function verdictOf(world: World, dir: string, hoped: string): Promise<string> {
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER }
  const keys = [{ vkey: world.vkey, ...all }]
  let { verdict } = await verifyLog({ dir, keys })
  const isAsHoped = async (): Promise<boolean> => {
    if (verdict === hoped) return true
    verdict = (await verifyLog({ dir, keys })).verdict
    return verdict === hoped
  }
  await waitFor('the last checkpoint', async () => ((await isAsHoped()) ? true : undefined)).catch(
    // What it says instead is what the demo is to show.
    () => undefined,
  )
  return verdict
}

/** What verification says of a copy of the ledger in which the segment `at` was changed. */
async function verdictOfCopy(
  world: World,
  name: string,
  { at, change }: { readonly at: number; readonly change: (records: string) => string },
): Promise<string> {
  const copy = join(world.folder, name)
  // The gateway is at work beside: what it is about to rename may be gone before it is copied.
  const filter = (path: string): boolean => !path.endsWith('.tmp')
  await cp(world.paths.audit, copy, { recursive: true, filter })
  const names = (await readdir(join(copy, 'seg'))).sort()
  const segment = join(copy, 'seg', names.at(at) ?? '')
  await writeFile(segment, change(await readFile(segment, 'utf8')))
  const keys = [{ vkey: world.vkey, from: 0, to: Number.MAX_SAFE_INTEGER }]
  return (await verifyLog({ dir: copy, keys })).verdict
}

function turnDenied(records: string): string {
  return records.replace('"effect":"deny"', '"effect":"permit"')
}

function dropLast(records: string): string {
  return records.slice(0, records.lastIndexOf('\n', records.length - 2) + 1)
}
