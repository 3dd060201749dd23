/** Asks a running server for the routes it has, at every place where servers of models say so. */
import type { DocumentAnswer, DocumentReader } from '../../forward/document-reader.ts'
import { metadataAnswer, openapiAnswer } from '../../settings/route-lists.ts'
import { metadataRoutes } from './metadata-routes.ts'
import { fromOperations, type ServedRoute } from './served-routes.ts'

/** What one place answered. */
export interface SourceAnswer {
  readonly source: string
  readonly routes: readonly ServedRoute[]
  /** In a few words why it lists nothing; absent when it does. */
  readonly failure?: string
  /** What may be there besides and is not listed. */
  readonly note?: string
}

const METADATA = '/v2'

/** Every place that is asked. All that answer are taken together. */
const PLACES = [
  '/openapi.json',
  '/v3/openapi.json',
  '/docs.json',
  '/api-doc/openapi.json',
  '/swagger.json',
  '/v2/docs/dataplane.json',
  '/v2/docs/model-repository.json',
  METADATA,
] as const

/** Where a pack's server most likely says it: asked first, shown first. */
const FIRST: ReadonlyMap<string, string> = new Map([
  ['bentoml', '/docs.json'],
  ['tgi', '/api-doc/openapi.json'],
  ['tei', '/api-doc/openapi.json'],
  ['triton', METADATA],
])

/** Asks one place after the other: the server is somebody's, and it is not in a hurry. */
export async function askServer(
  reader: DocumentReader,
  { pack, basePath }: { readonly pack: string; readonly basePath: string },
): Promise<readonly SourceAnswer[]> {
  const first = FIRST.get(pack)
  const places = [...PLACES].sort((a, b) => Number(b === first) - Number(a === first))
  const answers: SourceAnswer[] = []
  for (const place of places) {
    const answer = await reader.read(`${basePath}${place}`)
    answers.push(understood(place, answer))
    // Nobody is there: seven more attempts would say the same.
    if (answer.status === undefined && answers.length === 1) break
  }
  return answers
}

function understood(source: string, answer: DocumentAnswer): SourceAnswer {
  if (answer.status === undefined) return { source, routes: [], failure: answer.failure }
  if (answer.status !== 200) return { source, routes: [], failure: failureOf(answer.status) }
  if (source === METADATA) return fromMetadata(source, answer.text)
  const listed = openapiAnswer(answer.text)
  if (listed === undefined) return { source, routes: [], failure: 'not an OpenAPI document' }
  // Where such a document names a server, it is the address that the outside sees.
  return { source, routes: fromOperations(listed.operations, source) }
}

function fromMetadata(source: string, text: string): SourceAnswer {
  const metadata = metadataAnswer(text)
  if (metadata === undefined) return { source, routes: [], failure: 'no server metadata' }
  const { routes, unknown } = metadataRoutes(metadata, source)
  if (unknown.length === 0) return { source, routes }
  const names = unknown.slice(0, 16).join(', ')
  return { source, routes, note: `extensions whose routes are not known: ${names}` }
}

function failureOf(status: number): string {
  if (status === 401 || status === 403) return `${status}: it wants another credential`
  if (status >= 300 && status < 400) return `${status}: redirects are not followed`
  return String(status)
}
