/** The client's side of a tunnel whose messages are judged, when the client ends it. */
import { Duplex } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import { ClientGate } from '../../../gateway/forward/tunnel.ts'
import { clientFrame } from '../../support/ws-frames.ts'

type Judge = () => Refusal | undefined | Promise<Refusal | undefined>

/** A gate that is open, what came through it, and whether it ended. */
function gate(judge: Judge) {
  const socket = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => {
      done()
    },
  })
  const errors: Error[] = []
  const events: string[] = []
  const one = new ClientGate(
    { socket, head: Buffer.alloc(0), messages: { bytesMax: 1 << 20, judge } },
    {
      onBytes: () => undefined,
      onViolation: (from) => void events.push(`violation of ${from}`),
      onRefused: (code) => {
        events.push(`refused ${code}`)
        one.close(code, undefined)
      },
      onActivity: () => undefined,
    },
  )
  one.on('error', (error) => errors.push(error))
  one.open('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  const says = (bytes: Buffer) => void socket.push(bytes)
  const leaves = () => {
    socket.push(null)
    socket.read(0)
  }
  return { one, says, leaves, errors, events }
}

const turns = async (count = 5) => {
  for (let at = 0; at < count; at++) await new Promise(setImmediate)
}

const ONE = clientFrame('one')
const TWO = clientFrame('two')

describe('a client that ends its side', () => {
  it('while a message is judged has it delivered all the same', async () => {
    let settle: (verdict: Refusal | undefined) => void = () => undefined
    const { one, says, leaves, errors } = gate(() => new Promise((resolve) => (settle = resolve)))
    const seen: Buffer[] = []
    let isEnded = false
    one.on('data', (bytes: Buffer) => seen.push(bytes)).on('end', () => (isEnded = true))
    says(ONE)
    await turns()
    leaves()
    await turns()
    expect(isEnded).toBe(false)
    settle(undefined)
    await turns()
    expect(errors).toEqual([])
    expect(Buffer.concat(seen).equals(ONE)).toBe(true)
    expect(isEnded).toBe(true)
  })

  it('while there is no room behind has everything delivered', async () => {
    const { one, says, leaves, errors } = gate(() => undefined)
    const long = clientFrame('x'.repeat(one.readableHighWaterMark))
    says(Buffer.concat([long, ONE, TWO]))
    await turns()
    leaves()
    await turns()
    const seen: Buffer[] = []
    one.on('data', (bytes: Buffer) => seen.push(bytes))
    await turns()
    expect(errors).toEqual([])
    expect(Buffer.concat(seen).equals(Buffer.concat([long, ONE, TWO]))).toBe(true)
    expect(one.readableEnded).toBe(true)
  })

  it('and whose message is refused then has nothing delivered', async () => {
    let settle: (verdict: Refusal | undefined) => void = () => undefined
    const { one, says, leaves, errors, events } = gate(
      () => new Promise((resolve) => (settle = resolve)),
    )
    const seen: Buffer[] = []
    one.on('data', (bytes: Buffer) => seen.push(bytes))
    says(ONE)
    await turns()
    leaves()
    await turns()
    settle(refuse('no_rule'))
    await turns()
    expect(events).toEqual(['refused 1008'])
    expect(errors).toEqual([])
    expect(Buffer.concat(seen).includes('one')).toBe(false)
    expect(Buffer.concat(seen).subarray(0, 2)).toEqual(Buffer.from([0x88, 0x82]))
  })

  it('with nothing to be judged ends the other at once, and a goodbye after it is none', async () => {
    const { one, leaves, errors } = gate(() => undefined)
    one.resume()
    leaves()
    await turns()
    expect(one.readableEnded).toBe(true)
    one.close(1001, undefined)
    await turns()
    expect(errors).toEqual([])
  })
})
