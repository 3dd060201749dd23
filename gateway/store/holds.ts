/** Places at the same time, by holder. Pure; as the Lua script of the Redis store does it. */
import type { HoldAsk } from '../domain/shared-state.ts'

/** Holders of one key; each is a process. */
export const HOLDERS_MAX = 4_096

/** Places by digest of the holder. */
export type HoldState = Readonly<
  Record<string, { readonly places: number; readonly until: number }>
>

/** How many places `holder` has from now on. */
export function holdOf(
  before: HoldState | undefined,
  ask: HoldAsk,
  holder: string,
  now: number,
): { readonly places: number; readonly state: HoldState } {
  const others = Object.entries(before ?? {}).filter(
    ([id, { until }]) => id !== holder && until > now,
  )
  const taken = others.reduce((total, [, { places }]) => total + places, 0)
  const free = others.length < HOLDERS_MAX ? Math.max(0, ask.max - taken) : 0
  const places = Math.min(ask.places, free)
  const state = Object.fromEntries(others)
  if (places > 0) state[holder] = { places, until: now + ask.ttlMs }
  return { places, state }
}
