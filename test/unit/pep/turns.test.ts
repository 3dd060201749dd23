import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { createTurns, WAITING_MAX } from '../../../gateway/pep/streams/turns.ts'

/** As much of a response as turns look at. */
class TestResponse extends EventEmitter {
  closed = false

  close(): void {
    this.closed = true
    this.emit('close')
  }
}

const asResponse = (response: TestResponse) => response as unknown as ServerResponse

function lane() {
  const turns = createTurns()
  const socket = new Socket()
  const begun: number[] = []
  const responses: TestResponse[] = []
  const take = (at: number) => {
    const response = new TestResponse()
    responses[at] = response
    return turns.take(socket, asResponse(response), () => begun.push(at))
  }
  const finish = (at: number) => responses[at]?.close()
  return { turns, socket, begun, take, finish }
}

describe('the requests of one connection', () => {
  it('begin one after the other, in the order they came', () => {
    const { begun, take, finish, turns, socket } = lane()
    expect([take(0), take(1), take(2)]).toEqual([true, true, true])
    expect(begun).toEqual([0])
    finish(0)
    expect(begun).toEqual([0, 1])
    expect(turns.pending(socket)?.waits).toBe(true)
    finish(1)
    expect(begun).toEqual([0, 1, 2])
    finish(2)
    expect(turns.pending(socket)).toBeUndefined()
    expect(take(3)).toBe(true)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  it('do not begin on a connection that was closed meanwhile', () => {
    const { begun, take, finish, socket } = lane()
    take(0)
    take(1)
    socket.destroy()
    finish(0)
    expect(begun).toEqual([0])
  })

  it('wait up to a bound', () => {
    const { take, begun } = lane()
    const taken = Array.from({ length: WAITING_MAX + 2 }, (_, at) => take(at))
    expect(taken.filter((one) => !one)).toHaveLength(1)
    expect(begun).toEqual([0])
  })

  it('do not wait for those of another', () => {
    const turns = createTurns()
    const begun: number[] = []
    for (const at of [0, 1]) {
      const socket = new Socket()
      turns.take(socket, asResponse(new TestResponse()), () => begun.push(at))
    }
    expect(begun).toEqual([0, 1])
  })
})
