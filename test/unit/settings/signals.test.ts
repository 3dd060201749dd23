import { describe, expect, it } from '@jest/globals'
import { loaded, MINIMAL, problems } from './support.ts'

const receiver = (rest: string) =>
  `${MINIMAL}signals:\n  receivers:\n    - issuer: idp-example-com\n${rest}`

describe('receivers of signals', () => {
  it('may have a transmitter beside logouts of the issuer', () => {
    const text = receiver(
      '      audience: gate\n      logout_audience: client-1\n      transmitter: https://ssf.example\n',
    )
    expect(loaded({ text }).signals.receivers).toMatchObject([
      { audience: ['gate'], logoutAudience: ['client-1'], transmitter: 'https://ssf.example' },
    ])
  })

  it.each(['transmitter: https://ssf.example', 'jwks_uri: https://ssf.example/keys'])(
    'that take logouts only have no %s',
    (line) => {
      const text = receiver(`      logout_audience: client-1\n      ${line}\n`)
      const found = problems({ text })
      expect(found).toHaveLength(1)
      expect(found[0]?.line).toBe(text.split('\n').length - 1)
      expect(found[0]?.message).toContain('logout tokens are those of the issuer')
    },
  )

  it('take something', () => {
    const [found] = problems({ text: receiver('      transmitter: https://ssf.example\n') })
    expect(found?.message).toContain('nothing is taken')
  })
})
