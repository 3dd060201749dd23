/** Messages of a client are judged whole and go on in the bytes they came in, however they are cut. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { refuse } from '../../gateway/domain/refusal.ts'
import { ClientMessages } from '../../gateway/forward/client-messages.ts'
import { clientFrame } from '../support/ws-frames.ts'

const byte = fc.integer({ min: 0, max: 255 })
const mask = fc.tuple(byte, byte, byte, byte)
const fragment = fc.record({ text: fc.string({ maxLength: 150 }), mask, pings: fc.nat(2) })
const message = fc.array(fragment, { minLength: 1, maxLength: 4 })
type Message = readonly {
  readonly text: string
  readonly mask: [number, number, number, number]
  readonly pings: number
}[]

const textOf = (one: Message) => one.map(({ text }) => text).join('')

/** The frames of a message, and the control frames that come before each of them. */
function framesOf(one: Message): { readonly pings: Buffer; readonly frame: Buffer }[] {
  return one.map(({ text, mask: bytes, pings }, at) => ({
    pings: Buffer.concat(Array<Buffer>(pings).fill(clientFrame('p', { opcode: 9, mask: bytes }))),
    frame: clientFrame(text, {
      opcode: at === 0 ? 1 : 0,
      fin: at === one.length - 1,
      mask: bytes,
    }),
  }))
}

describe('the messages of a client', () => {
  it('are those that were said, and pass up to the first that may not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.nat(6),
        async (said, cuts, refusedAt) => {
          const frames = said.map(framesOf)
          const all = Buffer.concat(frames.flat().flatMap(({ pings, frame }) => [pings, frame]))
          const judged: string[] = []
          const passed: Buffer[] = []
          const one = new ClientMessages(
            {
              bytesMax: 1_000,
              judge(_, payload) {
                judged.push(payload.toString())
                const verdict = judged.length > refusedAt ? refuse('no_rule') : undefined
                return judged.length % 2 === 0 ? verdict : Promise.resolve(verdict)
              },
            },
            {
              pass: (bytes) => (passed.push(bytes), true),
              onReady: () => undefined,
              onViolation: () => undefined,
              onRefused: () => undefined,
            },
          )
          const places = [...new Set(cuts.map((cut) => cut % (all.length + 1)))].sort(
            (a, b) => a - b,
          )
          for (const [at, from] of [0, ...places].entries()) {
            one.take(all.subarray(from, places[at] ?? all.length))
          }
          await new Promise(setImmediate)
          const texts = said.map(textOf)
          expect(judged).toEqual(texts.slice(0, refusedAt + 1))
          // Control frames go before the fragments they came between; nothing else is moved.
          const whole = frames.slice(0, refusedAt).flatMap((ones) => {
            return [...ones.map(({ pings }) => pings), ...ones.map(({ frame }) => frame)]
          })
          const between = (frames[refusedAt] ?? []).map(({ pings }) => pings)
          expect(Buffer.concat(passed).equals(Buffer.concat([...whole, ...between]))).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})
