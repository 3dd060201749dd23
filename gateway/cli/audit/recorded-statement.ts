/** The provenance of a version as the ledger has it: without the gateway, and without its store. */
import { createHash } from 'node:crypto'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import type { OptionValues } from '../verb.ts'
import { openTrail, type Trail } from './trail.ts'

/**
 * The statement of the training that `version` (`model:<name>@<version>`) came of, when it was last
 * registered. Its digest is checked; the chain of the ledger is not.
 * @throws ERR_INTERNAL that says what the ledger does not hold
 */
export async function recordedStatement(
  version: string,
  options: OptionValues,
  io: CliIo,
): Promise<string> {
  const trail = await openTrail(options, io)
  const run = await newest(trail, { type: ['registration'], resource: [version] })
  if (run === undefined) throw missing(`no registration of ${version} is recorded`)
  const id = run['run']
  if (typeof id !== 'string') {
    throw missing('of several trainings it is not known which one it came of')
  }
  const record = await newest(trail, { type: ['provenance'], id: [id] })
  const statement = record?.['statement']
  if (typeof statement !== 'string') throw missing(`no statement of ${id} is recorded`)
  const digest = `sha256:${createHash('sha256').update(statement).digest('hex')}`
  if (record?.['digest'] === digest) return statement
  throw missing(`the statement of ${id} is not what its digest is of`)
}

async function newest(
  trail: Trail,
  filter: Parameters<Trail['newest']>[0],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [found] = await trail.newest(filter, 1)
  return found?.record
}

function missing(what: string): GatewayError {
  return new GatewayError('ERR_INTERNAL', `the ledger does not tell: ${what}`)
}
