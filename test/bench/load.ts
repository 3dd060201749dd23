/** Runs one load job in a process of its own, with wrk where that is installed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Children } from './children.ts'

/** What the load generator is told. */
export interface LoadJob {
  readonly port: number
  /** Whole requests, sent in turn. */
  readonly requests: readonly string[]
  readonly connections: number
  readonly seconds: number
  /** Requests per second; as fast as they are answered when absent. */
  readonly rate?: number
}

/** What came of it. */
export interface LoadResult {
  /** Answers with status 200. */
  readonly responses: number
  /** Any other answer, or none. */
  readonly failures: number
  readonly seconds: number
  readonly rps: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Runs jobs on the core of the load. */
export type RunLoadJob = (job: LoadJob) => Promise<LoadResult>

/** What {@link createLoadRunner} needs. */
export interface LoadRunnerOptions {
  readonly children: Children
  readonly core: number | undefined
  /** A folder for job files. */
  readonly folder: string
  /** The compiled `programs/load.ts`. */
  readonly program: string
  /** For saturation; the fixed rate needs our own. */
  readonly wrk: string | undefined
}

/** A runner; jobs are run one at a time by whoever calls. */
export function createLoadRunner(options: LoadRunnerOptions): RunLoadJob {
  const { children, core, folder, program, wrk } = options
  return async (job) => {
    if (wrk !== undefined && job.rate === undefined) return runWrk(options, wrk, job)
    const file = join(folder, 'job.json')
    writeFileSync(file, JSON.stringify(job))
    const out = await children.run({
      name: 'load',
      command: process.execPath,
      args: [program, file],
      core,
    })
    return JSON.parse(out) as LoadResult
  }
}

async function runWrk(
  { children, core, folder }: LoadRunnerOptions,
  wrk: string,
  job: LoadJob,
): Promise<LoadResult> {
  const script = join(folder, 'job.lua')
  writeFileSync(script, wrkScript(job.requests))
  const url = `http://127.0.0.1:${job.port}/`
  const bounds = ['-t1', `-c${job.connections}`, `-d${job.seconds}s`, '--timeout', '5s']
  const args = [...bounds, '-s', script, url]
  const out = await children.run({ name: 'wrk', command: wrk, args, core })
  const last = out.trim().split('\n').at(-1) ?? ''
  const [requests = 0, micros = 1, failures = 0, p50 = 0, p99 = 0] = last.split(' ').map(Number)
  const [responses, seconds] = [requests - failures, micros / 1e6]
  return {
    responses,
    failures,
    seconds,
    rps: responses / seconds,
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
  }
}

function wrkScript(requests: readonly string[]): string {
  const literals = requests.map((request) => `  ${luaString(request)},`)
  return `local requests = {
${literals.join('\n')}
}
local at = 0
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("%d %d %d %d %d\\n", summary.requests, summary.duration, failures,
    latency:percentile(50), latency:percentile(99)))
end
`
}

function luaString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
  return `"${escaped}"`
}
