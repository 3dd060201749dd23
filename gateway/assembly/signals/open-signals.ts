/** The receivers of `signals`, with their keys. */
import type { SignalSource } from '../../access/signals/source.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { AuthnEvent } from '../../authn/events.ts'
import type { FetchJson } from '../../authn/http-fetch.ts'
import { issuerProfile } from '../../authn/issuer.ts'
import { createJwksKeeper, type JwksKeeper } from '../../authn/jwks-keeper.ts'
import { keyPolicy } from '../../authn/key-policy.ts'
import { createKeySource, type KeyLocation } from '../../authn/key-source.ts'
import { createSignalVerifier } from '../../authn/signals/receiver.ts'
import type { Transmitter } from '../../authn/signals/transmitter.ts'
import { unrefTimers } from '../../authn/timers.ts'
import type { Clock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { Ledger } from '../../domain/ports.ts'
import type { Logger } from '../../log/logger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import type { SignalsControl } from '../../pap/signals-api.ts'
import { createSecretFile, type SecretFile } from '../../settings/secret-file.ts'
import type { Settings } from '../../settings/settings.ts'
import { issuerOptions, required } from '../issuer-options.ts'
import { raised } from '../notices/from-records.ts'
import type { Notices } from '../notices/open-notices.ts'
import { createPeerRate } from './peer-rate.ts'
import { createRefusalWatch, REFUSED_SIGNALS_MIN } from './refusal-watch.ts'
import { createSignalRoutes } from './signals-control.ts'

/** Signals being taken. */
export interface RunningSignals {
  readonly control: SignalsControl
  stop(): void
}

/** What they are opened with. */
export interface SignalsOpening {
  readonly settings: Settings
  readonly replica: Pick<AccessReplica, 'now' | 'run'>
  readonly fetchJson: FetchJson
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'signal' | 'signalRefused' | 'auditError'>
  readonly ledger: Pick<Ledger, 'append'>
  readonly notices: Pick<Notices, 'tell'>
}

type Receiver = Settings['signals']['receivers'][number]

/** A token of an issuer whose longest life is raised later may be older than what it had before. */
const TOKEN_MS_MIN = 86_400_000
const SECRETS_REFRESH_MS = 10_000

/**
 * Opens the receivers and begins to keep their keys; `undefined` when there are none.
 * @throws ERR_CONFIG_UNREADABLE when a file cannot be read, ERR_CONFIG_INVALID
 */
export async function openSignals(opening: SignalsOpening): Promise<RunningSignals | undefined> {
  const { settings, clock, log, metrics, ledger, replica } = opening
  const { receivers, rate } = settings.signals
  if (receivers.length === 0) return undefined
  const opened = await Promise.all(receivers.map((one) => openReceiver(one, opening)))
  const verifier = createSignalVerifier(
    { event: opened.map(({ event }) => event), logout: opened.map(({ logout }) => logout) },
    clock,
  )
  const sources = new Map(opened.map(({ source }) => [source.name, source]))
  // A receiver whose keys cannot be had asks for them again when a token comes.
  const keepers = keepersOf(opened)
  for (const keeper of keepers) void keeper.start()
  const timer = setInterval(() => void refresh(opened, log), SECRETS_REFRESH_MS)
  timer.unref()
  const limited = createPeerRate(rate, () => clock.monotonicMs())
  return {
    control: createSignalRoutes({
      verifier,
      sources,
      replica,
      rate: limited,
      telling: { ledger, log, metrics, onRefused: refusalsTold(opening) },
    }),
    stop() {
      clearInterval(timer)
      for (const keeper of keepers) keeper.stop()
    },
  }
}

function refusalsTold({ clock, notices }: SignalsOpening): () => void {
  const facts = { refused: REFUSED_SIGNALS_MIN, seconds: 60 }
  return createRefusalWatch(
    () => clock.monotonicMs(),
    () => notices.tell(raised('signals_refused', facts)),
  )
}

interface OpenReceiver {
  readonly event: Transmitter
  readonly logout: Transmitter
  readonly source: SignalSource
  readonly secret: SecretFile | undefined
}

async function openReceiver(receiver: Receiver, opening: SignalsOpening): Promise<OpenReceiver> {
  const { settings } = opening
  const issuer = settings.issuers.find(({ name }) => name === receiver.issuer)
  if (issuer === undefined) {
    throw new GatewayError('ERR_CONFIG_INVALID', `signals: no issuer is named ${receiver.issuer}`)
  }
  const options = await issuerOptions(issuer)
  const profile = issuerProfile(options)
  const secret = await openSecret(receiver.authorizationFile)
  const senders = transmittersOf(receiver, { issuer, ca: options.keys?.ca, profile, opening })
  const event = {
    ...senders.event,
    ...(secret === undefined ? {} : { authorization: () => secret.current() }),
  }
  const source = {
    name: issuer.name,
    issuer: issuer.issuer,
    locksAccountsOf: [...new Set([issuer.name, ...receiver.locksAccountsOf])],
    subIsAccount: profile.subjectClaim === 'sub',
    emailIsPerson: issuer.personClaim === 'email',
    tokenMs: Math.max(TOKEN_MS_MIN, (profile.maxLifetimeS + 2 * profile.skewS) * 1_000),
    riskMs: receiver.highRiskTtl,
  }
  return { ...senders, event, source, secret }
}

/** Of what the senders of one receiver are made. */
interface SenderParts {
  readonly issuer: Settings['issuers'][number]
  readonly ca: string | undefined
  readonly profile: ReturnType<typeof issuerProfile>
  readonly opening: SignalsOpening
}

/** `transmitter` and `jwks_uri` are those of events: logout tokens are the issuer's own. */
function transmittersOf(
  { audience, logoutAudience, transmitter, jwksUri }: Receiver,
  parts: SenderParts,
): Pick<OpenReceiver, 'event' | 'logout'> {
  const { issuer, profile } = parts
  const logout = {
    name: issuer.name,
    issuer: issuer.issuer,
    audiences: logoutAudience,
    algorithms: profile.algorithms,
    skewMs: profile.skewS * 1_000,
    keeper: keeperOf(issuer, parts),
  }
  const isApart = transmitter !== undefined || jwksUri !== undefined
  const location = {
    issuer: transmitter ?? issuer.issuer,
    jwksUri: jwksUri ?? issuer.jwksUri,
    jwksFile: jwksUri === undefined ? issuer.jwksFile : undefined,
  }
  const event = {
    ...logout,
    issuer: location.issuer,
    audiences: audience,
    keeper: isApart ? keeperOf(location, parts) : logout.keeper,
  }
  return { event, logout }
}

/** Those that are of use: of whom no audience is written, nothing is taken. */
function keepersOf(opened: readonly OpenReceiver[]): ReadonlySet<JwksKeeper> {
  const senders = opened.flatMap(({ event, logout }) => [event, logout])
  return new Set(
    senders.filter(({ audiences }) => audiences.length > 0).map(({ keeper }) => keeper),
  )
}

function keeperOf(
  { issuer: iss, jwksUri, jwksFile }: Pick<KeyLocation, 'issuer' | 'jwksUri' | 'jwksFile'>,
  { issuer, ca, profile, opening }: SenderParts,
): JwksKeeper {
  const { timeout: timeoutMs, bytesMax } = issuer.keys
  const location = { issuer: iss, jwksUri, jwksFile, ca, timeoutMs, bytesMax }
  return createJwksKeeper({
    issuer: issuer.name,
    source: createKeySource(location, opening.fetchJson),
    rules: { algorithms: profile.algorithms, keyUses: profile.keyUses },
    policy: keyPolicy({ refreshMs: issuer.keys.refresh, maxStaleMs: issuer.keys.maxStale }),
    clock: opening.clock,
    timers: unrefTimers,
    random: Math.random,
    onEvent: (event) => tellOfKeys(event, opening.log),
  })
}

/** What goes well is told of by the authenticator, which keeps the same keys as a rule. */
function tellOfKeys(event: AuthnEvent, log: Logger): void {
  if (event.type !== 'keys_failed') return
  const { issuer, code, message, failures } = event
  log.warn({ issuer, code, failures }, `keys for signals cannot be loaded: ${message}`)
}

async function openSecret(path: string | undefined): Promise<SecretFile | undefined> {
  if (path === undefined) return undefined
  const secret = createSecretFile({ path })
  required(await secret.refresh())
  return secret
}

async function refresh(opened: readonly OpenReceiver[], log: Logger): Promise<void> {
  for (const { secret, source } of opened) {
    if (secret === undefined || (await secret.refresh()).ok) continue
    log.error({ issuer: source.name }, 'the authorization_file of a receiver cannot be read again')
  }
}
