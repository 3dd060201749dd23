/** What an operator does with revisions from the command line, beside a gateway that may be running. */
import { resolve } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'
import type { Settings } from '../../settings/settings.ts'
import { systemClock } from '../../domain/clock.ts'
import type { HistoryEntry } from './history-index.ts'
import { isPlainText, readBounded } from './files.ts'
import { pinPath, readPin, REASON_MAX, writePin, type Pin } from './pin.ts'
import { resolveRevision } from './revision.ts'
import { createRuleRevisions, type RuleRevisions } from './rule-revisions.ts'

/** The history as it is shown. */
export interface HistoryView {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[]
  /** Revisions that can be gone back to. */
  readonly kept: ReadonlySet<string>
  /** The last one that came into force. */
  readonly current: string | undefined
  readonly pin: Pin | undefined
}

/** The revisions of the gateway that `settings` configures. */
export function revisionsOf(settings: Settings, cwd: string, rulesDir?: string): RuleRevisions {
  const { rules } = settings
  return createRuleRevisions({
    rulesDir: resolve(cwd, rulesDir ?? rules.dir),
    historyDir: resolve(cwd, rules.historyDir),
    historyMax: rules.historyMax,
    trustedKeysFiles: rules.trustedKeysFiles,
    now: () => systemClock.now(),
  })
}

/** Reads history and pin. @throws ERR_RULES_UNREADABLE */
export async function readHistory(revisions: RuleRevisions): Promise<HistoryView> {
  const past = await readPast(revisions)
  return { ...past, pin: await currentPin(revisions) }
}

/** The history without the pin: a pin that cannot be read must not keep a new one from being set. */
export async function readPast(revisions: RuleRevisions): Promise<Omit<HistoryView, 'pin'>> {
  try {
    const [entries, kept] = await Promise.all([revisions.index.read(), revisions.store.list()])
    const newest = [...entries].reverse()
    return { entries: newest, kept: new Set(kept), current: newest[0]?.revision }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message =
      `${revisions.historyDir}: the history cannot be read: ${reason}\n` +
      '    Name the right folder in rules.history_dir, or move the damaged file away.'
    throw new GatewayError('ERR_RULES_UNREADABLE', message, { cause: error })
  }
}

async function currentPin(revisions: RuleRevisions): Promise<Pin | undefined> {
  const pin = await readPin(revisions.historyDir)
  if (pin.ok) return pin.value
  const [first] = pin.diagnostics
  const message = first === undefined ? '' : `${first.file}: ${first.message}\n    ${first.remedy}`
  throw new GatewayError('ERR_RULES_UNREADABLE', message)
}

/** The kept revision that `name` means. @throws ERR_USAGE with a remedy */
export async function findRevision(revisions: RuleRevisions, name: string): Promise<string> {
  const { entries, kept } = await readPast(revisions)
  const accepted = entries.map(({ revision }) => revision).reverse()
  const found = resolveRevision(name, { kept: [...kept], accepted })
  if ('revision' in found) return found.revision
  throw new GatewayError('ERR_USAGE', `${found.problem}. ${found.remedy}`)
}

/** A line for ledger and history. @throws ERR_USAGE */
export function checkedReason(reason: string): string {
  if (isPlainText(reason, REASON_MAX)) return reason
  throw new GatewayError('ERR_USAGE', `--reason takes one line of at most ${REASON_MAX} characters`)
}

/** Writes the pin; a running gateway takes it up by itself. @throws ERR_RULES_UNREADABLE */
export async function setPin(revisions: RuleRevisions, pin: Omit<Pin, 'at'>): Promise<void> {
  const at = new Date(systemClock.now()).toISOString()
  try {
    await writePin(revisions.historyDir, { ...pin, at })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `${pinPath(revisions.historyDir)}: cannot be written: ${reason}`
    throw new GatewayError('ERR_RULES_UNREADABLE', message, { cause: error })
  }
}

/** Text of a key file. @throws ERR_USAGE */
export async function keyText(path: string): Promise<string> {
  const text = await readBounded(path, 64 * 1024).catch(() => undefined)
  if (text !== undefined) return text
  throw new GatewayError('ERR_USAGE', `${path}: cannot be read`)
}
