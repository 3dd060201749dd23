/** Locks as requests find them: by what a request is, not by looking through the locks. */
import type { Operation } from '../../domain/vocabulary.ts'
import type { Lock, LockTarget } from '../lock.ts'
import type { Applied } from '../replica.ts'
import type { LockFacts } from '../view.ts'
import { byAge, isInForce } from './in-force.ts'
import { createNetworkMap } from './network-locks.ts'
import { isOnAccountsOf } from './scope.ts'

/** See {@link createLockIndex}. */
export interface LockIndex {
  /** Locks that are kept, of which some may be over. */
  readonly size: number
  /** The oldest lock in force at `now`, milliseconds since the epoch, on any of `facts`. */
  find(facts: LockFacts, now: number): Lock | undefined
  /** Takes in one lock in the place of what was known by its id; one that was lifted is dropped. */
  put(lock: Lock): void
  /** Brings the index to the state after a change: by its events, or anew after a snapshot. */
  follow(applied: Applied): void
}

type Locks = Lock[]

/**
 * Indexes `locks`. A look-up costs what the request has (holdings, operations), and the number of
 * different lengths of locked networks, whatever the number of locks.
 */
export function createLockIndex(locks: ReadonlyMap<string, Lock>): LockIndex {
  return new Index(locks)
}

class Index implements LockIndex {
  private readonly byId = new Map<string, Lock>()
  /** By id of users, groups and roles: these have their kinds written before them. */
  private readonly held = new Map<string, Locks>()
  private readonly persons = new Map<string, Locks>()
  private readonly devices = new Map<string, Locks>()
  /** By `<issuer name> <id>`; names of issuers hold no space. */
  private readonly tokens = new Map<string, Locks>()
  private readonly sessions = new Map<string, Locks>()
  private readonly issued = new Map<string, Locks>()
  private readonly models = new Map<string, Locks>()
  private readonly versions = new Map<string, Locks>()
  /** Locks on versions, by their model: for requests that name none. */
  private readonly anyVersion = new Map<string, Locks>()
  /** Of these, those on versions that are numbers. */
  private readonly numbered = new Map<string, Locks>()
  private readonly upstreams = new Map<string, Locks>()
  private readonly networks = createNetworkMap<Locks>()
  private everybody: Locks = []
  private readonly byKind = {
    user: this.held,
    group: this.held,
    role: this.held,
    person: this.persons,
    device: this.devices,
    model: this.models,
    version: this.versions,
    upstream: this.upstreams,
  }

  constructor(locks: ReadonlyMap<string, Lock>) {
    for (const lock of locks.values()) this.put(lock)
  }

  get size(): number {
    return this.byId.size
  }

  find(facts: LockFacts, now: number): Lock | undefined {
    if (this.byId.size === 0) return undefined
    const search = new Search(facts, now)
    this.lookAtCaller(facts, search)
    if (this.networks.size > 0 && facts.control !== 'local') {
      this.networks.visit(facts.client, (locks) => search.look(locks))
    }
    if (facts.control !== undefined) return search.found
    search.look(this.everybody)
    if (facts.upstream !== undefined) search.look(this.upstreams.get(facts.upstream))
    if (this.models.size + this.versions.size > 0) {
      for (const operation of facts.operations) this.lookAtModel(operation, search)
    }
    return search.found
  }

  put(lock: Lock): void {
    const known = this.byId.get(lock.id)
    if (known !== undefined) this.remove(known)
    if (lock.lifted !== undefined) return
    this.byId.set(lock.id, lock)
    for (const [map, key] of this.placesOf(lock.target)) {
      const locks = map.get(key)
      if (locks === undefined) map.set(key, [lock])
      else insert(locks, lock)
    }
  }

  follow({ before, after, events }: Applied): void {
    if (before.locks === after.locks) return
    if (events.length === 0) {
      this.begin(after.locks)
      return
    }
    for (const { event } of events) {
      const id = event.type === 'lock.set' ? event.lock.id : 'id' in event ? event.id : ''
      const lock = after.locks.get(id)
      if (lock !== undefined) this.put(lock)
      else this.forget(id)
    }
    // What fell out of the state since has no event of its own.
    if (this.byId.size > after.locks.size) this.begin(after.locks)
  }

  private forget(id: string): void {
    const known = this.byId.get(id)
    if (known !== undefined) this.remove(known)
  }

  /** Everything anew: what was there before may be gone. */
  private begin(locks: ReadonlyMap<string, Lock>): void {
    for (const lock of [...this.byId.values()]) this.remove(lock)
    for (const lock of locks.values()) this.put(lock)
  }

