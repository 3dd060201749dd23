/** Locks as requests find them: by what a request is, not by looking through the locks. */
import type { Operation } from '../../domain/vocabulary.ts'
import type { Lock, LockTarget } from '../lock.ts'
import type { Applied } from '../replica.ts'
import type { LockFacts } from '../view.ts'
import { byAge, isInForce } from './in-force.ts'
import { createNetworkMap } from './network-locks.ts'
import { PairedPlaces, putIn, takeFrom, type Locks, type Places } from './places.ts'
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
  /** By short name of the issuer, and id. */
  private readonly tokens = new PairedPlaces()
  private readonly sessions = new PairedPlaces()
  private readonly issued = new Map<string, Locks>()
  /** By names of models, without their kind, as requests have them. */
  private readonly models = new Map<string, Locks>()
  /** By name, and version. */
  private readonly versions = new PairedPlaces()
  /** Locks on versions, by the name of their model: for requests that name none. */
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
      for (const locks of this.networks.around(facts.client)) search.look(locks)
    }
    if (facts.control !== undefined) return search.found
    search.look(this.everybody)
    if (facts.upstream !== undefined) search.look(this.upstreams.get(facts.upstream))
    if (this.models.size + this.anyVersion.size > 0) {
      for (const operation of facts.operations) this.lookAtModel(operation, search)
    }
    return search.found
  }

  put(lock: Lock): void {
    const known = this.byId.get(lock.id)
    if (known !== undefined) this.remove(known)
    if (lock.lifted !== undefined) return
    this.byId.set(lock.id, lock)
    for (const [places, key] of this.placesOf(lock.target)) putIn(places, key, lock)
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
      search.look(this.tokens.get(issuerName, tokenId))
    }
    if (sessionId !== undefined && this.sessions.size > 0) {
      search.look(this.sessions.get(issuerName, sessionId))
    }
    search.lookAtIssued(this.issued.get(subject.id), subject.issuedAt)
  }

  private lookAtModel(operation: Operation, search: Search): void {
    const { kind, name, version } = operation.resource
    if (kind !== 'model') return
    search.lookFor(operation, this.models.get(name))
    const any = this.anyVersion.get(name)
    if (any === undefined) return
    search.lookFor(operation, version === undefined ? any : this.versions.get(name, version))
    // A name in the place of a number is an alias, of whichever version: `stable`.
    if (version === undefined || isNumber(version)) return
    search.lookFor(operation, this.numbered.get(name))
  }

  private remove(lock: Lock): void {
    this.byId.delete(lock.id)
    for (const [places, key] of this.placesOf(lock.target)) takeFrom(places, key, lock)
  }

  private placesOf(target: LockTarget): readonly (readonly [Places, string])[] {
    if (target.kind === 'all') return [[this.all, '']]
    if (target.kind === 'network') return [[this.networks, target.cidr]]
    if (target.kind === 'issued-before') return [[this.issued, target.subject]]
    if ('issuer' in target) {
      const places = target.kind === 'token' ? this.tokens : this.sessions
      return [[places.of(target.issuer), target.id]]
    }
    const { kind, id } = target
    if (kind === 'model') return [[this.models, nameIn(id)]]
    return kind === 'version' ? this.placesOfVersion(nameIn(id)) : [[this.byKind[kind], id]]
  }

  /** @param id `<name>@<version>` */
  private placesOfVersion(id: string): readonly (readonly [Places, string])[] {
    const at = id.lastIndexOf('@')
    const [name, version] = [id.slice(0, at), id.slice(at + 1)]
    const places = [
      [this.versions.of(name), version],
      [this.anyVersion, name],
    ] as const
    return isNumber(version) ? [...places, [this.numbered, name]] : places
  }

  private readonly all: Places = {
    get: () => (this.everybody.length === 0 ? undefined : this.everybody),
    set: (_, locks) => void (this.everybody = locks),
    delete: () => void (this.everybody = []),
  }
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

  /** {@link look}, for one operation alone. */
  lookFor(operation: Operation, locks: Locks | undefined): void {
    if (locks !== undefined) this.look(locks, [operation])
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

/** The name in `model:<name>`. */
function nameIn(id: string): string {
  return id.slice('model:'.length)
}

function isNumber(version: string): boolean {
  return /^\d+$/.test(version)
}
