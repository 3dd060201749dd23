/** `/v1/versions`, `/v1/runs`: what came of retrainings, how it came about, and its release. */
import { digestOf } from '../../../access/canonical.ts'
import { decline, isDeclined } from '../../../access/command.ts'
import type { AccessState } from '../../../access/state.ts'
import type { RegisteredVersion } from '../../../access/version.ts'
import { releaseVersion } from '../../../access/versions/release.ts'
import { answered, changeRoute, readRoute } from '../api-route.ts'
import type { ApiResult, ApiRoute, ReadContext } from '../api-route.ts'
import { byId, callingPerson, notFound, pageDocument } from '../commanded.ts'
import { instant } from '../documents/common.ts'
import { runDocument, versionDocument, versionStatusOf } from '../documents/versions.ts'

const READ = { area: 'versions', action: 'read' } as const

/** Media type of a statement: https://github.com/in-toto/attestation/tree/main/spec/v1. */
const IN_TOTO = 'application/vnd.in-toto+json'

/** The routes. `{id}` is `model:<name>@<version>`, percent-encoded. */
export const VERSION_ROUTES: readonly ApiRoute[] = [
  readRoute({
    ...READ,
    path: '/v1/versions',
    operationId: 'versions.list',
    summary: 'Versions that came of retrainings, the newest first',
    query: 'versions',
    answer: 'versions',
    run: ({ query, state, page }) => {
      const { model, status } = query
      const found = [...state.versions.values()].filter(
        (one) =>
          (model === undefined || one.model.startsWith(`${model}@`)) &&
          (status === undefined || versionStatusOf(one) === status),
      )
      // Names may be longer than a cursor: what follows the time only tells entries apart.
      const paged = page(found, (one) => `${instant(one.at)} ${digestOf(one.model)}`)
      if ('reason' in paged) return { problem: paged }
      return answered('versions', pageDocument(paged, versionDocument))
    },
  }),
  readRoute({
    ...READ,
    path: '/v1/versions/{id}',
    operationId: 'versions.show',
    summary: 'A version, and whether it may be used',
    query: 'none',
    answer: 'version',
    run: (context) =>
      onVersion(context, (version) => answered('version', versionDocument(version))),
  }),
  readRoute({
    ...READ,
    path: '/v1/versions/{id}/provenance',
    operationId: 'versions.provenance',
    summary: 'The in-toto statement of the training that a version came of, byte for byte',
    query: 'none',
    answer: { text: IN_TOTO },
    run: (context) => onVersion(context, (version) => provenanceOf(context.state, version)),
  }),
  changeRoute({
    area: 'versions',
    action: 'admin',
    method: 'POST',
    path: '/v1/versions/{id}/release',
    operationId: 'versions.release',
    summary: 'Let a version be used: by somebody else than who trained or registered it',
    body: 'reason',
    answer: 'version',
    run: async ({ caller, params, body, change }) => {
      const by = callingPerson(caller)
      if (isDeclined(by)) return by
      const command = releaseVersion({ model: params['id'] ?? '', by, reason: body.reason })
      return change(
        byId(command, ({ model }) => model),
        { document: versionIn },
      )
    },
  }),
  readRoute({
    ...READ,
    path: '/v1/runs',
    operationId: 'runs.list',
    summary: 'Trainings that were let through, and what was registered of each',
    query: 'runs',
    answer: 'runs',
    run: ({ query, state, page }) => {
      const { model } = query
      const found = [...state.runs.values()].filter(
        ({ destination }) => model === undefined || destination === model,
      )
      const paged = page(found, ({ at, id }) => `${instant(at)} ${id}`)
      if ('reason' in paged) return { problem: paged }
      const versions = versionsByRun(state)
      return answered(
        'runs',
        pageDocument(paged, (one) => runDocument(one, versions.get(one.id) ?? [])),
      )
    },
  }),
]

function onVersion(
  { state, params }: Pick<ReadContext, 'state' | 'params'>,
  answer: (version: RegisteredVersion) => ApiResult,
): ApiResult {
  const version = state.versions.get(params['id'] ?? '')
  return version === undefined ? notFound('version') : answer(version)
}

/** As it was written when the training was let through: its digest is that of this text. */
function provenanceOf({ runs }: AccessState, { run }: RegisteredVersion): ApiResult {
  const found = run === undefined ? undefined : runs.get(run)
  if (found !== undefined) return { text: found.statement, type: IN_TOTO }
  const detail = 'Of which training it came is not known; GET /v1/runs lists those that it may be.'
  return decline('not_found', detail)
}

function versionIn({ versions }: AccessState, id: string): object | undefined {
  const version = versions.get(id)
  return version === undefined ? undefined : versionDocument(version)
}

function versionsByRun({ versions }: AccessState): ReadonlyMap<string, readonly string[]> {
  const byRun = new Map<string, string[]>()
  for (const { run, model } of versions.values()) {
    if (run === undefined) continue
    const made = byRun.get(run) ?? []
    made.push(model)
    byRun.set(run, made)
  }
  return byRun
}
