import { describe, expect, it } from '@jest/globals'
import { Counter } from 'prom-client'
import { createMetrics, type Metrics } from '../../../gateway/metrics/metrics.ts'
import { timesAsLong } from '../../support/growth.ts'

function create(): Metrics {
  const buildInfo = { version: '1.2.3', nodeVersion: 'v20.20.2' }
  return createMetrics({ buildInfo, upstreams: ['llm', 'registry'], issuers: ['corp'] })
}

async function samples(metrics: Metrics): Promise<Map<string, number>> {
  const { text } = await metrics.expose()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space).replace(/^modelgate_/, ''), Number(line.slice(space + 1))]
    }),
  )
}

describe('metrics', () => {
  it('start at 0 where the combinations are known', async () => {
    const found = await samples(create())
    for (const name of [
      'decisions_total{decision="permit",reason="none",action="export",upstream="llm"}',
      'refusals_total{stage="authenticate",reason="authn_expired"}',
      'authn_total{result="refused",issuer="corp"}',
      'jwks_fetch_total{issuer="corp",result="failure"}',
      'jwks_last_success_timestamp_seconds{issuer="corp"}',
      'policy_reload_total{result="failure"}',
      'audit_records_total{type="decision"}',
      'audit_errors_total',
      'guard_incidents_total{upstream="registry",kind="weights_detected"}',
      'upstream_errors_total{upstream="llm",reason="upstream_timeout"}',
      'client_errors_total{code="HPE_HEADER_OVERFLOW"}',
      'streams_open{upstream="llm"}',
      'requests_in_flight',
      'break_glass_openings_total',
      'break_glass_open',
    ]) {
      expect([name, found.get(name)]).toEqual([name, 0])
    }
    expect(found.get('build_info{version="1.2.3",node_version="v20.20.2"}')).toBe(1)
  })

  // threats §2.H 281
  it('say of break-glass what was opened here, and what there is when they are asked', async () => {
    const metrics = create()
    let unreviewed = 1
    metrics.breakGlassFacts(() => ({ open: 1, unreviewed, overdue: 0 }))
    metrics.breakGlassOpened()
    unreviewed = 2
    const found = await samples(metrics)
    const names = ['openings_total', 'open', 'unreviewed', 'reviews_overdue']
    expect(names.map((name) => found.get(`break_glass_${name}`))).toEqual([1, 1, 2, 0])
  })

  it('say how old the last signature and cosignature are when they are asked', async () => {
    const metrics = create()
    metrics.admitNames({ upstreams: [], issuers: [], witnesses: ['w1.example.net'] })
    const before = await samples(metrics)
    expect(before.get('audit_witness_total{witness="w1.example.net",result="forked"}')).toBe(0)
    expect(before.get('audit_witnessed_age_seconds')).toBe(0)
    let witnessedMs = 1500
    metrics.auditAges(() => ({ checkpointMs: 250, witnessedMs }))
    metrics.auditSigned(64)
    metrics.auditWitness('w1.example.net', 'forked')
    metrics.auditWitness('w2.example.net', 'forked')
    witnessedMs = 2500
    const found = await samples(metrics)
    for (const [name, value] of [
      ['audit_checkpoint_age_seconds', 0.25],
      ['audit_witnessed_age_seconds', 2.5],
      ['audit_checkpoints_total', 1],
      ['audit_tree_size', 64],
      ['audit_witness_total{witness="w1.example.net",result="forked"}', 1],
      ['audit_witness_total{witness="unknown",result="forked"}', 1],
    ] as const) {
      expect([name, found.get(name)]).toEqual([name, value])
    }
  })

  it('count one exchange', async () => {
    const metrics = create()
    metrics.requestStarted()
    metrics.observeRequest({
      upstream: 'llm',
      action: 'infer',
      status: 200,
      durationMs: 40,
      overheadMs: 0.2,
      upstreamHead: { status: 201, durationMs: 30 },
      requestBytes: 10,
      responseBytes: 2000,
    })
    const found = await samples(metrics)
    const labels = 'upstream="llm",action="infer",code_class="2xx"'
    expect(found.get(`request_duration_seconds_bucket{le="0.025",${labels}}`)).toBe(0)
    expect(found.get(`request_duration_seconds_bucket{le="0.05",${labels}}`)).toBe(1)
    expect(found.get(`request_duration_seconds_bucket{le="+Inf",${labels}}`)).toBe(1)
    expect(found.get(`request_duration_seconds_sum{${labels}}`)).toBeCloseTo(0.04)
    expect(found.get(`request_duration_seconds_count{${labels}}`)).toBe(1)
    expect(found.get('gateway_overhead_seconds_bucket{le="0.00025"}')).toBe(1)
    expect(
      found.get('upstream_request_duration_seconds_count{upstream="llm",code_class="2xx"}'),
    ).toBe(1)
    expect(found.get('request_bytes_total{upstream="llm"}')).toBe(10)
    expect(found.get('response_bytes_total{upstream="llm",action="infer"}')).toBe(2000)
    expect(found.get('requests_in_flight')).toBe(1)
    metrics.requestEnded()
    expect((await samples(metrics)).get('requests_in_flight')).toBe(0)
  })

  it('count a request that got nowhere', async () => {
    const metrics = create()
    metrics.refusal('target_invalid')
    metrics.refusal('internal', 'forward')
    metrics.observeRequest({ status: 0, durationMs: 1, requestBytes: 0, responseBytes: 0 })
    const found = await samples(metrics)
    expect(found.get('refusals_total{stage="admit",reason="target_invalid"}')).toBe(1)
    expect(found.get('refusals_total{stage="forward",reason="internal"}')).toBe(1)
    expect(
      found.get('request_duration_seconds_count{upstream="none",action="none",code_class="none"}'),
    ).toBe(1)
  })

  it('count decisions, credentials, keys, the ledger and streams', async () => {
    const metrics = create()
    const decision = { action: 'export', upstream: 'llm', durationMs: 0.004 } as const
    metrics.decision({ ...decision, effect: 'deny', reason: 'no_rule' })
    metrics.authentication('accepted', 'corp', 0.3)
    metrics.tokenCache('hit')
    metrics.jwksFetch('corp', { result: 'success', keys: 2, at: 5000 })
    metrics.auditRecords('decision', 1)
    metrics.auditWrite(6000, 0.1)
    metrics.auditError()
    metrics.streamOpened('llm')
    metrics.streamOpened('llm')
    metrics.streamClosed('llm')
    metrics.guardIncident('llm', 'weights_detected')
    metrics.upstreamError('llm', 'upstream_reset')
    expect(Object.fromEntries(await samples(metrics))).toMatchObject({
      'decisions_total{decision="deny",reason="no_rule",action="export",upstream="llm"}': 1,
      'decision_duration_seconds_bucket{le="0.000005",decision="deny"}': 1,
      'authn_total{result="accepted",issuer="corp"}': 1,
      'token_cache_total{result="hit"}': 1,
      'jwks_keys{issuer="corp"}': 2,
      'jwks_last_success_timestamp_seconds{issuer="corp"}': 5,
      'audit_records_total{type="decision"}': 1,
      audit_last_write_timestamp_seconds: 6,
      audit_errors_total: 1,
      'streams_open{upstream="llm"}': 1,
      'guard_incidents_total{upstream="llm",kind="weights_detected"}': 1,
      'upstream_errors_total{upstream="llm",reason="upstream_reset"}': 1,
    })
  })

  it('keep one policy revision, and the last good one after a failure', async () => {
    const metrics = create()
    metrics.policyReload({ result: 'success', revision: 'sha256:a', rules: 4, at: 1000 })
    metrics.policyReload({ result: 'success', revision: 'sha256:b', rules: 5, at: 2000 })
    metrics.policyReload({ result: 'failure' })
    const found = await samples(metrics)
    expect([...found.keys()].filter((key) => key.startsWith('policy_info'))).toEqual([
      'policy_info{revision="sha256:b"}',
    ])
    expect(Object.fromEntries(found)).toMatchObject({
      rules: 5,
      config_last_reload_successful: 0,
      config_last_reload_success_timestamp_seconds: 2,
      'policy_reload_total{result="success"}': 2,
      'policy_reload_total{result="failure"}': 1,
    })
  })

  it('never grow a label out of what clients send', async () => {
    const metrics = create()
    const before = (await samples(metrics)).size
    for (let i = 0; i < 1000; i++) {
      metrics.clientError(`HPE_${i}"} 1\nforged 1`)
      metrics.streamOpened(`host-${i}`)
      metrics.auditRecords(`type-${i}`, 1)
    }
    const after = await samples(metrics)
    expect(after.size - before).toBe(3)
    expect(after.get('client_errors_total{code="unknown"}')).toBe(1000)
    expect(after.get('streams_open{upstream="unknown"}')).toBe(1000)
    expect(after.has('forged')).toBe(false)
  })

  it('observe a request at the price of a few counts', () => {
    const metrics = create()
    const seen = {
      upstream: 'llm',
      action: 'infer',
      status: 200,
      durationMs: 40,
      overheadMs: 0.2,
      upstreamHead: { status: 200, durationMs: 30 },
      requestBytes: 10,
      responseBytes: 2000,
    } as const
    const labelNames = ['upstream', 'action', 'status'] as const
    const bare = new Counter({ name: 'bare_total', help: 'bare', labelNames, registers: [] })
    const { upstream, action, status } = seen
    const observe = () => {
      for (let i = 0; i < 10_000; i++) metrics.observeRequest(seen)
    }
    const count = () => {
      for (let i = 0; i < 10_000; i++) bare.inc({ upstream, action, status })
    }
    expect(timesAsLong(observe, count)).toBeLessThan(10)
  })
})

