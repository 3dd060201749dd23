/** What `modelgate lock` is on, from its options. */
import { GatewayError } from '../../domain/errors.ts'
import { textOption } from '../report.ts'
import type { OptionValues, VerbOption } from '../verb.ts'
import type { OptionFields } from './control-verb.ts'

/** Options that say what is locked: one of them. */
export const TARGET_OPTIONS = {
  user: { type: 'string', value: 'ID', help: 'user:<issuer>/<subject>' },
  person: { type: 'string', value: 'KEY', help: 'one person, with every account they have' },
  group: { type: 'string', value: 'NAME', help: 'everybody in a group' },
  role: { type: 'string', value: 'NAME', help: 'everybody with a role' },
  device: { type: 'string', value: 'ID', help: 'a device' },
  network: { type: 'string', value: 'CIDR', help: 'an address or a network' },
  token: { type: 'string', value: 'JTI', help: 'one token, with --issuer' },
  session: { type: 'string', value: 'SID', help: 'every token of one login, with --issuer' },
  issuer: { type: 'string', value: 'NAME', help: 'short name of the issuer of --token, --session' },
  'issued-before': {
    type: 'string',
    value: 'TIME',
    help: 'with --user: only their tokens issued before then; `now` is now',
  },
  model: { type: 'string', value: 'NAME', help: 'a model' },
  version: { type: 'string', value: 'NAME@VERSION', help: 'one version of a model' },
  upstream: { type: 'string', value: 'NAME', help: 'everything that goes to an upstream' },
  all: { type: 'boolean', help: 'everybody and everything on the data listeners' },
} as const satisfies Record<string, VerbOption>

/** Options that each are a target of their own. */
const KINDS = [
  'user',
  'person',
  'group',
  'role',
  'device',
  'network',
  'token',
  'session',
  'model',
  'version',
  'upstream',
  'all',
] as const

/** Kinds of targets, as the gateway names them. */
export const TARGET_KINDS: readonly string[] = [...KINDS, 'issued-before']

/** Where {@link targetOf} has the options. */
export const TARGET_FIELDS: OptionFields = {
  'target.cidr': 'network',
  'target.issuer': 'issuer',
  'target.subject': 'user',
  'target.before': 'issued-before',
  'target.id': KINDS,
}

/** How a name is written where people leave its prefix out. */
const PREFIXES: Readonly<Record<string, string>> = {
  user: 'user:',
  person: 'person:',
  group: 'group:',
  role: 'role:',
  model: 'model:',
  version: 'model:',
}

/** The target, as the API takes it. @throws ERR_USAGE when there is none, or several */
export function targetOf(options: OptionValues, now: () => number): object {
  const [kind, ...more] = KINDS.filter((name) => options[name] !== undefined)
  if (kind === undefined || more.length > 0) {
    throw new GatewayError('ERR_USAGE', 'a lock is on one thing: --user, --model, --all, …')
  }
  checkCompanions(options, kind)
  if (kind === 'all') return { kind }
  const text = textOption(options, kind, '')
  if (kind === 'network') return { kind, cidr: text }
  if (kind === 'token' || kind === 'session') return { kind, issuer: issuerOf(options), id: text }
  const id = prefixed(kind, text)
  const before = textOption(options, 'issued-before')
  if (before === undefined) return { kind, id }
  const at = before === 'now' ? new Date(now()).toISOString() : before
  return { kind: 'issued-before', subject: id, before: at }
}

/** A lock that is wider than what was said locks out whom nobody meant. @throws ERR_USAGE */
function checkCompanions(options: OptionValues, kind: (typeof KINDS)[number]): void {
  if (options['issued-before'] !== undefined && kind !== 'user') {
    throw new GatewayError('ERR_USAGE', '--issued-before goes with --user')
  }
  if (options['issuer'] !== undefined && kind !== 'token' && kind !== 'session') {
    throw new GatewayError('ERR_USAGE', '--issuer goes with --token or --session')
  }
}

function prefixed(kind: string, text: string): string {
  const prefix = PREFIXES[kind] ?? ''
  return text.startsWith(prefix) ? text : `${prefix}${text}`
}

function issuerOf(options: OptionValues): string {
  const issuer = textOption(options, 'issuer')
  if (issuer !== undefined) return issuer
  throw new GatewayError('ERR_USAGE', '--token and --session need --issuer NAME')
}
