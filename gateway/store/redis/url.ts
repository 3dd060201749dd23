/**
 * The URL of a Redis, which holds its password: no message here repeats any of it.
 *
 * `redis://[user:password@]host[:port][/db]`, `rediss://…` over TLS, `redis+unix://[…@]/path[?db=n]`,
 * `redis+sentinel://[…@]host[:port],…/master[/db][?sentinel_username=…&sentinel_password=…]` and
 * `redis+cluster://[…@]host[:port],…`; the last two with `rediss+` over TLS. Names and passwords are
 * percent-encoded.
 */

/** One host. */
export interface RedisHost {
  readonly host: string
  readonly port: number
}

/** Who to be there. */
export interface RedisLogin {
  readonly username?: string
  readonly password?: string
}

/** What a URL says. */
export type RedisTarget = {
  readonly login: RedisLogin
  readonly tls: boolean
} & (
  | { readonly mode: 'standalone'; readonly host: RedisHost; readonly db: number }
  | { readonly mode: 'unix'; readonly path: string; readonly db: number }
  | { readonly mode: 'cluster'; readonly hosts: readonly RedisHost[] }
  | {
      readonly mode: 'sentinel'
      readonly hosts: readonly RedisHost[]
      readonly master: string
      readonly db: number
      readonly sentinelLogin: RedisLogin
    }
)

const URL_MAX = 4_096
const HOSTS_MAX = 64
const SHAPE = /^(rediss?)(?:\+(unix|sentinel|cluster))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/

/** Reads a URL, or says what is wrong with it. */
export function parseRedisUrl(text: string): RedisTarget | { readonly problem: string } {
  try {
    return parsed(text)
  } catch (error) {
    if (error instanceof UrlProblem) return { problem: error.message }
    return { problem: 'it is not a URL as described; percent-encode names and passwords' }
  }
}

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name)
}

class UrlProblem extends Error {}

function parsed(text: string): RedisTarget {
  const match = text.length <= URL_MAX ? SHAPE.exec(text) : null
  if (match === null) {
    throw new UrlProblem('it begins with none of redis://, rediss://, redis+unix://, …')
  }
  const [, scheme, kind = '', authority = '', path = '', query = ''] = match
  const at = authority.lastIndexOf('@')
  const read = TARGETS[kind] ?? standaloneTarget
  return read({
    tls: scheme === 'rediss',
    login: loginOf(authority.slice(0, Math.max(at, 0))),
    hosts: authority.slice(at + 1),
    path,
    options: new URLSearchParams(query),
  })
}

/** The parts of a URL. */
interface Parts {
  readonly tls: boolean
  readonly login: RedisLogin
  readonly hosts: string
  readonly path: string
  readonly options: URLSearchParams
}

const TARGETS: Readonly<Record<string, ((parts: Parts) => RedisTarget) | undefined>> = {
  unix: unixTarget,
  cluster: clusterTarget,
  sentinel: sentinelTarget,
}

function standaloneTarget({ tls, login, hosts, path }: Parts): RedisTarget {
  const [host, more] = hostsOf(hosts, 6_379, tls)
  if (host === undefined || more !== undefined) {
    throw new UrlProblem('redis:// has one host; several are redis+sentinel:// or redis+cluster://')
  }
  return { mode: 'standalone', login, tls, host, db: dbOf(path.slice(1)) }
}

function clusterTarget({ tls, login, hosts, path }: Parts): RedisTarget {
  if (path.length > 1) throw new UrlProblem('a cluster has no databases; leave the path out')
  return { mode: 'cluster', login, tls, hosts: hostsOf(hosts, 6_379, tls) }
}

function sentinelTarget({ tls, login, hosts, path, options }: Parts): RedisTarget {
  const [name = '', db] = path.slice(1).split('/')
  if (name === '') throw new UrlProblem('the name of the master is missing: …/mymaster')
  return {
    mode: 'sentinel',
    login,
    tls,
    hosts: hostsOf(hosts, 26_379, tls),
    master: decodeURIComponent(name),
    db: dbOf(db),
    sentinelLogin: sentinelLoginOf(options),
  }
}

function unixTarget({ tls, login, path, options }: Parts): RedisTarget {
  if (tls) throw new UrlProblem('a socket file needs no TLS; write redis+unix://')
  if (path.length < 2) throw new UrlProblem('the path of the socket is missing')
  const db = dbOf(options.get('db') ?? '')
  return { mode: 'unix', login, tls, path: decodeURIComponent(path), db }
}

function loginOf(text: string): RedisLogin {
  if (text === '') return {}
  const [username = '', ...rest] = text.split(':')
  return login(decodeURIComponent(username), decodeURIComponent(rest.join(':')))
}

function sentinelLoginOf(options: URLSearchParams): RedisLogin {
  return login(options.get('sentinel_username') ?? '', options.get('sentinel_password') ?? '')
}

function login(username: string, password: string): RedisLogin {
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  }
}

function hostsOf(text: string, fallback: number, tls: boolean): RedisHost[] {
  const hosts = text.split(',').map((one) => hostOf(one, fallback))
  if (hosts.length > HOSTS_MAX) throw new UrlProblem(`it names more than ${HOSTS_MAX} hosts`)
  // A password in the clear is everyone's on the way (CWE-319).
  if (!tls && !hosts.every(({ host }) => isLoopback(host))) {
    throw new UrlProblem(
      'without TLS only this machine is asked; write rediss://, rediss+sentinel:// or rediss+cluster://',
    )
  }
  return hosts
}

function hostOf(text: string, fallback: number): RedisHost {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? fallback)
  if (match?.[1] === undefined || port < 1 || port > 65_535) {
    throw new UrlProblem('a host is missing, or is not host:port')
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port }
}

function dbOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,5}$/.test(text)) throw new UrlProblem('the database is not a number')
  return Number(text)
}
