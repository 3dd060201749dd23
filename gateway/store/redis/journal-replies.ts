/** What the scripts of the journal answer, checked. */
import type {
  Appended,
  JournalEntry,
  JournalHead,
  JournalPage,
  JournalSnapshot,
  PrivilegeUse,
  ReplicaNotice,
} from '../../domain/journal.ts'
import { textsFrom } from './replies.ts'

/** @throws Error */
export function headFrom(reply: unknown): JournalHead {
  const [epoch, seq, now] = textsFrom(reply)
  return { epoch: epochFrom(epoch), seq: numberFrom(seq), now: numberFrom(now) }
}

/** @throws Error */
export function appendedFrom(reply: unknown): Appended {
  const [appended, ...rest] = textsFrom(reply)
  const head = headFrom(rest)
  if (appended === '0') return { appended: false, head }
  if (appended !== '1') throw new Error('an append that was answered with neither yes nor no')
  return { appended: true, seq: head.seq, at: head.now }
}

/** Reads a page of entries behind `seq`. @throws Error */
export function pageFrom(reply: unknown, seq: number): JournalPage {
  const [epoch, last, now, trimmed, ...rest] = textsFrom(reply)
  const head = headFrom([epoch ?? '', last ?? '', now ?? ''])
  const trimmedTo = numberFrom(trimmed)
  const first = Math.max(seq, trimmedTo) + 1
  const entries = pairsOf(rest).map(([at, text], i): JournalEntry => ({
    seq: first + i,
    at: numberFrom(at),
    text,
  }))
  return { ...head, entries, trimmedTo }
}

/** @throws Error */
export function snapshotFrom(reply: unknown): JournalSnapshot | undefined {
  const [epoch, seq, text] = textsFrom(reply)
  if (epoch === undefined) return undefined
  if (text === undefined) throw new Error('a snapshot without its text')
  return { epoch: epochFrom(epoch), seq: numberFrom(seq), text }
}

/** @throws Error */
export function replicasFrom(reply: unknown): readonly ReplicaNotice[] {
  return pairsOf(textsFrom(reply)).map(([at, text]) => {
    const kept = JSON.parse(text) as Partial<ReplicaNotice> | null
    const { id, seq, name } = kept ?? {}
    const isNotice = typeof id === 'string' && typeof name === 'string' && typeof seq === 'number'
    if (!isNotice) throw new Error('a replica that is nobody')
    return { id, seq, at: numberFrom(at), name }
  })
}

/** @throws Error */
export function usesFrom(reply: unknown): readonly PrivilegeUse[] {
  return pairsOf(textsFrom(reply)).map(([privilege, at]) => ({ privilege, at: numberFrom(at) }))
}

function pairsOf(texts: readonly string[]): (readonly [string, string])[] {
  if (texts.length % 2 !== 0) throw new Error('a list with half a pair')
  const pairs: [string, string][] = []
  for (let i = 0; i < texts.length; i += 2) pairs.push([texts[i] ?? '', texts[i + 1] ?? ''])
  return pairs
}

function epochFrom(text: string | undefined): string {
  if (text !== undefined && /^[0-9a-f]{32}$/.test(text)) return text
  throw new Error('a journal without an epoch')
}

function numberFrom(text: string | undefined): number {
  const number = /^\d{1,16}$/.test(text ?? '') ? Number(text) : NaN
  if (Number.isSafeInteger(number)) return number
  throw new Error('an answer that is no number')
}
