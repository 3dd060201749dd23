import { describe, expect, it } from '@jest/globals'
import { readFull, readJson } from '../../../gateway/audit/files/file-ops.ts'
import { systemFiles, type FilePort } from '../../../gateway/audit/files/file-port.ts'

/** A file whose reads give at most three bytes at a time. */
function slowFile(text: string): FilePort {
  const held = Buffer.from(text)
  return {
    ...systemFiles,
    openRead: () => 7,
    close: () => undefined,
    read: (_, into, position) => held.copy(into, 0, position, Math.min(position + 3, held.length)),
  }
}

describe('reading', () => {
  it('goes on after short reads, and stops at the end', () => {
    const read = (length: number, from: number) =>
      readFull(slowFile('0123456789'), 7, Buffer.alloc(length), from).toString()
    expect([read(8, 1), read(20, 1), read(4, 10)]).toEqual(['12345678', '123456789', ''])
  })

  it('takes a file of JSON up to a bound, and nothing else', () => {
    const json = (text: string, bytesMax: number) => readJson(slowFile(text), 'x', bytesMax)
    expect(json('{"seq":41}', 10)).toEqual({ seq: 41 })
    expect(json('{"seq":41}', 9)).toBeUndefined()
    expect(json('{"seq"', 64)).toBeUndefined()
    expect(readJson(systemFiles, '/does/not/exist', 64)).toBeUndefined()
  })
})
