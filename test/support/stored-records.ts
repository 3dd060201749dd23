/** Records as they are read back, one for each kind that the formats tell apart. */
const ENVELOPE = {
  v: 1,
  log: 'modelgate/audit/n1',
  ts: '2026-11-22T10:00:00.123Z',
  mono: '81234567890',
  boot: 'b1',
  prev: `${'A'.repeat(43)}=`,
}

/** One record as it is read back. */
export type Stored = Readonly<Record<string, unknown>>

export function stored(type: string, fields: Stored = {}, seq = 7): Stored {
  return { ...ENVELOPE, seq, type, ...fields }
}

const WHO = { sub: 'user:corp/alice', iss: 'https://idp.example/corp', client: 'notebook' }
const OPS = [{ act: 'infer', res: 'model:fraud@3', effect: 'permit', rule: 'policy.csv:3' }]

export const PERMIT = stored('decision', {
  id: 'd-1',
  effect: 'permit',
  ...WHO,
  jti: 'j-1',
  groups: ['analysts'],
  roles: ['role:inference'],
  iat: 1_795_286_109_000,
  exp: 1_795_289_909_000,
  claims: { email: 'alice@example.com', name: 'Alice' },
  upstream: 'models',
  pack: 'kserve',
  route: 'infer',
  ops: OPS,
  rule: 'policy.csv:3',
  pol: 'sha256:aa',
  cfg: 'sha256:bb',
  meth: 'POST',
  path: '/v2/models/fraud/infer',
  ip: '203.0.113.7',
  ipsrc: 'peer',
  req: 'r-1',
  trace: '4bf92f3577b34da6a3ce929d0e0e4736',
  env: { now: '2026-11-22T10:00:00.123Z', mfa: true, grant: { id: 'g-1', exp: 1 } },
})

export const DENIED = stored('decision', {
  id: 'd-2',
  effect: 'deny',
  reason: 'step_up_required',
  stage: 'decide',
  ...WHO,
  upstream: 'models',
  ops: [{ act: 'export', res: 'model:fraud@3', effect: 'deny', reason: 'step_up_required' }],
  pol: 'sha256:aa',
  meth: 'GET',
  path: '/v2/models/fraud/artifact',
  ip: '2001:db8::7',
})

export const OUTCOME = stored(
  'outcome',
  { id: 'd-1', status: 200, ended_by: 'upstream', bytes_in: 10, bytes_out: 20, ms: 1.234 },
  8,
)

/** Every kind, some with little in them. */
export const ALL_KINDS: readonly Stored[] = [
  PERMIT,
  DENIED,
  OUTCOME,
  stored('decision', { id: 'd-3', effect: 'deny', reason: 'authn_missing', stage: 'authenticate' }),
  stored('decision', { id: 'd-4', effect: 'deny', reason: 'internal' }),
  stored('provenance', {
    id: 'd-1',
    sub: WHO.sub,
    by: ['user:corp/bob'],
    digest: 'sha256:aa',
    statement: '{}',
    pol: 'sha256:aa',
  }),
  stored('registration', { id: 'd-1', sub: WHO.sub, res: 'model:fraud@3', ver: '3', run: 'd-0' }),
  stored('decision.more', { id: 'd-1', effect: 'permit', ops: OPS, pol: 'sha256:aa' }),
  stored('decision.refused', {
    effect: 'deny',
    of: 'decision',
    reason: 'no_rule',
    sub: WHO.sub,
    count: 9,
  }),
  stored('outcome', { id: 'd-9', status: 0, reason: 'upstream_reset', ended_by: 'gateway' }),
  stored('outcome', { id: 'd-8', status: 502, reason: 'weights_detected', ended_by: 'gateway' }),
  stored('export', {
    id: 'd-5',
    sub: WHO.sub,
    res: 'model:fraud',
    ver: '3',
    bytes: 5,
    complete: true,
  }),
  stored('admin', { id: 'd-6', effect: 'permit', what: 'rules.reload', ...WHO, ip: '::1' }),
  stored('access', {
    ...{ what: 'lock.set', journal: 'ab'.repeat(16), entry: 7, at: '2026-11-22T10:00:00.000Z' },
    ...{ id: 'lock-1', by: 'user:corp/op', of: 'user:corp/ann', why: 'stolen laptop' },
    ...{ actions: ['export'], until: '2026-11-22T11:00:00.000Z' },
  }),
  stored('protocol.rejected', { id: 'd-7', reason: 'framing_invalid', code: 'HPE_X', ip: '::1' }),
  stored('incident', {
    ...{ id: 'd-8', kind: 'weights', found: 'safetensors', ...WHO, ip: '203.0.113.7', ops: OPS },
    locked_until: '2026-11-22T11:00:00.000Z',
  }),
  stored('incident', { id: 'd-8', kind: 'extraction', found: 'sweep', evidence: { n: 3 } }),
  stored('policy.changed', { pol: 'sha256:aa', cfg: 'sha256:bb', how: 'api', by: 'user:corp/op' }),
  stored('policy.refused', { what: 'rules', findings: 2, where: 'policy.csv:3:1' }),
  stored('jwks.changed', { issuer: 'corp', generation: 2, added: ['k'], removed: [] }),
  stored('personal.erased', { kid: 'A'.repeat(22) }),
  stored('log.opened', { previous: null, pid: 1, host: 'h', versions: { modelgate: '0.1.0' } }),
  stored('log.closed'),
  stored('log.degraded', { since: ENVELOPE.ts, operation: 'write', code: 'ENOSPC', refused: 3 }),
  stored('heartbeat'),
]
