/** Refusals in the words of systems whose clients show nothing else. */
import { describe, expect, it } from '@jest/globals'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { ociErrors, refusalText, s3Error } from '../../../gateway/pep/error-dialects.ts'

const ID = '4c8b1417-92ae-4e32-9d79-fee4a94453a9'

it('a refusal is said in one line: why, what to do, which record', () => {
  expect(refusalText(refuse('no_rule'), ID)).toBe(
    'No rule allows this. Ask the owner of the resource for the permission. ' +
      `(no_rule, decision ${ID})`,
  )
  expect(refusalText(refuse('no_rule', { detail: 'Not for you.' }), ID)).toMatch(/^Not for you\. /)
})

describe("S3's XML", () => {
  it('has a code that clients know and a message that they show', () => {
    const { type, body } = s3Error(refuse('no_rule', { detail: 'a <b> & c' }), ID)
    expect(type).toBe('application/xml')
    expect(body).toContain('<Code>AccessDenied</Code>')
    expect(body).toContain('<Message>a &lt;b&gt; &amp; c (no_rule,')
    expect(body).toContain(`<RequestId>${ID}</RequestId>`)
  })

  it.each([
    ['authn_missing', 'AccessDenied'],
    ['method_not_allowed', 'MethodNotAllowed'],
    ['overloaded', 'ServiceUnavailable'],
    ['model_missing', 'InvalidRequest'],
  ] as const)('of %s is %s', (reason, code) => {
    expect(s3Error(refuse(reason), ID).body).toContain(`<Code>${code}</Code>`)
  })
})

describe('the errors of an OCI registry', () => {
  it.each([
    ['authn_missing', 'UNAUTHORIZED'],
    ['method_not_allowed', 'UNSUPPORTED'],
    ['no_rule', 'DENIED'],
  ] as const)('of %s are %s', (reason, code) => {
    const { type, body } = ociErrors(refuse(reason), ID)
    expect(type).toBe('application/json')
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ code, message: expect.stringContaining(ID) as unknown, detail: { reason } }],
    })
  })
})
