/** What is kept for good in Redis, taken out and put in. */
import type { GrantUse, Transfer } from '../claims.ts'
import type { KeptGrantUse, StoreContents } from '../contents.ts'
import type { Askers } from './askers.ts'
import { journalKeys } from './journal.ts'
import { JOURNAL_SCRIPTS } from './journal-scripts.ts'
import { textsFrom, wholeFrom } from './replies.ts'
import { SCRIPTS } from './scripts.ts'

/** In the place of an attempt when none is alive. */
const NOBODY = '-'

/** The contents behind `asker`. */
export function createRedisContents(
  { asker, bulk }: Pick<Askers, 'asker' | 'bulk'>,
  prefix: string,
  time: () => string,
): StoreContents {
  const keys = journalKeys(prefix)
  const grants = `${prefix}:g:`
  return {
    async *grantUses() {
      for await (const found of asker.keys(`${grants}*`)) {
        for (const key of found) {
          const use = await asker.ask(SCRIPTS.grantRead, [key], [], grantUseOf)
          if (use !== undefined) yield { grant: key.slice(grants.length), use }
        }
      }
    },
    async keepGrantUse(kept) {
      const args = [time(), ...grantArgs(kept)]
      await asker.ask(SCRIPTS.grantKeep, [grants + kept.grant], args, wholeFrom)
    },
    cursors: () => asker.ask(JOURNAL_SCRIPTS.cursors, keys, [time()], cursorsOf),
    async beginJournal() {
      await (await bulk()).ask(JOURNAL_SCRIPTS.begin, keys, [time()], wholeFrom)
    },
    async putEntries(entries) {
      const args = entries.flatMap(({ seq, at, text }) => [String(seq), String(at), text])
      await (await bulk()).ask(JOURNAL_SCRIPTS.put, keys, [time(), ...args], wholeFrom)
    },
    async finishJournal({ epoch, seq, at, trimmedTo, snapshot, cursors }) {
      const mark = [epoch, ...[seq, at, trimmedTo].map(String)]
      const kept = [snapshot === undefined ? '' : String(snapshot.seq), snapshot?.text ?? '']
      const args = [time(), ...mark, ...kept, ...cursors.flat().map(String)]
      await (await bulk()).ask(JOURNAL_SCRIPTS.finish, keys, args, wholeFrom)
    },
  }
}

function grantArgs({ use }: KeptGrantUse): string[] {
  const { uses, bytes, bytesMax, expiresAt, transfers } = use
  const fields = Object.entries(transfers).flatMap(([id, one]) => [
    `t${id}`,
    [
      ...[one.attempt === '' ? NOBODY : one.attempt, one.aliveUntil, one.bytes, one.bytesBefore],
      one.resumed ? 1 : 0,
    ].join(' '),
  ])
  return [...[uses, bytes, bytesMax ?? '', expiresAt].map(String), ...fields]
}

/** Nothing when the grant is gone. @throws Error when it is damaged */
function grantUseOf(reply: unknown): GrantUse | undefined {
  const fields = new Map(pairsOf(textsFrom(reply)))
  if (fields.size === 0) return undefined
  const number = (name: string): number => wholeFrom(Number(fields.get(name) ?? NaN))
  const transfers = [...fields].filter(([name]) => name.startsWith('t'))
  return {
    uses: number('uses'),
    bytes: number('bytes'),
    ...(fields.has('bytes_max') ? { bytesMax: number('bytes_max') } : {}),
    expiresAt: number('ends'),
    transfers: Object.fromEntries(
      transfers.map(([name, text]) => [name.slice(1), transferOf(text)]),
    ),
  }
}

function transferOf(text: string): Transfer {
  const [attempt = '', ...rest] = text.split(' ')
  const [aliveUntil, bytes, bytesBefore, resumed] = rest.map((part) => wholeFrom(Number(part)))
  if (aliveUntil === undefined || bytes === undefined || bytesBefore === undefined) {
    throw new Error('a damaged transfer')
  }
  const isNobody = attempt === NOBODY
  return {
    attempt: isNobody ? '' : attempt,
    aliveUntil,
    bytes,
    bytesBefore,
    resumed: resumed === 1,
  }
}

function cursorsOf(reply: unknown): readonly (readonly [string, number])[] {
  return pairsOf(textsFrom(reply)).map(([name, seq]) => [name, wholeFrom(Number(seq))])
}

function pairsOf(texts: readonly string[]): (readonly [string, string])[] {
  return texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? ''] as const] : []))
}