describe('metrics of the process', () => {
  it('are there when asked for', async () => {
    const buildInfo = { version: '1', nodeVersion: 'v20' }
    const metrics = createMetrics({ buildInfo, upstreams: [], issuers: [], defaultMetrics: true })
    const { contentType, text } = await metrics.expose()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toContain('process_resident_memory_bytes')
    expect((await create().expose()).text).not.toContain('process_resident_memory_bytes')
  })
})

describe('names that a reload brings', () => {
  it('count under their own name from then on, and start at 0', async () => {
    const metrics = create()
    metrics.upstreamError('late', 'upstream_reset')
    metrics.admitNames({ upstreams: ['late', 'llm'], issuers: ['partner'] })
    metrics.upstreamError('late', 'upstream_connect')
    const found = await samples(metrics)
    expect(found.get('upstream_errors_total{upstream="unknown",reason="upstream_reset"}')).toBe(1)
    expect(found.get('upstream_errors_total{upstream="late",reason="upstream_connect"}')).toBe(1)
    expect(found.get('jwks_keys{issuer="partner"}')).toBe(0)
  })

  it('are bounded, however often the configuration changes', async () => {
    const metrics = create()
    const upstreams = Array.from({ length: 3_000 }, (_, i) => `u${i}`)
    metrics.admitNames({ upstreams, issuers: [] })
    const { text } = await metrics.expose()
    expect(text.match(/^modelgate_streams_open\{/gm)?.length).toBeLessThanOrEqual(1_024)
  })
})
