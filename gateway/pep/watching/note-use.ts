/** Remembers which privileges were made use of, for those who review them. */
import { grantPrivilege } from '../../access/reviews/privileges.ts'
import type { Decision } from '../../domain/access.ts'
import type { Subject } from '../../domain/subject.ts'
import { established, type Exchange } from '../exchange.ts'
import type { PolicySnapshot, Services } from '../runtime.ts'

/** A use is as good as any other within this time: reviews ask for days. */
const NOTE_MS = 60_000

/** Privileges of one subject that are known to have been told of. */
const NOTED_MAX = 256

/** When it was last told of, by privilege. */
const noted = new WeakMap<Subject, Map<string, number>>()

/**
 * Tells of the rules and the grant that a permitted request is made by, from memory: each privilege
 * of a token once a minute, all else is one look-up. Never throws; a use that is not told of keeps
 * nobody from anything.
 */
export function noteUse(
  exchange: Exchange,
  services: Pick<Services, 'access' | 'clock' | 'log'>,
): void {
  try {
    const subject = established(exchange.subject, 'subject')
    const { usersOf } = established(exchange.policy, 'policy')
    for (const { decision } of exchange.decisions ?? []) {
      noteRuleUse(decision, { subject, usersOf }, services)
    }
    if (exchange.grant === undefined) return
    const privilege = grantPrivilege(exchange.grant.id)
    if (isDue(subject, privilege, services)) services.access.used(privilege, subject.id)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'a use was not noted')
  }
}

/** Tells of the rule that permitted something, as {@link noteUse} does. */
export function noteRuleUse(
  { rule }: Decision,
  by: { readonly subject: Subject; readonly usersOf: PolicySnapshot['usersOf'] | undefined },
  services: Pick<Services, 'access' | 'clock'>,
): void {
  const { subject, usersOf } = by
  const text = rule?.text
  if (text === undefined || usersOf === undefined || !isDue(subject, text, services)) return
  for (const name of usersOf(subject, text)) services.access.used(text, name)
}

function isDue(subject: Subject, privilege: string, { clock }: Pick<Services, 'clock'>): boolean {
  const nowMs = clock.monotonicMs()
  const of = noted.get(subject) ?? new Map<string, number>()
  if (nowMs - (of.get(privilege) ?? -Infinity) < NOTE_MS) return false
  if (of.size >= NOTED_MAX) of.clear()
  of.set(privilege, nowMs)
  noted.set(subject, of)
  return true
}
