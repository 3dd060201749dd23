/**
 * The journal in Redis. Each ask is one script on keys of one slot. Snapshots go over a connection of
 * their own, with more time: a long one must not keep claims and appends waiting.
 */
import { randomBytes } from 'node:crypto'
import {
  JOURNAL_PAGE_CHARS,
  USES_MAX,
  type JournalStore,
  type PrivilegeUse,
} from '../../domain/journal.ts'
import {
  checkCursor,
  checkEntries,
  checkPage,
  checkReplica,
  checkSnapshot,
  checkUses,
} from '../asks.ts'
import { digestOf } from '../digests.ts'
import type { Asker } from './asker.ts'
import type { HintSource } from './hint-source.ts'
import {
  appendedFrom,
  headFrom,
  pageFrom,
  replicasFrom,
  snapshotFrom,
  usesFrom,
} from './journal-replies.ts'
import { JOURNAL_KEYS, JOURNAL_SCRIPTS as SCRIPTS } from './journal-scripts.ts'
import { wholeFrom } from './replies.ts'

/** Uses in one answer: a longer one would keep Redis from answering others. */
const USES_PAGE = 1_000

/** What {@link createRedisJournal} works with. */
export interface RedisJournalParts {
  readonly asker: Asker
  /** Asks what must not be lost: it waits for replicas of Redis where that is configured. */
  readonly lasting: Asker
  /** Asks what is large. */
  readonly bulk: () => Promise<Asker>
  readonly hints: HintSource
  /** Empty, or the time that a test pins. */
  readonly time: () => string
  readonly prefix: string
}

/** Name of the channel of hints. */
export function hintChannel(prefix: string): string {
  return `${prefix}:{journal}:hint`
}

/** Names of the keys, all in one slot of a cluster. */
export function journalKeys(prefix: string): readonly string[] {
  return JOURNAL_KEYS.map((name) => `${prefix}:{journal}:${name}`)
}

/** The journal behind `parts.asker`. */
export function createRedisJournal(parts: RedisJournalParts): JournalStore {
  return { ...entries(parts), ...snapshots(parts), ...lists(parts) }
}

type Part<K extends keyof JournalStore> = Pick<JournalStore, K>

/** What a journal is called if it is begun by this ask. */
const newEpoch = (): string => randomBytes(16).toString('hex')

function entries(parts: RedisJournalParts): Part<'head' | 'append' | 'entriesAfter' | 'onHint'> {
  const { asker, lasting, hints, time, prefix } = parts
  const keys = journalKeys(prefix)
  return {
    head: () => asker.ask(SCRIPTS.head, keys, [time(), newEpoch()], headFrom),
    async append(texts, after) {
      checkEntries(texts)
      const seen = [after.epoch, String(after.seq), hintChannel(prefix)]
      const args = [time(), newEpoch(), ...seen, ...texts]
      const appended = await lasting.ask(SCRIPTS.append, keys, args, appendedFrom)
      if (appended.appended) hints.tell()
      return appended
    },
    async entriesAfter(seq, max) {
      checkPage(seq, max)
      const args = [time(), newEpoch(), ...[seq, max, JOURNAL_PAGE_CHARS].map(String)]
      return asker.ask(SCRIPTS.page, keys, args, (reply) => pageFrom(reply, seq))
    },
    onHint: (listener) => hints.add(listener),
  }
}

function snapshots(parts: RedisJournalParts): Part<'snapshot' | 'keepSnapshot'> {
  const { bulk, time, prefix } = parts
  const keys = journalKeys(prefix)
  return {
    async snapshot() {
      const asker = await bulk()
      return asker.ask(SCRIPTS.snapshot, keys, [time(), newEpoch()], snapshotFrom)
    },
    async keepSnapshot(snapshot, keep) {
      checkSnapshot(snapshot, keep)
      const { epoch, seq, text } = snapshot
      const args = [time(), newEpoch(), epoch, String(seq), String(keep), text]
      const asker = await bulk()
      await asker.ask(SCRIPTS.keepSnapshot, keys, args, wholeFrom)
    },
  }
}

function lists(parts: RedisJournalParts): Part<'announce' | 'noteUses' | 'uses' | 'cursor'> {
  const { asker, time, prefix } = parts
  const keys = journalKeys(prefix)
  const usesFromPlace = (first: number): Promise<readonly PrivilegeUse[]> =>
    asker.ask(SCRIPTS.uses, keys, [time(), String(first), String(USES_PAGE)], usesFrom)
  return {
    async announce({ id, seq, name }, ttlMs) {
      checkReplica({ id, seq, name }, ttlMs)
      const text = JSON.stringify({ id, seq, name })
      const args = [time(), digestOf('replica', id), String(ttlMs), text]
      return asker.ask(SCRIPTS.announce, keys, args, replicasFrom)
    },
    async noteUses(uses) {
      checkUses(uses)
      if (uses.length === 0) return
      const args = uses.flatMap(({ privilege, at }) => [String(at), privilege])
      await asker.ask(SCRIPTS.noteUses, keys, [time(), ...args], wholeFrom)
    },
    async uses() {
      // The latest come first: what is used meanwhile moves to places that were read, never behind.
      const found = new Map<string, PrivilegeUse>()
      for (let first = 0; first < USES_MAX; first += USES_PAGE) {
        const page = await usesFromPlace(first)
        for (const use of page) if (!found.has(use.privilege)) found.set(use.privilege, use)
        if (page.length < USES_PAGE) break
      }
      return [...found.values()]
    },
    async cursor(name, to) {
      checkCursor(name, to)
      const args = [time(), name, to === undefined ? '' : String(to)]
      return asker.ask(SCRIPTS.cursor, keys, args, wholeFrom)
    },
  }
}
