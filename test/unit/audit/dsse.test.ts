/** DSSE v1: the vector of its protocol, and what is not to be believed. */
import { verify, createPublicKey } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { openEnvelope, pae, sealEnvelope } from '../../../gateway/audit/signing/dsse.ts'
import { generateSkey, parseSkey, type NoteSigner } from '../../../gateway/audit/tree/note.ts'

function newSigner(type: 'ed25519' | 'cosignature' = 'ed25519'): NoteSigner {
  const signer = parseSkey(generateSkey('gate/provenance', type))
  if (typeof signer === 'string') throw new Error(signer)
  return signer
}

const TYPE = 'application/vnd.in-toto+json'
const signer = newSigner()
const keys = [signer.verifier]

describe('PAE', () => {
  // The vector of protocol.md of DSSE v1.
  it('is that of the protocol', () => {
    expect(pae('http://example.com/HelloWorld', 'hello world')).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
  })

  it('counts bytes, and ends with nothing', () => {
    expect(pae('', '')).toBe('DSSEv1 0  0 ')
    expect(pae('t', 'é€')).toBe('DSSEv1 1 t 5 é€')
  })
})

describe('an envelope', () => {
  it('is signed so that others can verify it without this program', () => {
    const envelope = sealEnvelope(signer, { payloadType: TYPE, payload: '{"a":"é"}' })
    expect(envelope.payload).toBe(Buffer.from('{"a":"é"}').toString('base64'))
    const [one] = envelope.signatures
    expect(one?.keyid).toMatch(/^gate\/provenance\+[0-9a-f]{8}$/)
    const raw = Buffer.from(signer.verifier.vkey.split('+').slice(2).join('+'), 'base64')
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.subarray(1).toString('base64url') },
      format: 'jwk',
    })
    const signed = Buffer.from(`DSSEv1 28 ${TYPE} 10 {"a":"é"}`)
    expect(verify(null, signed, key, Buffer.from(one?.sig ?? '', 'base64'))).toBe(true)
  })

  it('gives back what was signed, whatever key it says', () => {
    const envelope = sealEnvelope(signer, { payloadType: TYPE, payload: '{}' })
    const [one] = envelope.signatures
    const relabelled = { ...envelope, signatures: [{ keyid: 'other', sig: one?.sig }] }
    expect(openEnvelope(JSON.stringify(relabelled), keys)).toMatchObject({
      payload: '{}',
      payloadType: TYPE,
    })
  })

  const good = sealEnvelope(signer, { payloadType: TYPE, payload: '{}' })
  it.each([
    ['another payload', { ...good, payload: Buffer.from('[]').toString('base64') }],
    ['another type', { ...good, payloadType: 'text/plain' }],
    ['no signature', { ...good, signatures: [] }],
    ['a payload that is no text', { ...good, payload: Buffer.of(0xff).toString('base64') }],
    ['signatures that are none', { ...good, signatures: [{ keyid: 'x' }] }],
    ['nothing', null],
    ['another signer', sealEnvelope(newSigner(), { payloadType: TYPE, payload: '{}' })],
  ])('is not believed with %s', (_what, envelope) => {
    expect(typeof openEnvelope(JSON.stringify(envelope), keys)).toBe('string')
  })

  it('is not believed when it is no JSON, or cosigned', () => {
    expect(openEnvelope('{', keys)).toBe('it is no DSSE envelope')
    const witness = newSigner('cosignature')
    const envelope = sealEnvelope(witness, { payloadType: TYPE, payload: '{}' })
    expect(typeof openEnvelope(JSON.stringify(envelope), [witness.verifier])).toBe('string')
  })

  it('is no signature of a note, nor the other way round', () => {
    const line = signer.sign('gate/provenance\n1\nroot\n')
    const sig = Buffer.from(line.trim().split(' ')[2] ?? '', 'base64').subarray(4)
    const envelope = {
      payloadType: TYPE,
      payload: Buffer.from('gate/provenance\n1\nroot\n').toString('base64'),
      signatures: [{ keyid: '', sig: sig.toString('base64') }],
    }
    expect(typeof openEnvelope(JSON.stringify(envelope), keys)).toBe('string')
  })
})
