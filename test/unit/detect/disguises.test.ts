/** Bodies that upstreams read and that are written so that a watcher may not. */
import { describe, expect, it } from '@jest/globals'
import { createFeatureReader } from '../../../gateway/detect/body-features.ts'

const reader = createFeatureReader(7)
const read = (body: Buffer | string, isEmbedding = false) =>
  reader.read(Buffer.from(body), isEmbedding)
const asking = (prompt: string) => JSON.stringify({ prompt, logprobs: 5 })
const TEXTS = JSON.stringify({ inputs: ['a', 'b', 'c'] })

/** `text` in four bytes for each character. */
function utf32(text: string, isBig: boolean): Buffer {
  const bytes = Buffer.alloc(text.length * 4)
  for (let i = 0; i < text.length; i++) {
    if (isBig) bytes.writeUInt32BE(text.charCodeAt(i), i * 4)
    else bytes.writeUInt32LE(text.charCodeAt(i), i * 4)
  }
  return bytes
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le')
const nested = (deep: number, within = '') =>
  `{"user":${'[{"a":'.repeat(deep)}"] } ${within}"${'}]'.repeat(deep)},`

describe.each<[string, (json: string) => Buffer | string]>([
  ['after something deep that nobody reads', (json) => nested(100) + json.slice(1)],
  ['behind a byte order mark', (json) => `\ufeff${json}`],
  ['in UTF-16', utf16],
  ['in UTF-16 with a mark', (json) => utf16(`\ufeff${json}`)],
  ['in UTF-16, big-endian', (json) => utf16(json).swap16()],
  ['in UTF-16, big-endian, with a mark', (json) => utf16(`\ufeff${json}`).swap16()],
  ['in UTF-32', (json) => utf32(json, false)],
  ['in UTF-32 with a mark', (json) => utf32(`\ufeff${json}`, false)],
  ['in UTF-32, big-endian', (json) => utf32(json, true)],
  ['on the second of two lines', (json) => `{}\n${json}`],
])('a body that is written %s', (_, write) => {
  it('is read like any other', () => {
    const [one, two] = [read(write(asking('a thing'))), read(write(asking('another thing')))]
    expect([one.asksLogits, two.asksLogits]).toEqual([true, true])
    expect([one.hashA, one.hashB]).not.toEqual([two.hashA, two.hashB])
    expect(one.outline?.values).toBe(read(asking('a thing')).outline?.values)
    expect(read(write(TEXTS), true).vectors).toBe(3)
  })
})

describe('lines of JSON', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => JSON.stringify({ prompt: `question ${i}` })).join('\n')

  it('are all of what is asked, after the same beginning', () => {
    expect(read(lines(3)).hashA).not.toBe(read(lines(4)).hashA)
  })

  it('count each list and each text as inputs', () => {
    expect(read(`${TEXTS}\n${TEXTS}\n["d"]\n`, true).vectors).toBe(7)
    expect(read(lines(5), true).vectors).toBe(5)
  })
})

describe('what is very deep', () => {
  it('is part of what is asked where it stands there', () => {
    const deep = (text: string) => `{"messages":${'['.repeat(100)}"${text}"${']'.repeat(100)}}`
    expect(read(deep('one')).hashA).not.toBe(read(deep('two')).hashA)
  })

  it('takes no stack', () => {
    const body = `${nested(300_000)}${asking('x').slice(1)}`
    expect(read(body).asksLogits).toBe(true)
    expect(read('['.repeat(1_000_000)).asksLogits).toBe(false)
  })
})
