/** Streams in streams that are looked into: base64 of a zip of a gzip is three. */
export const DEPTH_MAX = 4

/** Bytes that are inflated for one body. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024
/** Inflated bytes per byte of input, once there are many. */
const RATIO_MAX = 100
const RATIO_FREE_BYTES = 1024 * 1024
/** The same for all the streams in a body together. */
const NESTED_FREE_BYTES = 8 * 1024 * 1024

/** What one body has cost so far; shared by all the streams in it. */
export interface Spending {
  /** Bytes of the body itself. */
  seenBytes: number
  inflatedBytes: number
  /** Streams in streams: members, parts, ways to decode a run. */
  openedStreams: number
  /** What looked like gzip behind the start of a stream. */
  followedGzips: number
}

/** Nothing yet. */
export function noSpending(): Spending {
  return { seenBytes: 0, inflatedBytes: 0, openedStreams: 0, followedGzips: 0 }
}

/** Streams that may be opened, and how many more for each byte of the body: what is inflated adds none. */
const OPENED_FREE = 8192
const OPENED_PER_BYTE = 1 / 4

/**
 * Counts a stream that is to be opened. False when there are more than any honest body of its length
 * has: each costs microseconds, and a few bytes inflate to thousands of them.
 */
export function mayOpen(spending: Spending): boolean {
  spending.openedStreams += 1
  return spending.openedStreams <= OPENED_FREE + spending.seenBytes * OPENED_PER_BYTE
}

const FOLLOWED_GZIPS_MAX = 256

/** Counts what looks like gzip; false when there is so much of it that it can only be meant to be. */
export function mayFollowGzip(spending: Spending): boolean {
  spending.followedGzips += 1
  return spending.followedGzips <= FOLLOWED_GZIPS_MAX
}

/** Whether so many bytes may be inflated from so many: neither a bomb nor more than is affordable. */
export function mayInflate(spending: Spending, inBytes: number, outBytes: number): boolean {
  if (spending.inflatedBytes > INFLATED_BYTES_MAX) return false
  // Nested, a few hundred bytes would cost it all at once.
  const allBytesMax = NESTED_FREE_BYTES + spending.seenBytes * RATIO_MAX
  if (spending.inflatedBytes > allBytesMax) return false
  return outBytes <= RATIO_FREE_BYTES + inBytes * RATIO_MAX
}
