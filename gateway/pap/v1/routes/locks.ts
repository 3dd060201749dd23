/** `/v1/locks`, `/v1/tokens`, `/v1/drills`: taking access away at once, and proving that it works. */
import type { Command } from '../../../access/command.ts'
import { newId } from '../../../access/ids.ts'
import type { Lock, LockTarget } from '../../../access/lock.ts'
import { beginDrill } from '../../../access/locks/drills.ts'
import { liftLock } from '../../../access/locks/lift-lock.ts'
import { setLock } from '../../../access/locks/set-lock.ts'
import { lockStatusOf } from '../../../access/standing.ts'
import type { AccessState } from '../../../access/state.ts'
import type { Subject } from '../../../domain/subject.ts'
import type { ApiBody, ApiBodyName } from '../../../settings/schemas/api.ts'
import { answered, changeRoute, readRoute } from '../api-route.ts'
import type { ApiResult, ApiRoute, Change, ChangeContext } from '../api-route.ts'
import type { ApiParts } from '../api-parts.ts'
import { byId, notFound, pageDocument } from '../commanded.ts'
import { drillDocument, lockDocument } from '../documents/locks.ts'

const LOCKS = { area: 'locks', action: 'admin' } as const
const DRILLS = { area: 'drills', action: 'admin' } as const

