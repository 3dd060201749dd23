import { describe, expect, it } from '@jest/globals'
import { chat, many, randoms, sentence, watching } from '../../support/extraction.ts'

const sweep = { share: 0.8, of: 50 }
const fires = (bodies: unknown[]) => watching({ sweep }).firstFire(bodies)

const BASE = many(20, (i) => i * 1.5)
const WORDS = 'river copper winter engine paper island doctor market letter window'.split(' ')

describe('a sweep', () => {
  it('of one number of a table fires at its share of its number of requests', () => {
    const bodies = many(100, (i) => ({ instances: [BASE.map((x, at) => (at === 3 ? i / 7 : x))] }))
    expect(fires(bodies)).toEqual({ at: 50, rules: ['sweep'] })
  })

  it('of one number after the other fires', () => {
    const row = [...BASE]
    const bodies = many(100, (i) => {
      row[i % 20] = i + 0.25
      return { inputs: [{ name: 'x', shape: [1, 20], datatype: 'FP32', data: [...row] }] }
    })
    expect(fires(bodies)?.rules).toEqual(['sweep'])
  })

  it('of a text with other digits, or another word, fires', () => {
    expect(fires(many(80, (i) => chat(`What is ${i} plus ${i * 3}, in words?`)))?.at).toBe(50)
    const word = (i: number) => `${WORDS[i % 10] ?? ''}${WORDS[Math.floor(i / 10)] ?? ''}`
    expect(fires(many(80, (i) => chat(`Write one line about ${word(i)} please`)))?.at).toBe(50)
  })

  it('of a bias of one token at a time fires', () => {
    const bodies = many(80, (i) => chat('tell me a story', { logit_bias: { [i]: 100 } }))
    expect(fires(bodies)?.rules).toEqual(['sweep'])
  })

  it('of a table of lines fires, and is not hidden by other fields or among other questions', () => {
    const row = (i: number) => BASE.map((x, at) => (at === 2 ? i * 11 : x)).join(',')
    expect(fires(many(80, row))?.rules).toEqual(['sweep'])
    const noise = randoms(4)
    const hidden = many(100, (i) => ({ prompt: `the price of ${i} of them`, user: `${noise()}` }))
    expect(fires(hidden)?.rules).toEqual(['sweep'])
    const random = randoms(5)
    const mixed = many(300, (i) =>
      chat(i % 10 === 0 ? sentence(random, 15) : `rate number ${i} from one to ten`),
    )
    expect(fires(mixed)?.rules).toEqual(['sweep'])
  })
})

describe('what is no sweep', () => {
  it('the same request again, or requests of one or two words', () => {
    expect(fires(many(200, () => chat('tell me the time again')))).toBeUndefined()
    expect(
      fires(many(200, (i) => ({ input: `word${'abcdefghij'[i % 10] ?? ''}` }))),
    ).toBeUndefined()
  })

  it('conversations, each message with all before it', () => {
    const random = randoms(6)
    const bodies = many(40, () => {
      const messages: object[] = [{ role: 'system', content: 'You help with 3 things.' }]
      return many(8, () => {
        messages.push({ role: 'user', content: sentence(random, 4 + Math.floor(random() * 12)) })
        const body = { model: 'llm', messages: [...messages] }
        messages.push({ role: 'assistant', content: sentence(random, 20) })
        return body
      })
    }).flat()
    expect(fires(bodies)).toBeUndefined()
  })

  it('questions in scripts that know no spaces', () => {
    const random = randoms(7)
    const line = () =>
      many(8 + Math.floor(random() * 12), () => 0x4e00 + Math.floor(random() * 4_000))
    const bodies = many(200, () => chat(String.fromCodePoint(...line())))
    expect(fires(bodies)).toBeUndefined()
    const escape = (c: string) => `\\u${c.charCodeAt(0).toString(16)}`
    const escaped = bodies.map((body) => JSON.stringify(body).replace(/[^\0-\x7f]/g, escape))
    expect(fires(escaped)).toBeUndefined()
  })

  it('documents to embed, and forecasts of series', () => {
    const random = randoms(8)
    const documents = many(200, () => ({ input: many(16, () => sentence(random, 60)) }))
    expect(watching({ sweep, vectors: 10_000 }).firstFire(documents, true)).toBeUndefined()
    const series = many(400, (i) => 20 + 10 * Math.sin(i / 9) + random())
    const forecasts = many(300, (i) => ({ instances: [series.slice(i, i + 48)] }))
    expect(fires(forecasts)).toBeUndefined()
    expect(fires(many(300, (i) => series.slice(i, i + 24).join(',')))).toBeUndefined()
    const inText = many(300, (i) => ({ input: series.slice(i, i + 24).join(',') }))
    expect(fires(inText)).toBeUndefined()
  })
})
