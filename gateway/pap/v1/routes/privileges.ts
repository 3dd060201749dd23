/** Who has what: by rule, by grant, and by requests that nobody has decided yet. */
import { digestOf } from '../../../access/canonical.ts'
import type { HeldPrivilege } from '../../../access/reviews/listing.ts'
import { isoOf } from '../../../access/reviews/documents.ts'
import { GatewayError } from '../../../domain/errors.ts'
import { problem } from '../../problem.ts'
import {
  answered,
  readRoute,
  type ApiResult,
  type ApiRoute,
  type ReadContext,
} from '../api-route.ts'

const UNREAD = { remedy: 'Ask again.', retryAfter: 5 }

/** `/v1/privileges`. */
export const PRIVILEGE_ROUTES: readonly ApiRoute[] = [
  readRoute({
    path: '/v1/privileges',
    operationId: 'privileges.list',
    summary: 'Who has what: by rule, by grant, and who has asked for it',
    area: 'privileges',
    action: 'read',
    query: 'privileges',
    answer: 'privileges',
    async run(context) {
      try {
        return await whoHas(context)
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'ERR_STORE_UNAVAILABLE') throw error
        return { problem: problem('store_unavailable', UNREAD) }
      }
    },
  }),
]

async function whoHas({
  state,
  now,
  query,
  parts,
  page,
}: ReadContext<'privileges'>): Promise<ApiResult> {
  const { resource, action, holder } = query
  const found = await parts.privileges.whoHas(state, now, {
    ...(resource === undefined ? {} : { resource }),
    ...(action === undefined ? {} : { action }),
    ...(holder === undefined ? {} : { holder }),
  })
  const paged = page(found.privileges, idOf)
  if ('reason' in paged) return { problem: paged }
  return answered('privileges', {
    revision: found.revision,
    more: found.more,
    items: paged.entries.map(documentOf),
    ...(paged.next === undefined ? {} : { next: paged.next }),
  })
}

/** Letters of a privilege by which a list is in order. */
const ORDERED_BY = 40

/** Rules may be longer than a cursor: what follows their beginning only tells entries apart. */
function idOf({ by, privilege, holder }: HeldPrivilege): string {
  const beginning = Array.from(privilege).slice(0, ORDERED_BY).join('')
  return [by, beginning, digestOf([privilege, holder])].join('\0')
}

function documentOf(held: HeldPrivilege) {
  const { by, holder, privilege, source, actions, resources, ghost } = held
  const { givenBy, givenAt, lastUsedAt, expiresAt, revokedIn } = held
  return {
    by,
    holder,
    privilege,
    source,
    actions,
    resources,
    given_by: givenBy,
    ...(givenAt === undefined ? {} : { given_at: isoOf(givenAt) }),
    ...(lastUsedAt === undefined ? {} : { last_used_at: isoOf(lastUsedAt) }),
    ghost,
    ...(revokedIn === undefined ? {} : { revoked_in: revokedIn }),
    ...(expiresAt === undefined ? {} : { expires_at: isoOf(expiresAt) }),
  }
}
