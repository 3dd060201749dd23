import { describe, expect, it } from '@jest/globals'
import { codeClass, labelValues } from '../../../gateway/metrics/labels.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import { METRICS, METRIC_PREFIX, type MetricEntry } from '../../../gateway/metrics/names.ts'

const entries: readonly MetricEntry[] = Object.values(METRICS)

describe('names of metrics', () => {
  it.each(entries)('$name follows the rules', (entry) => {
    const { name } = entry
    expect(name).toMatch(/^modelgate_[a-z][a-z_]*$/)
    expect(name.startsWith(METRIC_PREFIX)).toBe(true)
    expect(name.endsWith('_total')).toBe(entry.kind === 'counter')
    if (entry.kind === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(entry.help).toMatch(/^[A-Z].*\.$/)
    const buckets = entry.buckets ?? []
    expect([...buckets].sort((a, b) => a - b)).toEqual([...new Set(buckets)])
    expect(entry.kind === 'histogram').toBe(buckets.length > 0)
  })

  it('are all exposed, each once', async () => {
    const buildInfo = { version: '1', nodeVersion: 'v20' }
    const { text } = await createMetrics({ buildInfo, upstreams: [], issuers: [] }).expose()
    const types = text.split('\n').filter((line) => line.startsWith('# TYPE '))
    expect(types.sort()).toEqual(entries.map(({ name, kind }) => `# TYPE ${name} ${kind}`).sort())
  })

  it('have closed lists for all labels but those of versions', () => {
    const lists = labelValues({ upstreams: ['llm'], issuers: ['corp'] })
    const labels = new Set(entries.flatMap((entry) => entry.labels))
    const open = [...labels].filter((label) => !lists.has(label))
    expect(open.sort()).toEqual(['node_version', 'revision', 'version'])
  })
})

describe('the class of a status', () => {
  it.each([
    [0, 'none'],
    [101, '1xx'],
    [200, '2xx'],
    [304, '3xx'],
    [499, '4xx'],
    [599, '5xx'],
    [600, 'none'],
    [-1, 'none'],
    [Number.NaN, 'none'],
  ])('%d is %s', (status, expected) => {
    expect(codeClass(status)).toBe(expected)
  })
})
