/**
 * Counters, gauges and histograms whose hot path is one map look-up per label and one addition.
 * The library hashes the labels of a child again on each update (about 0.45 µs, ten times per
 * request); here the child is the cell itself, and the library only reads cells when scraped.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { UNKNOWN } from './labels.ts'
import type { MetricEntry } from './names.ts'

/** A counter or gauge under one set of label values. */
export interface Cell {
  value: number
}

/** A histogram under one set of label values. */
export interface HistogramCell {
  /** Counts one observation, in the unit of the metric. Bounded: at most one step per bucket. */
  observe(value: number): void
}

/** The cells of one metric by label values, in the order of its labels. */
export interface Family<C> {
  /** The cell for `values`; a value that is on no list counts as `unknown`. */
  at(...values: string[]): C
}

/** Closed lists of label values, by label. */
export type LabelValues = ReadonlyMap<string, ReadonlySet<string>>

type Labels = Readonly<Record<string, string>>

interface Store<C> extends Family<C> {
  readonly entries: readonly { readonly labels: Labels; readonly cell: C }[]
}

/** A counter in `registry`. */
export function createCounter(
  registry: Registry,
  entry: MetricEntry,
  lists: LabelValues,
): Family<Cell> {
  const store = createStore(entry, lists, (): Cell => ({ value: 0 }))
  new Counter({
    ...configOf(registry, entry),
    collect() {
      this.reset()
      for (const { labels, cell } of store.entries) this.inc(labels, cell.value)
    },
  })
  return store
}

/** A gauge in `registry`. */
export function createGauge(
  registry: Registry,
  entry: MetricEntry,
  lists: LabelValues,
): Family<Cell> {
  const store = createStore(entry, lists, (): Cell => ({ value: 0 }))
  new Gauge({
    ...configOf(registry, entry),
    collect() {
      this.reset()
      for (const { labels, cell } of store.entries) this.set(labels, cell.value)
    },
  })
  return store
}

/** A histogram in `registry`. */
export function createHistogram(
  registry: Registry,
  entry: MetricEntry,
  lists: LabelValues,
): Family<HistogramCell> {
  const bounds = entry.buckets ?? []
  const store = createStore(entry, lists, () => createBuckets(bounds))
  const config = { ...configOf(registry, entry), buckets: [...bounds] }
  // Never observed: it lends its name, help and type to every snapshot.
  const template = new Histogram({ ...config, registers: [] })
  type Snapshot = Awaited<ReturnType<Histogram['get']>>
  class CellHistogram extends Histogram {
    override async get(): Promise<Snapshot> {
      const values = store.entries.flatMap(({ labels, cell }) => cell.samples(entry.name, labels))
      return { ...(await template.get()), values }
    }
    // The registry asks for this one first when it writes text.
    getForPromString(): Promise<Snapshot> {
      return this.get()
    }
  }
  new CellHistogram(config)
  return store
}

interface Buckets extends HistogramCell {
  samples(name: string, labels: Labels): Sample[]
}

interface Sample {
  readonly metricName: string
  readonly labels: Record<string, string | number>
  readonly value: number
}

function createBuckets(bounds: readonly number[]): Buckets {
  // Per bucket, not cumulative; the last one is above every bound.
  const counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0)
  let sum = 0
  return {
    observe(value) {
      let index = 0
      while (index < bounds.length && value > (bounds[index] ?? 0)) index++
      counts[index] = (counts[index] ?? 0) + 1
      sum += value
    },
    samples(name, labels) {
      let total = 0
      const buckets = counts.map((count, index): Sample => {
        total += count
        const le = bounds[index] ?? '+Inf'
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
        { metricName: `${name}_count`, labels: { ...labels }, value: total },
      ]
    },
  }
}

function configOf(registry: Registry, entry: MetricEntry) {
  const labelNames = [...entry.labels]
  return { name: entry.name, help: entry.help, labelNames, registers: [registry] }
}

type Branch<C> = Map<string, Branch<C> | C>

function createStore<C extends object>(
  { name, labels }: MetricEntry,
  lists: LabelValues,
  create: () => C,
): Store<C> {
  const entries: { labels: Labels; cell: C }[] = []
  const root: Branch<C> = new Map()

  /** Values come from closed lists, so that the number of cells is bounded by them (I25). */
  const listed = (values: readonly string[]): string[] =>
    labels.map((label, index) => {
      const value = values[index] ?? UNKNOWN
      return lists.get(label)?.has(value) === true ? value : UNKNOWN
    })

  const add = (values: readonly string[]): C => {
    let node = root
    for (const value of values.slice(0, -1)) {
      const next = (node.get(value) ?? new Map()) as Branch<C>
      node.set(value, next)
      node = next
    }
    const last = values.at(-1) ?? ''
    const found = node.get(last) as C | undefined
    if (found !== undefined) return found
    const cell = create()
    node.set(last, cell)
    const pairs = labels.map((label, index): [string, string] => [label, values[index] ?? ''])
    entries.push({ labels: Object.fromEntries(pairs), cell })
    return cell
  }

  if (labels.length === 0) {
    const only = add([])
    return { entries, at: () => only }
  }
  return {
    entries,
    at(...values) {
      let node: Branch<C> | C | undefined = root
      for (const value of values) {
        node = (node as Branch<C>).get(value)
        if (node === undefined) return add(listed(values))
      }
      if (values.length !== labels.length) throw new TypeError(`${name}: wrong number of labels`)
      return node as C
    },
  }
}
