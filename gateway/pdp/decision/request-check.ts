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

/** What a resource may be of; a request is read with suspicion, whatever its type says. */
function isKind(kind: unknown): boolean {
  return kind === 'model' || kind === 'dataset' || kind === 'server'
}

function checkResource({ kind, name, version }: Resource): void {
  check(isKind(kind), 'the resource has no kind')
  check(isName(name), 'the resource has no name')
  check(version === undefined || isName(version), 'the version is malformed')
}

function isName(value: unknown): boolean {
  if (typeof value !== 'string' || value.length === 0 || value.length > NAME_CHARACTERS_MAX) {
    return false
  }
  // A line break inside a name would slip past a rule written for the rest of it.
  for (let i = 0; i < value.length; i++) if (isBreaking(value.charCodeAt(i))) return false
  return true
}

/** Categories Cc, Zl and Zp of Unicode. A loop, as a regex costs more than the decision's look-up. */
function isBreaking(code: number): boolean {
  if (code < 0x7f) return code < 0x20
  return code <= 0x9f || code === 0x2028 || code === 0x2029
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new GatewayError('ERR_DECISION_INDETERMINATE', message)
}
