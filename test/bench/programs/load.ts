/**
 * The load generator as a process. `node load.js <file>` reads a {@link LoadJob}, runs it and
 * prints a {@link LoadResult} as one line of JSON.
 */
import { readFileSync } from 'node:fs'
import { runLoad } from '../../support/load.ts'
import { runPaced } from '../paced-load.ts'
import type { LoadJob, LoadResult } from '../load.ts'

const job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LoadJob
const requests = job.requests.map((text) => Buffer.from(text))
const { port, connections, seconds, rate } = job

const result = rate === undefined ? await saturate() : await paced(rate)
process.stdout.write(`${JSON.stringify(result)}\n`)

async function saturate(): Promise<LoadResult> {
  const report = await runLoad({ port, requests, connections, seconds })
  const good = report.statuses['200'] ?? 0
  const failures = report.responses - good + report.errors
  const { rps, latencyMs } = report
  return { responses: good, failures, seconds: report.seconds, rps, ...pick(latencyMs) }
}

async function paced(requestsPerSecond: number): Promise<LoadResult> {
  return runPaced({ port, requests, connections, seconds, rate: requestsPerSecond })
}

function pick({ p50, p99 }: { readonly p50: number; readonly p99: number }) {
  return { p50Ms: p50, p99Ms: p99 }
}
