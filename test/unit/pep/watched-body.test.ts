import { PassThrough, type Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { Operation } from '../../../gateway/domain/vocabulary.ts'
import type { BodyWatch, WatchVerdict } from '../../../gateway/domain/watch.ts'
import {
  watchStream,
  watchWhole,
  type BodyWatching,
} from '../../../gateway/pep/streams/watched-body.ts'

const INFER: Operation = { action: 'infer', resource: { kind: 'model', name: 'm' } }
const BAD = refuse('body_unparsable')

/** A watch that says what a chunk tells it to: `hold`, `more`, `bad`, `throw`; else nothing. */
const watchOf = (end?: Refusal | readonly Operation[]): BodyWatch => ({
  push(chunk): WatchVerdict {
    const text = chunk.toString()
    if (text.includes('throw')) throw new Error('no')
    if (text.includes('bad')) return BAD
    if (text.includes('more')) return [INFER]
    return text.includes('hold') ? 'hold' : undefined
  },
  end: () => end,
})

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

function watched(more: Partial<BodyWatching> = {}) {
  const source = new PassThrough()
  const refusals: Refusal[] = []
  const asked: (readonly Operation[])[] = []
  const authorise: BodyWatching['authorise'] = (operations) => {
    asked.push(operations)
    return Promise.resolve(undefined)
  }
  const watching = { watch: watchOf(), heldBytesMax: 100, authorise, ...more }
  const body = watchStream(source, watching, (refusal) => refusals.push(refusal))
  const got: string[] = []
  body.stream.on('data', (chunk: Buffer) => got.push(chunk.toString()))
  const ended = new Promise<'end' | 'error'>((resolve) => {
    body.stream.once('end', () => resolve('end')).once('error', () => resolve('error'))
  })
  return { source, body, refusals, asked, got, ended }
}

async function write(source: PassThrough, ...pieces: string[]): Promise<void> {
  for (const piece of pieces) {
    source.write(piece)
    await nextTurn()
  }
}

describe('a watched body', () => {
  it('goes on piece by piece, the last one only after the end was asked about', async () => {
    const { source, got, ended } = watched()
    await write(source, 'a', 'b', 'c')
    expect(got).toEqual(['a', 'b'])
    source.end()
    expect(await ended).toBe('end')
    expect(got).toEqual(['a', 'b', 'c'])
  })

  it('of messages goes on at once', async () => {
    const { source, got } = watched({ unit: 'messages' })
    await write(source, 'a', 'b')
    expect(got).toEqual(['a', 'b'])
  })

  it('never ends when its end is refused, and its last piece does not leave', async () => {
    const { source, body, got, refusals, ended } = watched({ watch: watchOf(BAD) })
    await write(source, 'a', 'b')
    source.end()
    expect(await ended).toBe('error')
    expect([got, refusals, body.refusal]).toEqual([['a'], [BAD], BAD])
  })

  it('is kept while nothing can be told, in one piece, up to the bound', async () => {
    const { source, got, refusals, ended } = watched({ unit: 'messages' })
    await write(source, 'hold1', 'hold2')
    expect(got).toEqual([])
    await write(source, 'x')
    expect(got).toEqual(['hold1hold2x'])
    await write(source, `hold${'y'.repeat(97)}`)
    expect(await ended).toBe('error')
    expect(refusals).toEqual([refuse('body_over_peek')])
  })

  it('is kept no longer when it comes in tiny pieces', async () => {
    const { source, refusals, ended } = watched({
      watch: { push: () => 'hold', end: () => undefined },
      heldBytesMax: 1_000_000,
    })
    for (let i = 0; i < 4_200; i++) source.write('x')
    expect(await ended).toBe('error')
    expect(refusals).toEqual([refuse('body_too_large')])
  })

  it('waits for what turned up to be permitted, and takes no more meanwhile', async () => {
    let permit: (refusal: Refusal | undefined) => void = never
    const authorise = () => new Promise<Refusal | undefined>((resolve) => (permit = resolve))
    const { source, got } = watched({ unit: 'messages', authorise })
    await write(source, 'a', 'more', 'b')
    expect(got).toEqual(['a'])
    permit(undefined)
    await nextTurn()
    expect(got).toEqual(['a', 'more', 'b'])
  })

  it.each<[string, Partial<BodyWatching>, string, string]>([
    ['it is found bad', {}, 'bad', 'body_unparsable'],
    ['the watch fails', {}, 'throw', 'internal'],
    [
      'it is not permitted',
      { authorise: () => Promise.resolve(refuse('no_rule')) },
      'more',
      'no_rule',
    ],
    [
      'the decision fails',
      { authorise: () => Promise.reject(new Error('no')) },
      'more',
      'indeterminate',
    ],
  ])('is broken off when %s', async (_, more, piece, reason) => {
    const { source, got, refusals, ended } = watched(more)
    await write(source, 'a', 'b', piece)
    expect(await ended).toBe('error')
    expect([got, refusals.map((one) => one.reason)]).toEqual([['a'], [reason]])
    expect(source.destroyed).toBe(false)
  })

  it('breaks off with its source, without a refusal', async () => {
    const { source, body, ended } = watched()
    await write(source, 'a')
    source.destroy()
    expect(await ended).toBe('error')
    expect(body.refusal).toBeUndefined()
    const gone = new PassThrough()
    gone.destroy()
    const late = watchStream(gone, { watch: watchOf(), heldBytesMax: 1, authorise: never }, never)
    await nextTurn()
    expect(late.stream.destroyed).toBe(true)
  })

  it('may be given up while something is being decided', async () => {
    let permit: (refusal: Refusal | undefined) => void = never
    const authorise = () => new Promise<Refusal | undefined>((resolve) => (permit = resolve))
    const { source, body, got, refusals } = watched({ authorise })
    await write(source, 'more')
    body.stream.destroy()
    permit(refuse('no_rule'))
    await nextTurn()
    expect([got, refusals]).toEqual([[], []])
    expect(listenersOf(source)).toBe(0)
  })

  it('takes no more than its buffers when nobody reads it', async () => {
    const source = new PassThrough({ highWaterMark: 1024 })
    const watching = { watch: watchOf(), heldBytesMax: 100, authorise: never }
    watchStream(source, watching, never)
    let taken = 0
    while (source.write(Buffer.alloc(1024)) && taken < 10_000) {
      taken += 1
      await nextTurn()
    }
    expect(taken).toBeLessThan(200)
  })
})

const never = (): never => {
  throw new Error('not expected')
}

const listenersOf = (source: Readable) => source.listenerCount('data')

describe('a body that is all here', () => {
  const authorise = () => Promise.resolve(undefined)

  it('may be sent when nothing speaks against it', async () => {
    const watching = { watch: watchOf([INFER]), heldBytesMax: 100, authorise }
    for (const text of ['a', 'hold', 'more', '']) {
      expect(await watchWhole(Buffer.from(text), watching)).toBeUndefined()
    }
  })

  it.each([
    ['bad', undefined],
    ['a', BAD],
    ['hold', BAD],
    ['', BAD],
  ])('may not when %j or its end is refused', async (text, end) => {
    const watching = { watch: watchOf(end), heldBytesMax: 100, authorise }
    expect(await watchWhole(Buffer.from(text), watching)).toEqual(BAD)
  })
})
