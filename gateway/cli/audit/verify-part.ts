/** Parts of a verification in processes of their own. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { RunPart } from '../../audit/verify/parts.ts'
import type { WalkJob, WalkOutcome } from '../../audit/verify/walk-job.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'

/** Runs each part as `modelgate audit verify --part`. */
export function runInChild({ command, args }: NonNullable<CliIo['self']>): RunPart {
  return async (job, _onBytes, signal) => {
    const child = spawn(command, [...args, 'audit', 'verify', '--part'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      signal,
    })
    // Whether it could be started, and be written to, shows in how it ends.
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(job))
    const [output, code] = await Promise.all([text(child.stdout), ended])
    if (code === 0) return JSON.parse(output) as WalkOutcome
    throw new GatewayError('ERR_INTERNAL', `a part of the verification ended with ${code}`)
  }
}

/** The part to verify, from standard input. @throws ERR_USAGE */
export async function readPart({ stdin }: CliIo): Promise<WalkJob> {
  const parts: Uint8Array[] = []
  for await (const part of stdin ?? []) parts.push(part)
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as WalkJob
  } catch (error) {
    throw new GatewayError('ERR_USAGE', '--part reads a part on standard input', { cause: error })
  }
}
