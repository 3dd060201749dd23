import type { GeneratedFile } from '../../settings/reference.ts'
import { openApiText } from './openapi.ts'
import { DESCRIBED_ROUTES } from './routes.ts'

/** The description of the control API as a file of the documentation. */
export function openApiFile(): GeneratedFile {
  return { path: 'docs/reference/openapi.json', text: openApiText(DESCRIBED_ROUTES) }
}
