import { expect, it } from '@jest/globals'
import { closeFrame } from '../../../gateway/forward/websocket-frames.ts'

it('a close frame holds as much of its text as fits, in whole characters', () => {
  expect(closeFrame(1008, 'server', 'no').equals(Buffer.from([0x88, 4, 3, 0xf0, 0x6e, 0x6f]))).toBe(
    true,
  )
  const long = closeFrame(1008, 'server', `${'x'.repeat(122)}é`)
  expect(long).toHaveLength(2 + 2 + 122)
  expect(long[1]).toBe(2 + 122)
  const fits = closeFrame(1008, 'server', 'é'.repeat(80))
  expect(fits.toString('utf8', 4)).toBe('é'.repeat(61))
  expect(closeFrame(1009, 'server').equals(Buffer.from([0x88, 2, 3, 0xf1]))).toBe(true)
  expect(closeFrame(1008, 'client', 'no')).toHaveLength(8)
})
