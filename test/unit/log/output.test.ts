import { describe, expect, it } from '@jest/globals'
import { createOutput, type OutputOptions } from '../../../gateway/log/output.ts'

type Done = (error: NodeJS.ErrnoException | null, written: number) => void

function create(options: Partial<OutputOptions> = {}) {
  const writes: { readonly text: string; readonly done: Done }[] = []
  const output = createOutput({
    fd: 1,
    write: (_, bytes, done) => void writes.push({ text: bytes.toString(), done }),
    ...options,
  })
  const flushed = () => new Promise<void>((resolve) => output.flush?.(resolve))
  return { output, writes, flushed, texts: () => writes.map((w) => w.text) }
}

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

describe('output', () => {
  it('has one write under way and joins what waits', async () => {
    const { output, writes, texts, flushed } = create()
    for (const line of ['a\n', 'b\n', 'c\n']) output.write(line)
    expect(texts()).toEqual(['a\n'])
    const done = flushed()
    writes[0]?.done(null, 2)
    expect(texts()).toEqual(['a\n', 'b\nc\n'])
    writes[1]?.done(null, 4)
    await done
  })

  it('goes on where a short write ended, between the bytes of a character', () => {
    const { output, writes, texts } = create()
    output.write('é\n')
    writes[0]?.done(null, 1)
    expect(writes[1]?.text.endsWith('\n')).toBe(true)
    writes[1]?.done(null, 2)
    output.write('z\n')
    expect(texts().at(-1)).toBe('z\n')
  })

  it('tries a full pipe again', async () => {
    const attempts: string[] = []
    const output = createOutput({
      fd: 1,
      write: (_, bytes, done) => {
        attempts.push(bytes.toString())
        setImmediate(() => {
          if (attempts.length === 1) done(failure('EAGAIN'), 0)
          else done(null, bytes.length)
        })
      },
    })
    output.write('a\n')
    await new Promise<void>((resolve) => output.flush?.(resolve))
    expect(attempts).toEqual(['a\n', 'a\n'])
  })

  it('tells when lines that must not be dropped are written, between the others', () => {
    const { output, writes, texts } = create({ bytesMax: 4 })
    const told: (Error | undefined)[] = []
    output.write('a\n')
    output.deliver?.('long line\nanother\n', (error) => told.push(error))
    output.write('b\n')
    writes[0]?.done(null, 2)
    expect([texts().at(-1), told]).toEqual(['long line\nanother\n', []])
    writes[1]?.done(null, 18)
    expect(told).toEqual([undefined])
  })

  it('tells that lines cannot be written when the reader has gone', () => {
    const { output, writes } = create()
    const told: (string | undefined)[] = []
    const tell = (error?: Error): void => void told.push(error?.message)
    output.deliver?.('a\n', tell)
    output.deliver?.('b\n', tell)
    writes[0]?.done(failure('EPIPE'), 0)
    output.deliver?.('c\n', tell)
    expect(told).toEqual(['EPIPE', 'EPIPE', 'nobody reads the output'])
  })

  it('drops what does not fit and says how much', () => {
    const dropped: number[] = []
    const { output, writes, texts } = create({ bytesMax: 4, onDropped: (n) => dropped.push(n) })
    for (const line of ['a\n', 'b\n', 'c\n', 'd\n', 'e\n']) output.write(line)
    writes[0]?.done(null, 2)
    expect(texts()).toEqual(['a\n', 'b\nc\n'])
    expect(dropped).toEqual([2])
  })

  it('gives up on a reader that has gone', async () => {
    const { output, writes, texts, flushed } = create()
    output.write('a\n')
    output.write('b\n')
    const done = flushed()
    writes[0]?.done(failure('EPIPE'), 0)
    await done
    output.write('c\n')
    await flushed()
    expect(texts()).toEqual(['a\n'])
  })

  it('does not wait for ever for a reader that does not read', async () => {
    const { output, flushed } = create({ flushMs: 1 })
    output.write('a\n')
    await flushed()
  })
})
