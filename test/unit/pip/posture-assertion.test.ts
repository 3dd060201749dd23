import { describe, expect, it } from '@jest/globals'
import type { Authenticator } from '../../../gateway/domain/ports.ts'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { createAssertionReader } from '../../../gateway/pip/posture-assertion.ts'
import { headersOf, subjectOf, WORKDAY } from '../../support/policy.ts'

const HEADER = 'x-device-assertion'
const signer = { issuer: 'https://posture.example.com', issuerName: 'posture' }
const device = { managed: true, source: 'token' } as const
const assertion = (id: string, claims: [string, string][] = []) =>
  subjectOf({ ...signer, id: `user:posture/${id}`, claims: new Map(claims), device })

function reading(verified: ReturnType<Authenticator['authenticate']>, callerClaim?: string) {
  const asked: (string | undefined)[] = []
  const verifier = {
    authenticate(authorization: string | undefined) {
      asked.push(authorization)
      return verified
    },
  }
  const subjectClaim = callerClaim ?? 'sub'
  const callerIssuers = new Set(['kc'])
  const options = { header: HEADER, verifier, subjectClaim, callerClaim, callerIssuers }
  const read = createAssertionReader(options)
  return { read, asked }
}

describe('an assertion of posture', () => {
  it('made for the caller gives its posture, dated by itself', () => {
    const { read, asked } = reading(assertion('alice'))
    expect(read(headersOf(HEADER, 'a.b.c'), subjectOf())).toEqual({
      managed: true,
      assessedAt: WORKDAY - 60_000,
      source: 'assertion',
    })
    expect(asked).toEqual(['Bearer a.b.c'])
  })

  it('that is not sent says nothing, and asks nobody', () => {
    const { read, asked } = reading(assertion('alice'))
    expect(read(headersOf(), subjectOf())).toBeUndefined()
    expect(asked).toEqual([])
  })

  it.each([
    ['made for somebody else', assertion('bob')],
    ['made for nobody', assertion('')],
    ['that does not verify', refuse('authn_signature')],
    ['without a word on the device', { ...assertion('alice'), device: undefined }],
  ])('%s is refused', (_name, verified) => {
    const { read } = reading(verified as ReturnType<Authenticator['authenticate']>)
    const refused = { reason: 'posture_invalid' }
    expect(read(headersOf(HEADER, 'a.b.c'), subjectOf())).toMatchObject(refused)
  })

  it('made for the same id of another issuer is refused', () => {
    const { read } = reading(assertion('alice'))
    const namesake = subjectOf({ id: 'user:partner/alice', issuerName: 'partner' })
    expect(read(headersOf(HEADER, 'a.b.c'), namesake)).toHaveProperty('reason', 'posture_invalid')
  })

  it('sent twice is refused before anyone looks at it', () => {
    const { read, asked } = reading(assertion('alice'))
    const refused = { reason: 'posture_invalid' }
    expect(read(headersOf(HEADER, 'a', HEADER, 'b'), subjectOf())).toMatchObject(refused)
    expect(asked).toEqual([])
  })

  it('whose keys are away is not known to be wrong', async () => {
    const { read } = reading(Promise.resolve(refuse('authn_keys_unavailable', { retryAfter: 2 })))
    expect(await read(headersOf(HEADER, 'a.b.c'), subjectOf())).toMatchObject({
      reason: 'authn_keys_unavailable',
      retryAfter: 2,
    })
  })

  it('can be tied to the caller by another claim that both carry', () => {
    const { read } = reading(assertion('x', [['email', 'a@corp.example']]), 'email')
    const caller = (email: string) => subjectOf({ claims: new Map([['email', email]]) })
    const sent = headersOf(HEADER, 'a.b.c')
    expect(read(sent, caller('a@corp.example'))).toHaveProperty('managed', true)
    for (const other of [caller('b@corp.example'), subjectOf()]) {
      expect(read(sent, other)).toHaveProperty('reason', 'posture_invalid')
    }
    const { read: unclaimed } = reading(assertion('x'), 'email')
    expect(unclaimed(sent, subjectOf())).toHaveProperty('reason', 'posture_invalid')
  })
})
