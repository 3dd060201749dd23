/** What one permitted request leaves in the ledger: a decision and an outcome, as the gateway writes them. */
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'

/** The two records of request number `at`; people, models and paths repeat as they do in life. */
export function recordsOf(at: number): readonly [decision: LedgerRecord, outcome: LedgerRecord] {
  const id = `0193f5c2-7b1e-7000-8000-${String(at % 1e12).padStart(12, '0')}`
  return [
    { type: 'decision', fields: { id, effect: 'permit', reason: 'permitted', ...facts(at) } },
    { type: 'outcome', fields: { id, status: 200, ...ended(at) } },
  ]
}

function facts(at: number): LedgerRecord['fields'] {
  const model = `model:m${at % 31}@${at % 3}`
  const rule = 'policy.csv:12'
  return {
    sub: `user:main/u${at % 997}`,
    iss: 'https://issuer.example.com',
    jti: `t-${at % 997}`,
    client: 'notebook',
    groups: ['ml', 'staff'],
    roles: ['predictor'],
    iat: 1_795_000_000,
    exp: 1_795_003_600,
    upstream: 'models',
    pack: 'kserve',
    route: 'infer',
    ops: [{ act: 'infer', res: model, effect: 'permit', reason: 'permitted', rule }],
    rule,
    pol: 'sha256:5f3c1f0a8d1f',
    cfg: 'sha256:0b7a42c9e4d2',
    meth: 'POST',
    path: `/v2/models/m${at % 31}/infer`,
    ip: `203.0.113.${at % 250}`,
    ipsrc: 'peer',
    req: `r-${at}`,
    env: { country: 'DE', device: 'managed', mfa: true },
  }
}

function ended(at: number): LedgerRecord['fields'] {
  return {
    ended_by: 'upstream',
    bytes_in: 200 + (at % 800),
    bytes_out: 900 + (at % 5_000),
    ms: 3.217 + (at % 40),
  }
}
