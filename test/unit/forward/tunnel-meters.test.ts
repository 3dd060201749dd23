/** The meters of a tunnel: asked before bytes leave, waited for before more are taken. */
import { Duplex } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import type { ByteMeter } from '../../../gateway/domain/ports.ts'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { ClientGate } from '../../../gateway/forward/tunnel.ts'
import { serverFrame } from '../../support/ws-frames.ts'

/** An open gate, what its client got, and what it was told. */
function gate(meters: readonly ByteMeter[]) {
  const got: Buffer[] = []
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      got.push(chunk)
      done()
    },
  })
  const events: string[] = []
  const one = new ClientGate(
    { socket, head: Buffer.alloc(0), meters },
    {
      onBytes: (_direction, count) => void events.push(`${count} bytes`),
      onViolation: () => undefined,
      onRefused: (code, { reason }) => {
        events.push(`${code} ${reason}`)
        one.close(code, undefined)
      },
      onActivity: () => undefined,
    },
  )
  one.open('')
  // What http-proxy writes first is its own head, which is replaced.
  one.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  const text = () => Buffer.concat(got).toString('latin1')
  return { one, events, text }
}

const turns = async () => {
  for (let at = 0; at < 5; at++) await new Promise(setImmediate)
}

describe('a meter', () => {
  it('keeps what is too much, and ends the tunnel', async () => {
    let left = 10
    const take = (bytes: number) => ((left -= bytes) < 0 ? refuse('budget_exhausted') : undefined)
    const { one, events, text } = gate([{ take }])
    one.write(serverFrame('first'))
    one.write(serverFrame('second'))
    one.write(serverFrame('third'))
    await turns()
    expect(events).toEqual(['7 bytes', '1008 budget_exhausted'])
    expect(text()).toContain('first')
    expect(text()).not.toMatch(/second|third/)
    expect(text().endsWith('\x88\x02\x03\xf0')).toBe(true)
  })

  it('has the upstream wait until it is ready', async () => {
    let goOn: () => void = () => undefined
    const waits = [new Promise<void>((resolve) => (goOn = resolve)), undefined]
    const { one, events } = gate([{ take: () => undefined, ready: () => waits.shift() }])
    one.write(serverFrame('first'))
    one.write(serverFrame('second'))
    await turns()
    expect(events).toEqual(['7 bytes'])
    goOn()
    await turns()
    expect(events).toEqual(['7 bytes', '8 bytes'])
  })
})
