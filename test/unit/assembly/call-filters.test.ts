import { describe, expect, it } from '@jest/globals'
import { filtersOf } from '../../../gateway/assembly/call-filters.ts'
import { policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const strong = { amr: ['pwd', 'otp'], mfa: true, authTime: Date.parse('2026-11-04T09:59:00Z') }

describe('a filter of approvals.yaml', () => {
  it.each([
    ['mfa', true, true],
    ['always', false, true],
    ['mfa', false, false],
    ['!mfa', true, false],
    // What is not known of the call neither holds nor fails to.
    ['managed-device', true, false],
    ['!managed-device', true, false],
    ['mfa & managed-device', true, false],
    ['mfa | managed-device', true, true],
    ['no-such-condition', true, false],
    ['mfa &', true, false],
    ['', true, false],
  ])('%s, with a second factor: %s, holds: %s', async (expression, isStrong, holds) => {
    const policy = await policyOf('p, role:reader, read, model:*, always, allow\n')
    const subject = subjectOf(isStrong ? { authentication: strong } : { authentication: {} })
    expect(filtersOf(policy, requestOf('read server:gate:requests', { subject }))(expression)).toBe(
      holds,
    )
  })
})
