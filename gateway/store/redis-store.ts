/**
 * The shared state in Redis, for any number of replicas. Each ask is one Lua script, so that it is
 * done wholly or not at all, however many ask; Redis's own clock tells the time.
 *
 * What is answered is as durable as Redis is configured to be (`docs/operations.md`). After an ask
 * that failed it is not known whether it was done: a lease then counts though nobody uses it, bytes
 * may be counted twice, and a claim is asked again with the same attempt.
 */
import type { Lockout, SharedStore } from '../domain/shared-state.ts'
import {
  checkClaim,
  checkGiveBack,
  checkHold,
  checkLease,
  checkLockout,
  checkProgress,
} from './asks.ts'
import type { StoreContents } from './contents.ts'
import { digestOf } from './digests.ts'
import type { Asker, AskerOptions } from './redis/asker.ts'
import { createAskers } from './redis/askers.ts'
import type { ReplicaWait } from './redis/client.ts'
import { createRedisContents } from './redis/contents.ts'
import { createHintSource } from './redis/hint-source.ts'
import { createRedisJournal, hintChannel } from './redis/journal.ts'
import { createLockoutList } from './redis/lockout-list.ts'
import { claimFrom, leaseFrom, wholeFrom } from './redis/replies.ts'
import { SCRIPTS } from './redis/scripts.ts'
import { keptMs, partMs } from './windows.ts'

export { parseRedisUrl, type RedisTarget } from './redis/url.ts'
export type { RedisEvent } from './redis/asker.ts'

/** Where Redis is, and how long it may take. */
export interface RedisStoreOptions extends Omit<AskerOptions, 'wait'> {
  /** For appends to the journal and claims; absent is that no replica of Redis is waited for. */
  readonly wait?: ReplicaWait
  /** Pins the time, for tests; Redis's own when absent. Milliseconds since the epoch. */
  readonly now?: () => number
}

/** A store over Redis. */
export interface RedisStore extends SharedStore {
  readonly contents: StoreContents
  /** Resolves when Redis was reached. */
  whenUp(): Promise<void>
  /** Goes on with another URL. */
  connect(target: Pick<AskerOptions, 'target' | 'ca'>): void
}

/** Connects in the background; asks fail until Redis was reached. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const askers = createAskers(options)
  const { asker, lasting, bulk } = askers
  const { prefix } = options
  const hints = createHintSource(options, hintChannel(prefix))
  const time = (): string => (options.now === undefined ? '' : String(options.now()))
  const parts = { asker, lasting, time, prefix }
  return {
    kind: 'redis',
    get healthy() {
      return askers.isUp
    },
    ...quotas(parts),
    ...claims(parts),
    ...lockouts(parts),
    journal: createRedisJournal({ ...parts, bulk, hints }),
    contents: createRedisContents(askers, prefix, time),
    whenUp: () => askers.whenUp(),
    connect(target) {
      askers.connect(target)
      hints.connect(target)
    },
    close() {
      hints.close()
      askers.close()
      return Promise.resolve()
    },
  }
}

interface Parts {
  readonly asker: Asker
  /** Asks what must not be lost. */
  readonly lasting: Asker
  readonly time: () => string
  readonly prefix: string
}

type Part<K extends keyof SharedStore> = Pick<SharedStore, K>

function quotas({ asker, time, prefix }: Parts): Part<'lease' | 'giveBack' | 'hold'> {
  const keyOf = (key: string, windowMs: number): string =>
    `${prefix}:w:${digestOf('window', windowMs, key)}`
  const shape = (windowMs: number): string[] => [
    time(),
    String(partMs(windowMs)),
    String(keptMs(windowMs)),
  ]
  return {
    async lease(asks) {
      asks.forEach(checkLease)
      return Promise.all(
        asks.map(({ key, windowMs, max, amount }) => {
          const args = [...shape(windowMs), String(max), String(amount), String(windowMs)]
          return asker.ask(SCRIPTS.lease, [keyOf(key, windowMs)], args, leaseFrom)
        }),
      )
    },
    async giveBack(parts) {
      parts.forEach(checkGiveBack)
      await Promise.all(
        parts.map(({ key, windowMs, amount, heldMs = 0 }) => {
          const args = [...shape(windowMs), String(amount), String(Math.ceil(heldMs))]
          return asker.ask(SCRIPTS.giveBack, [keyOf(key, windowMs)], args, wholeFrom)
        }),
      )
    },
    async hold(ask) {
      checkHold(ask)
      const holder = digestOf('holder', ask.holder)
      const args = [time(), holder, ...[ask.places, ask.max, ask.ttlMs].map(String)]
      return asker.ask(SCRIPTS.hold, [`${prefix}:h:${digestOf('hold', ask.key)}`], args, wholeFrom)
    },
  }
}

function claims({ asker, lasting, time, prefix }: Parts): Part<'claim' | 'progress' | 'release'> {
  const keyOf = (grant: string): string => `${prefix}:g:${digestOf('grant', grant)}`
  const head = (part: { transfer: string; attempt: string; ttlMs: number }): string[] => [
    time(),
    digestOf('transfer', part.transfer),
    digestOf('attempt', part.attempt),
    String(part.ttlMs),
  ]
  return {
    async claim(ask) {
      checkClaim(ask)
      const args = [...head(ask), text(ask.usesMax), text(ask.bytesMax), String(ask.expiresAt)]
      return lasting.ask(SCRIPTS.claim, [keyOf(ask.grant)], args, claimFrom)
    },
    async progress(part) {
      checkProgress(part)
      const args = [...head(part), String(part.bytes), '']
      const left = await asker.ask(SCRIPTS.progress, [keyOf(part.grant)], args, wholeFrom)
      return left < 0 ? Infinity : left
    },
    async release(part) {
      checkProgress(part)
      const args = [...head(part), String(part.bytes), part.complete ? 'c' : 'r']
      await asker.ask(SCRIPTS.progress, [keyOf(part.grant)], args, wholeFrom)
    },
  }
}

function lockouts({ asker, time, prefix }: Parts): Part<'lock' | 'lockouts' | 'unlock'> {
  // The braces put the three into one slot of a cluster.
  const keys = ['ends', 'data', 'version'].map((name) => `${prefix}:{lockouts}:${name}`)
  const list = createLockoutList({ asker, time, keys })
  return {
    async lock(subject, forMs, decisionId) {
      checkLockout(subject, forMs, decisionId)
      const kept: Omit<Lockout, 'until'> = { subject, decisionId }
      const args = [time(), digestOf('lockout', subject), String(forMs), JSON.stringify(kept)]
      await asker.ask(SCRIPTS.lock, keys, args, wholeFrom)
    },
    lockouts: () => list.read(),
    async unlock(subject) {
      checkLockout(subject, 1, '')
      const args = [time(), digestOf('lockout', subject)]
      await asker.ask(SCRIPTS.unlock, keys, args, wholeFrom)
    },
  }
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
