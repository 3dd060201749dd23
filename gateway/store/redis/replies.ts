/** What scripts answer, checked: nobody acts on an answer that is none. */
import type { Claim, Lease } from '../../domain/shared-state.ts'

/** A whole number. @throws Error */
export function wholeFrom(reply: unknown): number {
  if (!Number.isSafeInteger(reply)) throw new Error('an answer that is no number')
  return reply as number
}

/** @throws Error */
export function leaseFrom(reply: unknown): Lease {
  const [granted, left, retryAfterMs] = list(reply).map(amountFrom)
  if (granted === undefined || left === undefined || retryAfterMs === undefined) throw short()
  return { granted, left, retryAfterMs }
}

/** @throws Error */
export function claimFrom(reply: unknown): Claim {
  const [granted, second, left, before] = list(reply)
  if (granted === 0) return { granted: false, why: whyFrom(second) }
  if (granted !== 1) throw short()
  const bytesLeft = wholeFrom(left)
  return {
    granted: true,
    resumed: second === 1,
    bytesLeft: bytesLeft < 0 ? Infinity : bytesLeft,
    bytesBefore: amountFrom(before),
  }
}

/** A list of texts. @throws Error */
export function textsFrom(reply: unknown): readonly string[] {
  return list(reply).map((item) => {
    if (typeof item !== 'string') throw new Error('an answer that is no text')
    return item
  })
}

function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('an answer that is no list')
  return reply
}

function amountFrom(reply: unknown): number {
  const amount = wholeFrom(reply)
  if (amount < 0) throw new Error('an answer below nothing')
  return amount
}

function whyFrom(reply: unknown): Extract<Claim, { granted: false }>['why'] {
  if (reply === 'spent' || reply === 'in-use' || reply === 'bytes' || reply === 'expired')
    return reply
  throw new Error('a refusal without a reason')
}

function short(): Error {
  return new Error('an answer that is too short')
}
