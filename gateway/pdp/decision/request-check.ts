import type { AccessRequest } from '../../domain/access.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { Subject } from '../../domain/subject.ts'
import { isAction, type Resource } from '../../domain/vocabulary.ts'

const NAME_CHARACTERS_MAX = 512

/**
 * Stands before every decision, so that nothing empty, unprefixed or of the wrong type reaches a
 * comparison: to Casbin `'' == ''` is an allow. @throws ERR_DECISION_INDETERMINATE
 */
export function assertDecidable(request: AccessRequest): void {
  check(isAction(request.action), 'the action is not one of the eight')
  checkResource(request.resource)
  check(Number.isFinite(request.environment.now), 'the environment has no time')
  check(typeof request.environment.client.ip === 'string', 'the environment has no client')
}

/** Checked once per subject, before its roles are looked up. @throws ERR_DECISION_INDETERMINATE */
export function assertSubject(subject: Subject): void {
  check(isPrefixed(subject.id, 'user:'), 'the subject has no id with its prefix')
  check(
    subject.groups.every((group) => isPrefixed(group, 'group:')),
    'a group has no prefix',
  )
  check(
    subject.roles.every((role) => isPrefixed(role, 'role:')),
    'a role has no prefix',
  )
}

function isPrefixed(value: unknown, prefix: string): boolean {
  return typeof value === 'string' && value.startsWith(prefix) && value.length > prefix.length
}

const KINDS: readonly unknown[] = ['model', 'dataset', 'server']

function checkResource({ kind, name, version }: Resource): void {
  check(KINDS.includes(kind), 'the resource has no kind')
  check(isName(name), 'the resource has no name')
  check(version === undefined || isName(version), 'the version is malformed')
}

function isName(value: unknown): boolean {
  if (typeof value !== 'string' || value.length === 0 || value.length > NAME_CHARACTERS_MAX) {
    return false
  }
  // A line break inside a name would slip past a rule written for the rest of it.
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new GatewayError('ERR_DECISION_INDETERMINATE', message)
}
