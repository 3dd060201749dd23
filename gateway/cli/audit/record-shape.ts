/** The schema of records, as it is shipped. */
import { readFile } from 'node:fs/promises'
import { compileShape, type ShapeCheck } from '../../audit/verify/record-shape.ts'
import { GatewayError } from '../../domain/errors.ts'
import { shipped } from '../shipped.ts'

const FILE = 'docs/reference/record.schema.json'

/** The check of records against the schema. @throws ERR_INTERNAL when it is not installed */
export async function recordShape(): Promise<ShapeCheck> {
  const url = await shipped(FILE)
  if (url === undefined) {
    throw new GatewayError('ERR_INTERNAL', `${FILE} is missing from this installation`)
  }
  return compileShape(JSON.parse(await readFile(url, 'utf8')) as object)
}
