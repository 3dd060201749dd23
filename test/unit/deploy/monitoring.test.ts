import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { parseDocument } from 'yaml'
import { METRICS, type MetricEntry } from '../../../gateway/metrics/names.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')

interface Rule {
  alert?: string
  record?: string
  expr: string
  for?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

function rulesOf(path: string): Rule[] {
  const document = parseDocument(read(path), { strict: true, uniqueKeys: true })
  expect([...document.errors, ...document.warnings]).toEqual([])
  const { groups } = document.toJS() as { groups: { name: string; rules: Rule[] }[] }
  expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length)
  return groups.flatMap(({ rules }) => rules)
}

interface Dashboard {
  id: unknown
  uid: string
  templating: { list: { name: string; type: string }[] }
  panels: {
    id: number
    title: string
    description: string
    datasource: { uid: string }
    gridPos: { x: number; y: number; w: number; h: number }
    targets: { expr: string; datasource: { uid: string } }[]
  }[]
}

const alerts = rulesOf('config/prometheus/alerts.yaml')
const recording = rulesOf('config/prometheus/recording.yaml')
const dashboard = JSON.parse(read('config/grafana/modelgate.json')) as Dashboard

const entries: readonly MetricEntry[] = Object.values(METRICS)
const recorded = new Set(recording.map(({ record }) => record))

/** The metric behind a series name; histograms have three. */
function entryOf(series: string): MetricEntry | undefined {
  const exact = entries.find(({ name }) => name === series)
  if (exact !== undefined) return exact.kind === 'histogram' ? undefined : exact
  const base = series.replace(/_(bucket|sum|count)$/, '')
  return entries.find(({ name, kind }) => name === base && kind === 'histogram')
}

const COMMON = ['job', 'instance', 'le']

/** Every name in `expr` is a metric or a recorded rule, and every label one that it has. */
function check(expr: string): void {
  const known: string[] = [...COMMON]
  for (const [name] of expr.matchAll(/\b[a-z_]*:?modelgate_[a-z0-9_:]+/g)) {
    if (recorded.has(name)) {
      known.push(...(name.split(':')[0] ?? '').split('_'))
      continue
    }
    const entry = entryOf(name)
    expect([name, entry?.name]).toEqual([name, expect.any(String)])
    known.push(...(entry?.labels ?? []))
  }
  const used = [
    ...[...expr.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(',').map((label) => label.trim()),
    ),
    ...[...expr.matchAll(/[{,]\s*([a-z_]+)\s*[=!]/g)].map(([, label = '']) => label),
  ].filter((label) => label !== '')
  for (const label of used) expect([expr, known]).toEqual([expr, expect.arrayContaining([label])])
  for (const [, series = ''] of expr.matchAll(/\b(?:rate|increase)\((\w+)/g)) {
    expect([series, entryOf(series)?.kind]).not.toEqual([series, 'gauge'])
  }
}

describe('the alerting and recording rules', () => {
  it('name only metrics and labels that exist', () => {
    for (const { expr } of [...alerts, ...recording]) check(expr)
  })

  it('tell whoever is woken what it means and what to do', () => {
    const runbook = read('docs/runbook.md')
    const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
    expect(sections).toEqual(expect.arrayContaining(alerts.map(({ alert }) => alert)))
    // Sections that are not named like an alert are about other occasions.
    expect(sections.filter((title) => title?.startsWith('Modelgate'))).toHaveLength(alerts.length)
    for (const { alert = '', labels, annotations, ...rule } of alerts) {
      expect(alert).toMatch(/^Modelgate[A-Z][A-Za-z]+$/)
      expect(labels?.['severity']).toMatch(/^(page|ticket)$/)
      expect(annotations?.['summary']).toMatch(/^[A-Z].*[^.]$/)
      expect(annotations?.['description']?.length).toBeGreaterThan(40)
      expect(annotations?.['runbook_url']).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+m$/)
    }
  })

  it('cover what takes enforcement or evidence away', () => {
    const all = alerts.map(({ expr }) => expr).join('\n')
    for (const name of [
      'modelgate_audit_errors_total',
      'modelgate_jwks_last_success_timestamp_seconds',
      'modelgate_config_last_reload_successful',
      'modelgate_upstream_errors',
      'modelgate_decision_duration_seconds',
      'modelgate_guard_incidents_total',
      'modelgate_incidents_total',
      'modelgate_lockouts_last_read_timestamp_seconds',
      'modelgate_store_up',
      'modelgate_lock_enforcement_seconds_bucket',
      'modelgate_journal_regressed',
      'modelgate_break_glass_openings_total',
      'modelgate_break_glass_reviews_overdue',
      'modelgate_state_staleness_seconds',
      'modelgate_state_characters',
      'modelgate_webhook_lag_seconds',
      'modelgate_requests_in_flight',
      'modelgate_denials_per_decisions',
    ]) {
      expect(all).toContain(name)
    }
  })

  it('record under names of the form level:metric:operations', () => {
    for (const { record } of recording) expect(record).toMatch(/^[a-z_]+:modelgate_[a-z_]+:\w+$/)
  })

  it('pass promtool where it is installed', () => {
    const files = ['alerts.yaml', 'recording.yaml'].map(
      (name) => `${root}config/prometheus/${name}`,
    )
    const promtool = spawnSync('promtool', ['check', 'rules', ...files], { encoding: 'utf8' })
    if (promtool.error !== undefined) return
    expect([promtool.status, promtool.stderr]).toEqual([0, expect.anything()])
  })
})

describe('the dashboard', () => {
  it('shows every metric of the sinks of the ledger', () => {
    const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join()
    const ofSinks = entries.filter(({ name }) => name.includes('_audit_sink_'))
    expect(ofSinks.length).toBeGreaterThan(3)
    for (const { name } of ofSinks) expect(shown).toContain(name)
  })

  it('can be provisioned anywhere: fixed uid, no id, the data source a variable', () => {
    expect([dashboard.id, dashboard.uid]).toEqual([null, 'modelgate'])
    const [source] = dashboard.templating.list
    expect(source).toMatchObject({ name: 'datasource', type: 'datasource' })
    for (const panel of dashboard.panels) {
      const sources = [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)]
      expect(sources.every(({ uid }) => uid === '${datasource}')).toBe(true)
    }
  })

  it('names only metrics and labels that exist', () => {
    for (const { targets } of dashboard.panels) for (const { expr } of targets) check(expr)
  })

  it('shows what operators look for, each panel in a place of its own and explained', () => {
    const titles = dashboard.panels.map(({ title }) => title)
    expect(titles).toEqual(
      expect.arrayContaining([
        'Decisions by effect',
        'Refusals by reason',
        'Decision duration',
        'Request duration',
        'Upstream errors',
        'Age of issuer keys',
        'Policy reloads',
        'Ledger errors, 1 h',
        'Bytes out',
        'Open streams',
        'Incidents',
        'Callers kept out',
        'Budgets used',
        'Budget refusals',
        'Exports',
        'Store',
        'Time to enforce locks',
        'Webhooks',
        'Break-glass',
      ]),
    )
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(titles.length)
    const taken = new Set<string>()
    for (const { gridPos, description } of dashboard.panels) {
      expect(description).not.toBe('')
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(taken.has(`${x},${gridPos.y}`)).toBe(false)
        taken.add(`${x},${gridPos.y}`)
      }
    }
  })
})
