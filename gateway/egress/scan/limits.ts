/** Streams in streams that are looked into: base64 of a zip of a gzip is three. */
export const DEPTH_MAX = 4

/** Bytes that are inflated for one body. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024
/** Inflated bytes per byte of input, once there are many. */
const RATIO_MAX = 100
const RATIO_FREE_BYTES = 1024 * 1024

/** What one body has cost so far; shared by all the streams in it. */
export interface Spending {
  inflatedBytes: number
}

/** Whether so many bytes may be inflated from so many: neither a bomb nor more than is affordable. */
export function mayInflate(spending: Spending, inBytes: number, outBytes: number): boolean {
  if (spending.inflatedBytes > INFLATED_BYTES_MAX) return false
  return outBytes <= RATIO_FREE_BYTES + inBytes * RATIO_MAX
}
