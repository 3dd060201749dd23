import type { StepResult } from './walk.ts'
import type { World } from './world.ts'

/** The walk as one document: where things ran, and every step with what it expected and got. */
export function reportJson(
  world: Pick<World, 'folder' | 'urls'>,
  results: readonly StepResult[],
  ok: boolean,
): object {
  return { ok, folder: world.folder, urls: world.urls, steps: results.map(stepJson) }
}

function stepJson(result: StepResult): object {
  const { number, name, story, before, request, outcome, differences } = result
  const { method, path, curl } = request
  return {
    number,
    name,
    story,
    before,
    request: { method, path, curl: curl.join('\n') },
    ...(outcome.kind === 'request'
      ? { expected: outcome.expected, got: { ...outcome.got, spellings: outcome.spellings } }
      : {
          expected: Object.fromEntries(outcome.facts.map(({ name, expected }) => [name, expected])),
          got: Object.fromEntries(outcome.facts.map(({ name, got }) => [name, got])),
        }),
    ok: differences.length === 0,
    differences,
  }
}
