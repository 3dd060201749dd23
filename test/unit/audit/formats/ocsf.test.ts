import { describe, expect, it } from '@jest/globals'
import { REASON_CODES, REASONS } from '../../../../gateway/domain/reasons.ts'
import { createDecisionJoin } from '../../../../gateway/audit/formats/join.ts'
import { ocsfEventOf } from '../../../../gateway/audit/formats/ocsf.ts'
import { ocsfProblems } from '../../../support/published-schemas.ts'
import { knownTypes } from '../../../support/record-schema.ts'
import { ALL_KINDS, DENIED, OUTCOME, PERMIT, stored } from '../../../support/stored-records.ts'

const CONTEXT = { version: '0.1.0', leafHash: 'leaf=' }

describe('a record as an event of OCSF 1.8.0', () => {
  it.each(ALL_KINDS.map((record, at) => [`${String(record['type'])} ${at}`, record] as const))(
    'is what the published schema asks of its class: %s',
    (_name, record) => {
      expect(ocsfProblems(ocsfEventOf(record, CONTEXT))).toEqual([])
    },
  )

  it.each(knownTypes())('is valid for type %s with nothing in it', (type) => {
    expect(ocsfProblems(ocsfEventOf(stored(type), CONTEXT))).toEqual([])
  })

  it.each(REASON_CODES)('has a place for the refusal %s', (reason) => {
    const record = stored('decision', { effect: 'deny', reason, stage: REASONS[reason].stage })
    const event = ocsfEventOf(record, CONTEXT)
    expect(ocsfProblems(event)).toEqual([])
    expect(event).toMatchObject({ action_id: 2, status_id: 2, status_detail: reason })
  })

  it('says who did what to which model, and that it was allowed', () => {
    expect(ocsfEventOf(PERMIT, CONTEXT)).toMatchObject({
      class_uid: 6003,
      type_uid: 600_399,
      activity_name: 'Infer',
      action_id: 1,
      disposition_id: 1,
      time: Date.parse('2026-11-22T10:00:00.123Z'),
      actor: {
        user: { uid: 'user:corp/alice', email_addr: 'alice@example.com' },
        session: { issuer: 'https://idp.example/corp', is_mfa: true },
      },
      resources: [{ uid: 'model:fraud@3', name: 'fraud', type: 'ml-model', version: '3' }],
      ai_model: { name: 'fraud', ai_provider: 'models' },
      policy: { uid: 'policy.csv:3', version: 'sha256:aa' },
      metadata: { version: '1.8.0', sequence: 7, correlation_uid: 'd-1' },
      unmapped: { leaf_hash: 'leaf=', pack: 'kserve', cfg: 'sha256:bb' },
    })
  })

  it('says that a step-up was asked for, and of which address', () => {
    expect(ocsfEventOf(DENIED, CONTEXT)).toMatchObject({
      disposition_id: 23,
      src_endpoint: { ip: '2001:db8::7' },
    })
  })

  it('keeps whoever is encrypted apart from others, by the id of the key', () => {
    const enc = [{ kid: 'K'.repeat(22), iv: '', ct: '' }]
    const event = ocsfEventOf(stored('decision', { effect: 'permit', enc }), CONTEXT)
    expect(event).toMatchObject({ actor: { user: { uid: `encrypted:${'K'.repeat(22)}` } } })
  })

  it('loses nothing of a record: what has no place is in unmapped', () => {
    const event = ocsfEventOf(stored('manifest', { logs: [{ dir: 'a' }] }), CONTEXT)
    expect(event['unmapped']).toMatchObject({ logs: [{ dir: 'a' }], boot: 'b1' })
  })

  it('takes a record whose fields are of the wrong kind', () => {
    const fields = {
      sub: 1,
      ops: 'x',
      ip: {},
      ts: 4,
      status: 'no',
      claims: [],
      iat: 'x',
      pol: null,
    }
    expect(ocsfProblems(ocsfEventOf(stored('decision', fields), CONTEXT))).toEqual([])
  })
})

describe('an outcome', () => {
  it('is of whom the decision was, in the order of the log', () => {
    const join = createDecisionJoin()
    join.of(PERMIT)
    expect(ocsfEventOf(join.of(OUTCOME), CONTEXT)).toMatchObject({
      actor: { user: { uid: 'user:corp/alice' } },
      http_response: { code: 200, length: 20, latency: 1 },
      metadata: { sequence: 8 },
    })
    expect(join.of(OUTCOME)).toBe(OUTCOME)
  })

  it('stays as it is when too many requests are under way', () => {
    const join = createDecisionJoin(1)
    join.of(PERMIT)
    join.of({ ...PERMIT, id: 'other' })
    expect(join.of(OUTCOME)).toBe(OUTCOME)
  })
})
