/** The schema of records, as it is shipped. */
import { readFile } from 'node:fs/promises'
import { compileShape, type ShapeCheck } from '../../audit/verify/record-shape.ts'
import { GatewayError } from '../../domain/errors.ts'

const FILE = 'docs/reference/record.schema.json'
/** From the sources, and from what is compiled. */
const UP = ['../../../', '../../../../', '../../../../../']

/** The check of records against the schema. @throws ERR_INTERNAL when it is not installed */
export async function recordShape(): Promise<ShapeCheck> {
  for (const up of UP) {
    const text = await readFile(new URL(`${up}${FILE}`, import.meta.url), 'utf8').catch(() => '')
    if (text !== '') return compileShape(JSON.parse(text) as object)
  }
  throw new GatewayError('ERR_INTERNAL', `${FILE} is missing from this installation`)
}
