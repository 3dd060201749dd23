/** The port of the control API over requests, grants, locks and reviews, over the parts that run. */
import { personOf } from '../access/person.ts'
import type { AccessReplica } from '../access/replica.ts'
import type { JournalStore } from '../domain/journal.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { ApiAsk, ApiControl } from '../pap/v1/api-control.ts'
import { areaName } from '../pap/v1/api-areas.ts'
import type { ApiCaller } from '../pap/v1/api-caller.ts'
import type { ApiParts } from '../pap/v1/api-parts.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import { filtersOf } from './call-filters.ts'
import type { ControlCallers } from './control-callers.ts'
import { elevationFor } from './elevation-deps.ts'
import { knownNames } from './load-rules.ts'
import { createLockNames } from './lock-names.ts'
import type { Reloader } from './reloader.ts'
import { createPrivilegeListing } from './reviews/listing.ts'
import type { RuleRevisions } from './revisions/rule-revisions.ts'

/** What the control API works on. */
export interface ControlApiDeps {
  readonly services: Pick<Services, 'clock' | 'log'>
  readonly replica: AccessReplica
  readonly journal: Pick<JournalStore, 'uses'>
  readonly reloader: Pick<Reloader, 'active' | 'settings'>
  readonly revisions: Pick<RuleRevisions, 'index' | 'store'>
  /** Accepted names of the control listener. */
  readonly hosts: readonly string[]
  readonly runtime: () => Pick<Runtime, 'challenge'>
  readonly callers: ControlCallers
}

/** Wires the port. */
export function createControlApi(deps: ControlApiDeps): ApiControl {
  const { services, replica, callers } = deps
  return {
    hosts: deps.hosts,
    clock: services.clock,
    replica,
    parts: partsOf(deps),
    authorize: (ask) => authorize(callers, ask),
    challenge: (refusal) => deps.runtime().challenge(refusal),
    note: ({ id, subject }, fields) => callers.note({ id, subject: subject.id }, fields),
    failed: (error, decisionId) =>
      services.log.error({ err: error, decisionId }, 'a call of the control API failed'),
  }
}

/** Filters are about callers: one that looks at resources is asked about this, which has no attributes. */
const ASKED = { action: 'read', resource: { kind: 'server', name: areaName('requests') } } as const

/** By the rules and settings in force when they are asked. */
function partsOf({ replica, journal, reloader, revisions }: ControlApiDeps): ApiParts {
  const lockNames = createLockNames(reloader)
  return {
    elevation({ subject, environment }) {
      const { rules } = reloader.active()
      return elevationFor(rules, filtersOf(rules.policy, { ...ASKED, subject, environment }))
    },
    get secondPersonToLift() {
      return reloader.settings().locks.secondPersonToLift
    },
    get names() {
      return lockNames()
    },
    privileges: createPrivilegeListing({
      rules() {
        const { rules, set } = reloader.active()
        const known = knownNames(reloader.settings())
        return { policy: rules.policy, files: set.files, known }
      },
      history: revisions,
      journal,
    }),
    run: (command) => replica.run(command),
  }
}

async function authorize(callers: ControlCallers, ask: ApiAsk): Promise<ApiCaller | Refusal> {
  const caller = await callers.authorize({ ...ask, server: areaName(ask.area) })
  if (isRefusal(caller)) return caller
  const { id, subject, environment, may } = caller
  return {
    id,
    subject,
    environment,
    person: personOf(subject),
    may: (action, area) => may(action, areaName(area)),
  }
}
