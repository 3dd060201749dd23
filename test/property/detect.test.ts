import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createFeatureReader } from '../../gateway/detect/body-features.ts'
import { createExtractionDetector } from '../../gateway/detect/detector.ts'
import { createDistinctCounter } from '../../gateway/detect/distinct-counter.ts'

const reader = createFeatureReader(3)

describe('the detector', () => {
  it('never holds more windows than it may, whoever comes in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(40), fc.nat(3), fc.nat(400_000)), { maxLength: 300 }),
        (steps) => {
          let now = 0
          let evicted = 0
          const detector = createExtractionDetector({
            clock: { now: () => now, monotonicMs: () => now },
            seed: 1,
            windowsMax: 20,
            onEvicted: () => (evicted += 1),
          })
          const features = reader.read(Buffer.from('{"prompt":"one two three"}'), false)
          const seen = new Set<string>()
          for (const [subject, limit, wait] of steps) {
            now += wait
            seen.add(`${subject}/${limit}`)
            const watch = { limit: `l${limit}`, windowMs: 60_000, distinctPrompts: 5 }
            detector.observe(`s${subject}`, watch, features)
            expect(detector.windows).toBeLessThanOrEqual(20)
          }
          if (seen.size > 20) expect(evicted).toBeGreaterThan(0)
        },
      ),
    )
  })

  it('counts in the window what a list of times says, to the step', () => {
    const step = fc.record({ wait: fc.nat(20_000), logits: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
        let now = 0
        const clock = { now: () => now, monotonicMs: () => now }
        const detector = createExtractionDetector({ clock, seed: 1 })
        const watch = { limit: 'l', windowMs: 80_000, logits: { share: 1, of: 3 } }
        const times: { at: number; logits: boolean }[] = []
        let fired = -Infinity
        for (const { wait, logits } of steps) {
          now += wait
          times.push({ at: now, logits })
          const oldest = (Math.floor(now / 10_000) - 7) * 10_000
          const inside = times.filter(({ at }) => at >= oldest)
          const due = inside.length >= 3 && inside.every((one) => one.logits)
          const expected = due && now - fired >= 80_000
          if (expected) fired = now
          const features = reader.read(Buffer.from(`{"logprobs":${logits}}`), false)
          expect(detector.observe('s', watch, features).length).toBe(expected ? 1 : 0)
        }
      }),
    )
  })
})

describe('the count of different things', () => {
  it('is right within four standard errors at any size', () => {
    for (const size of [1, 10, 100, 1_000, 10_000, 100_000]) {
      const counter = createDistinctCounter(8)
      for (let i = 0; i < size; i++) {
        const { hashA, hashB } = reader.opaque(Buffer.from(`thing ${i}`))
        counter.add(i % 8, hashA, hashB)
        counter.add((i + 3) % 8, hashA, hashB)
      }
      expect(Math.abs(counter.estimate() / size - 1)).toBeLessThan(0.185)
    }
  })
})

describe('reading features', () => {
  it('takes any bytes, and says the same of the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, embedding) => {
        const body = Buffer.from(bytes)
        expect(reader.read(body, embedding)).toEqual(reader.read(body, embedding))
      }),
    )
  })

  it('takes any cut of any JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(500), (text, at) => {
        const body = Buffer.from(`{"inputs":${text},"logprobs":true}`).subarray(0, at + 1)
        expect(reader.read(body, true).vectors).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  it('sees a parameter wherever the content ends', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 3 }), (one, two) => {
        const body = Buffer.from(`{"messages":${one},"x":${two},"logit_bias":{"5":1}}`)
        expect(reader.read(body, false).asksLogits).toBe(true)
      }),
    )
  })

  it('does not take longer than bytes do, however they nest', () => {
    for (const unit of ['[', '{"a":', '"', '{"', '\\', '1 ']) {
      const body = Buffer.from(unit.repeat(20_000))
      const startedMs = performance.now()
      reader.read(body, true)
      expect(performance.now() - startedMs).toBeLessThan(5_000)
    }
  })
})
