/** Bodies of requests, as commands take them. */
import type { Narrowing, Reasons } from '../../access/elevation.ts'
import type { TermsAsk } from '../../access/elevation/terms.ts'
import type { ApiBody } from '../../settings/schemas/api.ts'
import { given, same } from './documents/common.ts'

/** The terms that are asked for. */
export function termsOf(body: ApiBody<'request_edit'>): TermsAsk {
  const { actions, resources, starts_at, duration, digest, training } = body
  return {
    actions,
    resources,
    ...given('startsAt', starts_at, same),
    durationMs: duration,
    ...given('digest', digest, same),
    ...given('training', training, ({ datasets, base, destination }) => ({
      // Resources are written with their kind, and so may these be; bodies of trainings have the name alone.
      datasets: datasets.map(({ name, digest }) => ({
        name: name.replace(/^dataset:/, ''),
        digest,
      })),
      ...given('base', base, same),
      destination,
    })),
    ...amountsOf(body),
  }
}

/** The reasons that are given. */
export function reasonsOf(body: ApiBody<'request_edit'>): Reasons {
  const { justification, ticket, risk_assessment, criteria } = body
  return {
    justification,
    ...given('ticket', ticket, same),
    ...given('riskAssessment', risk_assessment, same),
    ...given('criteria', criteria, same),
  }
}

/** What an approver leaves of the terms. */
export function narrowingOf(body: NonNullable<ApiBody<'approval'>['narrowing']>): Narrowing {
  return { ...given('durationMs', body.duration, same), ...amountsOf(body) }
}

type Amounts = Pick<ApiBody<'request_edit'>, 'uses_max' | 'bytes_max' | 'networks' | 'devices'>

function amountsOf({ uses_max, bytes_max, networks, devices }: Amounts): Narrowing {
  return {
    ...given('usesMax', uses_max, same),
    ...given('bytesMax', bytes_max, same),
    ...given('networks', networks, same),
    ...given('devices', devices, same),
  }
}
