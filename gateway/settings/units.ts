import { z } from 'zod'

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/** A duration such as `250ms`, `30s`, `15m`, `1h`, `7d`; the parsed value is milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'expected a duration such as 250ms, 30s, 15m, 1h or 7d')
  .transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] ?? 'ms'
    return Number.parseInt(text, 10) * (DURATION_MS[unit] ?? 1)
  })

/** A size such as `512B`, `64KiB`, `1MiB`, `2GiB`; the parsed value is bytes. */
export const byteSize = z
  .string()
  .regex(/^\d{1,9}(B|KiB|MiB|GiB|TiB)$/, 'expected a size such as 512B, 64KiB, 1MiB or 2GiB')
  .transform((text) => {
    const unit = /[A-Za-z]+$/.exec(text)?.[0] ?? 'B'
    return Number.parseInt(text, 10) * (SIZE_BYTES[unit] ?? 1)
  })