/** The routes. Whoever is locked learns neither that nor why from here: all of it needs `admin`. */
export const LOCK_ROUTES: readonly ApiRoute[] = [
  readRoute({
    ...LOCKS,
    path: '/v1/locks',
    operationId: 'locks.list',
    summary: 'Locks, those that are over included',
    query: 'locks',
    answer: 'locks',
    run: ({ query, state, now, page, parts }) => {
      const { status, kind, target } = query
      const found = [...state.locks.values()].filter(
        (one) =>
          (status === undefined || lockStatusOf(one, now) === status) &&
          (kind === undefined || one.target.kind === kind) &&
          (target === undefined || namesOf(one.target).includes(target)),
      )
      const paged = page(found, ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      return answered(
        'locks',
        pageDocument(paged, (one) => lockDocument(one, now, parts.names)),
      )
    },
  }),
  readRoute({
    ...LOCKS,
    path: '/v1/locks/{id}',
    operationId: 'locks.show',
    summary: 'A lock',
    query: 'none',
    answer: 'lock',
    run: ({ params, state, now, parts }) => {
      const lock = state.locks.get(params['id'] ?? '')
      if (lock === undefined) return notFound('lock')
      return answered('lock', lockDocument(lock, now, parts.names))
    },
  }),
  changeRoute({
    ...LOCKS,
    method: 'POST',
    path: '/v1/locks',
    operationId: 'locks.set',
    summary: 'Lock something on every replica; what is running is cut',
    body: 'lock',
    answer: 'lock',
    status: 201,
    run: (context) => {
      const { target, actions, ttl, reason } = context.body
      return set(context, { target, reason, ttl, actions })
    },
  }),
  changeRoute({
    ...LOCKS,
    method: 'POST',
    path: '/v1/locks/{id}/lift',
    operationId: 'locks.lift',
    summary: 'Lift a lock; where two people must agree, the first call asks and the second lifts',
    body: 'reason',
    answer: 'lock',
    run: ({ caller, params, body, parts, change }) => {
      const { person, subject } = caller
      const deps = parts.elevation(caller)
      const command = liftLock({
        id: params['id'] ?? '',
        by: subject.id,
        ...(person === undefined ? {} : { person: person.person }),
        holds: namesIn(subject),
        holdingsOf: (one) => deps.holdingsOf(one),
        reason: body.reason,
        secondPerson: parts.secondPersonToLift,
      })
      return change(
        byId(command, ({ id }) => id),
        { document: lockIn(parts) },
      )
    },
  }),
  changeRoute({
    area: 'tokens',
    action: 'admin',
    method: 'POST',
    path: '/v1/tokens/revoke',
    operationId: 'tokens.revoke',
    summary: 'Revoke a token, a login, or what was issued to somebody before a time',
    body: 'revocation',
    answer: 'lock',
    status: 201,
    run: (context) => {
      const { body, now } = context
      const { reason, ttl } = body
      return set(context, { target: revoked(body, now), reason, ttl, actions: undefined })
    },
  }),
  readRoute({
    ...DRILLS,
    path: '/v1/drills',
    operationId: 'drills.list',
    summary: 'Trials of the switch',
    query: 'page',
    answer: 'drills',
    run: ({ state, now, page }) => {
      const paged = page(state.drills.values(), ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      return answered(
        'drills',
        pageDocument(paged, (one) => drillDocument(one, now)),
      )
    },
  }),
  readRoute({
    ...DRILLS,
    path: '/v1/drills/{id}',
    operationId: 'drills.show',
    summary: 'A trial, with what each replica found so far',
    query: 'none',
    answer: 'drill',
    run: ({ params, state, now }) => {
      const drill = state.drills.get(params['id'] ?? '')
      return drill === undefined ? notFound('drill') : answered('drill', drillDocument(drill, now))
    },
  }),
  changeRoute({
    ...DRILLS,
    method: 'POST',
    path: '/v1/drills',
    operationId: 'drills.begin',
    summary: 'Prove on every replica that a lock would take hold, without locking anybody',
    body: 'nothing',
    answer: 'drill',
    status: 202,
    run: ({ caller, now, replica, change }) => {
      const id = newId('drill', now)
      const command = beginDrill({ id, by: caller.subject.id, expected: replica.replicas })
      return change(
        byId(command, (drill) => drill.id),
        { document: drillIn, status: 202, location: (of) => `/v1/drills/${of}` },
      )
    },
  }),
]

interface Wanted {
  readonly target: LockTarget
  readonly reason: string
  readonly ttl: number | undefined
  readonly actions: ApiBody<'lock'>['actions']
}

function set<B extends ApiBodyName>(
  { caller, now, parts, change }: ChangeContext<B>,
  { target, reason, ttl, actions }: Wanted,
): Promise<ApiResult> {
  const { person, subject } = caller
  const command: Command<Lock> = setLock({
    id: newId('lock', now),
    target,
    reason,
    cause: { kind: 'operator' },
    by: subject.id,
    ...(person === undefined ? {} : { person: person.person }),
    ...(ttl === undefined ? {} : { ttlMs: ttl }),
    ...(actions === undefined ? {} : { actions }),
  })
  return change(
    byId(command, (lock) => lock.id),
    { document: lockIn(parts), status: 201, location: (id) => `/v1/locks/${id}` },
  )
}

/** The schema has checked that exactly one of the three is named. */
function revoked(body: ApiBody<'revocation'>, now: number): LockTarget {
  const { issuer = '', jti, session, subject = '', before = now } = body
  if (jti !== undefined) return { kind: 'token', issuer, id: jti }
  if (session !== undefined) return { kind: 'session', issuer, id: session }
  return { kind: 'issued-before', subject, before }
}

function namesOf(target: LockTarget): readonly string[] {
  if (target.kind === 'all') return []
  if (target.kind === 'network') return [target.cidr]
  return [target.kind === 'issued-before' ? target.subject : target.id]
}

function lockIn({ names }: ApiParts): Change['document'] {
  return (state, id, now) => {
    const lock = state.locks.get(id)
    return lock === undefined ? undefined : lockDocument(lock, now, names)
  }
}

function drillIn(state: AccessState, id: string, now: number): object | undefined {
  const drill = state.drills.get(id)
  return drill === undefined ? undefined : drillDocument(drill, now)
}

/** What a lock could be on, of a token, beside the account and the person. */
function namesIn({ groups, roles, issuerName, tokenId, sessionId }: Subject): readonly string[] {
  return [
    ...groups,
    ...roles,
    ...[tokenId, sessionId].flatMap((id) => (id === undefined ? [] : [`${issuerName} ${id}`])),
  ]
}
