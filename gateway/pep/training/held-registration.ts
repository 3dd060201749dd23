/** A registration that puts to use what it names: it waits until that was released. */
import { isDeclined } from '../../access/command.ts'
import { holdVersion } from '../../access/versions/held.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts } from '../../domain/training.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { persistently, record, registrationOf } from './write-version.ts'

/**
 * What a version is called that the request does not name, such as whatever a server finds in its
 * store when it loads a model. It is not made yet, so no other version is restricted with it.
 */
export const UNNAMED = 'unnamed'

/**
 * Nothing where what would be made comes of no training, or was released since the newest one that it
 * may come of; else it is put on record, restricted, and refused (`version_restricted`). Refuses with
 * `state_unavailable` when the journal cannot be asked.
 */
export async function holdBack(
  exchange: Exchange,
  services: Services,
  facts: RegistrationFacts,
): Promise<Refusal | undefined> {
  const named = facts.isUntold ? { ...facts, versions: [UNNAMED], isUntold: false } : facts
  const registration = registrationOf(exchange, named, services.clock.now())
  const asked = await persistently(exchange, services, holdVersion(registration))
  if (asked === undefined) return refuse('state_unavailable', { retryAfter: 5 })
  if (isDeclined(asked)) return refuse('state_unavailable', { detail: asked.detail })
  const held = asked.done
  if (held === undefined) return undefined
  if (held.isNew) await record(exchange, services, registration, held.version)
  const detail = `It puts ${held.version.model} to use, which came of a retraining and was not released.`
  return refuse('version_restricted', { detail })
}
