/** Versions that came of retrainings, and the trainings, as the API shows them. */
import type { RegisteredVersion, TrainingRun } from '../../../access/version.ts'
import type { ApiAnswer } from '../../../settings/schemas/api.ts'
import { endedDocument, given, instant, same } from './common.ts'

/** Whether it may be used. */
export function versionStatusOf({ released }: RegisteredVersion): 'restricted' | 'released' {
  return released === undefined ? 'restricted' : 'released'
}

/** A version. */
export function versionDocument(version: RegisteredVersion): ApiAnswer<'version'> {
  const { model, at, by, run, released } = version
  return {
    id: model,
    status: versionStatusOf(version),
    registered_at: instant(at),
    registered_by: by,
    ...given('run', run, same),
    ...given('released', released, endedDocument),
  }
}

/** A training, and what was registered of it. */
export function runDocument(
  run: TrainingRun,
  versions: readonly string[],
): ApiAnswer<'runs'>['items'][number] {
  const { id, at, by, grant, destination, upstream, upstreamRun, statementDigest } = run
  return {
    id,
    at: instant(at),
    by,
    ...given('grant', grant, same),
    ...given('destination', destination, same),
    upstream,
    ...given('upstream_run', upstreamRun, same),
    statement_digest: statementDigest,
    versions,
  }
}
