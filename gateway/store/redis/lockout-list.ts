/** The list of lockouts: replicas ask for it every second, and get it only when it changed. */
import type { Lockout } from '../../domain/shared-state.ts'
import { LOCKOUTS_MAX } from '../lockouts.ts'
import { unavailable } from '../unavailable.ts'
import type { Asker } from './asker.ts'
import { textsFrom } from './replies.ts'
import { SCRIPTS } from './scripts.ts'

/** Lockouts in one answer: a longer one would keep Redis from answering others. */
const PAGE = 2_000
/** Times that a list which changes while it is read is begun anew. */
const ATTEMPTS_MAX = 4

interface Page {
  readonly version: string
  readonly now: number
  readonly lockouts: readonly Lockout[]
}

/** Reads the list. */
export function createLockoutList(deps: {
  readonly asker: Asker
  readonly time: () => string
  readonly keys: readonly string[]
}): { read(): Promise<readonly Lockout[]> } {
  const { asker, time, keys } = deps
  let seen: { readonly version: string; readonly list: readonly Lockout[] } | undefined

  const page = (known: string, first: number): Promise<Page> =>
    asker.ask(SCRIPTS.lockouts, keys, [time(), known, String(first), String(PAGE)], pageFrom)

  /** Nothing when it changed meanwhile. */
  async function readAll(first: Page): Promise<Lockout[] | undefined> {
    const list = [...first.lockouts]
    for (let last = first; last.lockouts.length === PAGE && list.length < LOCKOUTS_MAX;) {
      // No version is known like this, so that the page is always sent.
      last = await page('-', list.length)
      if (last.version !== first.version) return undefined
      list.push(...last.lockouts)
    }
    return list
  }
  return {
    async read() {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const first = await page(seen?.version ?? '-', 0)
        const isKnown = first.version === seen?.version
        const list = isKnown ? seen?.list : await readAll(first)
        if (list === undefined) continue
        seen = { version: first.version, list }
        return list.filter(({ until }) => until > first.now)
      }
      throw unavailable('the list of lockouts changes all the time')
    },
  }
}

function pageFrom(reply: unknown): Page {
  const [version, now, ...rest] = textsFrom(reply)
  if (version === undefined || now === undefined || rest.length % 2 !== 0) {
    throw new Error('a list of lockouts that is too short')
  }
  const lockouts: Lockout[] = []
  for (let i = 0; i < rest.length; i += 2) lockouts.push(lockoutFrom(rest[i], rest[i + 1]))
  return { version, now: Number(now), lockouts }
}

function lockoutFrom(until: string | undefined, text: string | undefined): Lockout {
  const kept = JSON.parse(text ?? '') as Partial<Lockout> | null
  const { subject, decisionId } = kept ?? {}
  if (typeof subject !== 'string' || typeof decisionId !== 'string') {
    throw new Error('a lockout of nobody')
  }
  return { subject, until: Number(until), decisionId }
}
