/** Whose tokens a receiver takes, and by whose keys. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { LOGOUT_EVENT } from '../../../gateway/domain/security-event.ts'
import { openSignals, type RunningSignals } from '../../../gateway/assembly/signals/open-signals.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'
import { forge, ISSUER, makeKey, ManualTime, NOW_MS, NOW_S } from '../authn/support.ts'
import { loaded, MINIMAL } from '../settings/support.ts'

const SSF = 'https://ssf.example.com'
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
/** Both name their key alike. */
const OWN = makeKey('RS256', 'k1')
const OTHER = makeKey('RS256', 'k1')
const SETS = { aud: 'gate', iat: NOW_S - 5, events: { [REVOKED]: {} } }
const LOGOUT = { aud: 'client-1', iat: NOW_S - 5, exp: NOW_S + 60, events: { [LOGOUT_EVENT]: {} } }

let running: RunningSignals | undefined
afterEach(() => running?.stop())

/** Signals of the issuer, whose keys are {@link OWN}, with one receiver; and what was fetched. */
async function opened(receiver: string) {
  const text = `${MINIMAL}signals: { receivers: [{ issuer: idp-example-com, ${receiver} }] }\n`
  const fetched: string[] = []
  const replica = createMemoryReplica(NOW_MS)
  running = await openSignals({
    settings: loaded({ text }),
    replica,
    fetchJson: (url) => {
      fetched.push(url)
      const { origin } = new URL(url)
      const keys = [origin === SSF ? OTHER.jwk : OWN.jwk]
      const issuer = origin === SSF ? SSF : ISSUER
      return Promise.resolve(
        url.includes('/.well-known/') ? { issuer, jwks_uri: `${origin}/keys` } : { keys },
      )
    },
    clock: new ManualTime(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined } as never,
    metrics: {
      signal: () => undefined,
      signalRefused: () => undefined,
      auditError: () => undefined,
    },
    ledger: { append: () => Promise.resolve() },
    notices: { tell: () => undefined },
  })
  const { control } = running ?? {}
  if (control === undefined) throw new Error('nothing is received')
  const peer = '192.0.2.1'
  let count = 0
  const tokenOf = (key: typeof OWN, typ: string, claims: Record<string, unknown>) =>
    forge(key, { jti: `t${++count}`, ...claims }, { alg: 'RS256', kid: 'k1', typ })
  return {
    fetched,
    targets: () => [...replica.state.locks.values()].map(({ target }) => target),
    event: (key: typeof OWN, iss: string) => {
      const sub_id = { format: 'iss_sub', iss: ISSUER, sub: 'alice' }
      const token = tokenOf(key, 'secevent+jwt', { ...SETS, iss, sub_id })
      return control.event({ text: token, authorization: undefined, peer })
    },
    logout: (key: typeof OWN, iss: string) =>
      control.logout(tokenOf(key, 'logout+jwt', { ...LOGOUT, iss, sub: 'alice' }), peer),
  }
}

const BOTH = 'audience: gate, logout_audience: client-1'
const TAKEN = { taken: true }

describe('a receiver', () => {
  it('takes both kinds from the issuer, by one set of keys', async () => {
    const { event, logout, fetched } = await opened(BOTH)
    expect(await event(OWN, ISSUER)).toEqual(TAKEN)
    expect(await logout(OWN, ISSUER)).toEqual(TAKEN)
    expect(await logout(OTHER, ISSUER)).toMatchObject({ err: 'invalid_key' })
    expect(fetched.filter((url) => url.endsWith('/keys'))).toHaveLength(1)
  })

  it('with a transmitter takes events from that, and logouts from the issuer', async () => {
    const { event, logout, targets } = await opened(`${BOTH}, transmitter: ${SSF}`)
    expect(await logout(OWN, ISSUER)).toEqual(TAKEN)
    expect(targets()).toMatchObject([{ subject: 'user:idp-example-com/alice' }])
    expect(await event(OTHER, SSF)).toEqual(TAKEN)
    expect(targets()).toHaveLength(2)
    for (const [key, iss, err] of [
      [OTHER, ISSUER, 'invalid_key'],
      [OTHER, SSF, 'invalid_issuer'],
      [OWN, SSF, 'invalid_issuer'],
    ] as const) {
      expect(await logout(key, iss)).toMatchObject({ err })
    }
    expect(await event(OWN, ISSUER)).toMatchObject({ err: 'invalid_issuer' })
    expect(await event(OWN, SSF)).toMatchObject({ err: 'invalid_key' })
  })

  it('with keys of its own checks events by them, and logouts by those of the issuer', async () => {
    const { event, logout } = await opened(`${BOTH}, jwks_uri: "${SSF}/keys"`)
    expect(await event(OTHER, ISSUER)).toEqual(TAKEN)
    expect(await logout(OWN, ISSUER)).toEqual(TAKEN)
    expect(await event(OWN, ISSUER)).toMatchObject({ err: 'invalid_key' })
    expect(await logout(OTHER, ISSUER)).toMatchObject({ err: 'invalid_key' })
  })

  it('fetches no keys for what it does not take', async () => {
    const { event, fetched } = await opened(`audience: gate, transmitter: ${SSF}`)
    expect(await event(OTHER, SSF)).toEqual(TAKEN)
    expect(fetched.filter((url) => !url.startsWith(SSF))).toEqual([])
  })
})