  private lookAtCaller({ subject, holdings, devices }: LockFacts, search: Search): void {
    const { issuerName, tokenId, sessionId, person } = subject
    if (this.held.size > 0) {
      for (const name of holdings) search.look(this.held.get(name))
    }
    if (person !== undefined) search.look(this.persons.get(person))
    if (devices !== undefined && this.devices.size > 0) {
      for (const id of devices) search.look(this.devices.get(id))
    }
    if (tokenId !== undefined && this.tokens.size > 0) {
      search.look(this.tokens.get(`${issuerName} ${tokenId}`))
    }
    if (sessionId !== undefined && this.sessions.size > 0) {
      search.look(this.sessions.get(`${issuerName} ${sessionId}`))
    }
    search.lookAtIssued(this.issued.get(subject.id), subject.issuedAt)
  }

  private lookAtModel(operation: Operation, search: Search): void {
    const { kind, name, version } = operation.resource
    if (kind !== 'model') return
    const model = `model:${name}`
    const only = [operation]
    search.look(this.models.get(model), only)
    const versions =
      version === undefined ? this.anyVersion.get(model) : this.versions.get(`${model}@${version}`)
    search.look(versions, only)
    // A name in the place of a number is an alias, of whichever version: `stable`.
    if (version !== undefined && !isNumber(version)) search.look(this.numbered.get(model), only)
  }

  private remove(lock: Lock): void {
    this.byId.delete(lock.id)
    for (const [map, key] of this.placesOf(lock.target)) {
      const rest = (map.get(key) ?? []).filter(({ id }) => id !== lock.id)
      if (rest.length === 0) map.delete(key)
      else map.set(key, rest)
    }
  }

  private placesOf(target: LockTarget): readonly (readonly [Places, string])[] {
    if (target.kind === 'all') return [[this.all, '']]
    if (target.kind === 'network') return [[this.networks, target.cidr]]
    if (target.kind === 'issued-before') return [[this.issued, target.subject]]
    if ('issuer' in target) {
      const map = target.kind === 'token' ? this.tokens : this.sessions
      return [[map, `${target.issuer} ${target.id}`]]
    }
    const { kind, id } = target
    const place = [this.byKind[kind], id] as const
    if (kind !== 'version') return [place]
    const at = id.lastIndexOf('@')
    const model = id.slice(0, at)
    const places = [place, [this.anyVersion, model]] as const
    return isNumber(id.slice(at + 1)) ? [...places, [this.numbered, model]] : places
  }

  private readonly all: Places = {
    get: () => (this.everybody.length === 0 ? undefined : this.everybody),
    set: (_, locks) => void (this.everybody = locks),
    delete: () => void (this.everybody = []),
  }
}

/** Where locks on one kind of thing are. */
interface Places {
  get(key: string): Locks | undefined
  set(key: string, locks: Locks): unknown
  delete(key: string): unknown
}

/** Keeps `locks` by age. New ones are mostly the youngest. */
function insert(locks: Locks, lock: Lock): void {
  let at = locks.length
  for (; at > 0; at--) {
    const before = locks[at - 1]
    if (before === undefined || byAge(before, lock) <= 0) break
  }
  locks.splice(at, 0, lock)
}

/** The oldest lock that counts, of all those looked at. */
class Search {
  found: Lock | undefined
  private readonly operations: readonly Operation[]
  private readonly issuer: string
  private readonly now: number

  constructor({ operations, subject }: Pick<LockFacts, 'operations' | 'subject'>, now: number) {
    this.operations = operations
    this.issuer = subject.issuerName
    this.now = now
  }

  /** `locks` by age; those with actions count when one of `operations` is among them. */
  look(locks: Locks | undefined, operations = this.operations): void {
    if (locks === undefined) return
    const first = locks.find(
      (lock) =>
        isInForce(lock, this.now) && covers(lock, operations) && isOnAccountsOf(lock, this.issuer),
    )
    if (first !== undefined) this.take(first)
  }

  lookAtIssued(locks: Locks | undefined, issuedAt: number): void {
    if (locks === undefined) return
    this.look(locks.filter(({ target }) => isBefore(target, issuedAt)))
  }

  private take(lock: Lock): void {
    if (this.found === undefined || byAge(lock, this.found) < 0) this.found = lock
  }
}

function isBefore(target: LockTarget, issuedAt: number): boolean {
  return target.kind === 'issued-before' && issuedAt < target.before
}

function covers({ actions }: Lock, operations: readonly Operation[]): boolean {
  return actions === undefined || operations.some(({ action }) => actions.includes(action))
}

function isNumber(version: string): boolean {
  return /^\d+$/.test(version)
}
