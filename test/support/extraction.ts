/** A detector whose time is moved by hand, and bodies as callers send them. */
import { createExtractionDetector } from '../../gateway/detect/detector.ts'
import type { ExtractionWatch } from '../../gateway/detect/subject-window.ts'

export const HOUR = 3_600_000

export interface Watching {
  /** Moves time. */
  wait(ms: number): void
  /** Counts one body; the rules that fire. */
  send(body: unknown, more?: { readonly subject?: string; readonly embedding?: boolean }): string[]
  /** Sends many; how many went by when a rule fired first, or `undefined`. */
  firstFire(
    bodies: Iterable<unknown>,
    embedding?: boolean,
  ): { at: number; rules: string[] } | undefined
}

/** Watches by `watch`; `seed` keys the hashes. */
export function watching(watch: Partial<ExtractionWatch>, seed = 7): Watching {
  let now = 1_000_000
  const clock = { now: () => now, monotonicMs: () => now }
  const detector = createExtractionDetector({ clock, seed })
  const whole = { limit: 'l', windowMs: HOUR, ...watch }
  const send: Watching['send'] = (body, { subject = 'user:dev/a', embedding = false } = {}) => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const features = detector.features.read(bytes, embedding)
    return detector.observe(subject, whole, features).map(({ rule }) => rule)
  }
  return {
    wait: (ms) => void (now += ms),
    send,
    firstFire(bodies, embedding = false) {
      let at = 0
      for (const body of bodies) {
        at += 1
        const rules = send(body, { embedding })
        if (rules.length > 0) return { at, rules }
      }
      return undefined
    },
  }
}

/** `count` things, made by their number. */
export function many<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

/** A chat request. */
export function chat(content: string, more: object = {}): object {
  return { model: 'llm', messages: [{ role: 'user', content }], ...more }
}

/** A generator of numbers from 0 to 1 that gives the same ones every time. */
export function randoms(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const WORDS = (
  'model gateway budget orange river thinking about winter train hospital number machine paper ' +
  'garden quiet answer seven window copper language market engine doctor island mountain letter'
).split(' ')

/** A sentence of so many words. */
export function sentence(random: () => number, words: number): string {
  return many(words, () => WORDS[Math.floor(random() * WORDS.length)] ?? '').join(' ')
}
