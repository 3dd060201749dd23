/** Asks a signer or witness to sign growth: the proof from where it stands, one retry after a 409. */
import { growthBody, sizeIn, SIZE_TYPE } from './growth.ts'
import type { PeerAnswer, PeerClient } from './http-exchange.ts'

/** What is asked for. */
export interface GrowthAsk {
  readonly path: string
  /** The size that the other side signed last, as far as is known. */
  readonly from: number
  /** That of the checkpoint. */
  readonly size: number
  /** The checkpoint, as it is put behind the proof. */
  readonly rest: string
  readonly proofFrom: (size: number) => readonly Buffer[]
}

/**
 * - `signed`: signature lines, not verified yet
 * - `ahead`: it has signed `size` records, and this log has no more of them, or others
 * - `forked`: it says that the log does not append to what it signed: the gravest there is
 * - `refused`: any other answer
 */
export type Growth =
  | { readonly kind: 'signed'; readonly lines: Buffer }
  | { readonly kind: 'ahead'; readonly size: number }
  | { readonly kind: 'forked' }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }

/** Asks. Rejects when there is no answer, or no proof can be made. */
export async function askGrowth(peer: PeerClient, ask: GrowthAsk): Promise<Growth> {
  const first = await askFrom(peer, ask, Math.min(ask.from, ask.size))
  const known = sizeOfConflict(first)
  if (known === undefined) return growthOf(first)
  if (known > ask.size) return { kind: 'ahead', size: known }
  const second = await askFrom(peer, ask, known)
  const again = sizeOfConflict(second)
  return again === undefined ? growthOf(second) : { kind: 'ahead', size: again }
}

function askFrom(peer: PeerClient, ask: GrowthAsk, from: number): Promise<PeerAnswer> {
  return peer.post(ask.path, growthBody(from, ask.proofFrom(from), ask.rest))
}

function sizeOfConflict({ status, type, body }: PeerAnswer): number | undefined {
  if (status !== 409 || type !== SIZE_TYPE || body.length > 32) return undefined
  const text = body.toString('latin1')
  return text.endsWith('\n') ? sizeIn(text.slice(0, -1)) : undefined
}

function growthOf({ status, body }: PeerAnswer): Growth {
  if (status === 200) return { kind: 'signed', lines: body }
  if (status === 422) return { kind: 'forked' }
  const why = body
    .toString('utf8', 0, 200)
    .replaceAll(/\P{L}+/gu, ' ')
    .trim()
  return { kind: 'refused', status, why }
}
