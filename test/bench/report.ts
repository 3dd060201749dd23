/** The findings of a run, as data, as text and as Markdown. */
import type { Machine } from './machine.ts'
import type { LatencySeries, Series } from './measure.ts'
import { median, spread } from './statistics.ts'

/** One peer at saturation. */
export interface ThroughputRow {
  readonly name: string
  readonly title: string
  readonly rps: number
  /** Half of the range over the median. */
  readonly rpsSpread: number
  /** Median over the rounds of the ratio to the yardstick in the same round. */
  readonly ratio: number
  readonly cpuUs: number | undefined
  readonly utilisation: number | undefined
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rounds: readonly number[]
}

/** One target at the fixed rate. */
export interface LatencyRow {
  readonly name: string
  readonly p50Ms: number
  readonly p99Ms: number
  /** Beyond the same request straight to the upstream. */
  readonly addedP50Ms: number
  readonly addedP99Ms: number
  readonly failures: number
}

/** Everything a run found. */
export interface Report {
  readonly machine: Machine
  readonly pinned: boolean
  readonly loadGenerator: 'wrk' | 'own'
  readonly rounds: number
  readonly roundSeconds: number
  readonly connections: number
  readonly rate: number
  readonly throughput: readonly ThroughputRow[]
  readonly latency: readonly LatencyRow[]
  readonly notes: readonly string[]
}

/** Puts a series into one row. */
export function throughputRow({ peer, samples }: Series): ThroughputRow {
  const of = <K extends keyof (typeof samples)[number]>(key: K) => samples.map((one) => one[key])
  const known = (values: readonly (number | undefined)[]): number | undefined => {
    const numbers = values.filter((value) => value !== undefined)
    return numbers.length === 0 ? undefined : median(numbers)
  }
  return {
    name: peer.name,
    title: peer.title,
    rps: median(of('rps')),
    rpsSpread: spread(of('rps')),
    ratio: median(of('ratio')),
    cpuUs: known(of('cpuUs')),
    utilisation: known(of('utilisation')),
    p50Ms: median(of('p50Ms')),
    p99Ms: median(of('p99Ms')),
    rounds: of('rps').map(Math.round),
  }
}

/** Puts latencies into rows; the first series is the one without a proxy. */
export function latencyRows(series: readonly LatencySeries[]): readonly LatencyRow[] {
  const [direct] = series
  const of = (one: LatencySeries | undefined, key: 'p50Ms' | 'p99Ms'): number =>
    median(one?.rounds.map((round) => round[key]) ?? [])
  return series.map((one) => ({
    name: one.name,
    p50Ms: of(one, 'p50Ms'),
    p99Ms: of(one, 'p99Ms'),
    addedP50Ms: of(one, 'p50Ms') - of(direct, 'p50Ms'),
    addedP99Ms: of(one, 'p99Ms') - of(direct, 'p99Ms'),
    failures: one.rounds.reduce((sum, { failures }) => sum + failures, 0),
  }))
}

/** The report for a terminal. */
export function textReport(report: Report): string {
  return `${machineLines(report).join('\n')}

At saturation (${report.connections} connections)
${table(throughputCells(report)).join('\n')}

At ${report.rate} requests/s
${table(latencyCells(report)).join('\n')}
${notesOf(report)}`
}

/** The report as a page of the documentation. */
export function markdownReport(report: Report): string {
  return `# Measurements

Written by \`npm run bench -- --write\`. Ratios are to the bare undici proxy in the same round of the
same run: absolute numbers belong to one machine, ratios travel better.

${machineLines(report)
  .map((line) => `- ${line}`)
  .join('\n')}

## At saturation

${markdownTable(throughputCells(report))}

## At ${report.rate} requests/s

${markdownTable(latencyCells(report))}

${METHOD}
${notesOf(report)}`
}

const METHOD = `## How

Upstream, every proxy and the load generator are processes of their own; the proxies run on one core,
load and upstream on another. After a warm-up the peers take turns, round by round. The request is a
POST of the Open Inference Protocol with 300 bytes of JSON and one of 64 callers' tokens; the answer
is 170 bytes of JSON. Modelgate verifies each token once and afterwards finds it by its SHA-256,
checking lifetime and key generation every time; it decides, writes a decision and an outcome record
to the ledger and counts, for every request. "CPU" is the scheduler's account of the proxy's process,
threads included. Where "core used" is well below 100 %, load and upstream were the limit, and the
rate shown is less than the proxy can do: compare CPU instead.`

function machineLines(report: Report): string[] {
  const { machine } = report
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.date}`,
    report.pinned
      ? 'pinned: proxies on one core, load and upstream on another (taskset)'
      : 'not pinned: taskset or a second core is missing',
    `load by ${report.loadGenerator === 'wrk' ? 'wrk' : 'our own generator'}; ` +
      `${report.rounds} interleaved rounds of ${report.roundSeconds} s`,
  ]
}

function throughputCells({ throughput }: Report): string[][] {
  const head = ['peer', 'requests/s', '±', 'ratio', 'CPU/request', 'core used', 'p50', 'p99']
  const rows = throughput.map((row) => [
    row.title,
    String(Math.round(row.rps)),
    percent(row.rpsSpread),
    row.ratio.toFixed(2),
    row.cpuUs === undefined ? 'unknown' : `${row.cpuUs.toFixed(1)} µs`,
    row.utilisation === undefined ? 'unknown' : percent(row.utilisation),
    ms(row.p50Ms),
    ms(row.p99Ms),
  ])
  return [head, ...rows]
}

function latencyCells({ latency }: Report): string[][] {
  const head = ['target', 'p50', 'p99', 'added p50', 'added p99', 'failed']
  const rows = latency.map((row) => [
    row.name,
    ms(row.p50Ms),
    ms(row.p99Ms),
    ms(row.addedP50Ms),
    ms(row.addedP99Ms),
    String(row.failures),
  ])
  return [head, ...rows]
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`
}

/** Cells filled up to the width of their column; the first column to the right, others to the left. */
function padded(rows: readonly (readonly string[])[]): string[][] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  )
}

/** A table for a terminal: one text per row. The first row is the head. */
export function table(rows: readonly (readonly string[])[]): string[] {
  return padded(rows).map((row) => row.join('  ').trimEnd())
}

/** As Prettier writes it, so that the page passes the check of formats. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = padded(rows)
  const rule = head.map(({ length }, i) =>
    i === 0 ? '-'.repeat(length) : `${'-'.repeat(length - 1)}:`,
  )
  return [head, rule, ...rest].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function notesOf({ notes }: Report): string {
  return notes.length === 0 ? '' : `\n${notes.map((note) => `${note}\n`).join('')}`
}
