import { describe, expect, it } from '@jest/globals'
import { assertNoDebugger, assertRuntimeFloor } from '../../../gateway/assembly/runtime-floor.ts'

describe('the runtime floor', () => {
  it.each(['v20.19.0', 'v20.20.2', 'v22.0.0', 'v24.21.0'])('accepts %s', (version) => {
    expect(() => assertRuntimeFloor(version)).not.toThrow()
  })

  it.each(['v20.18.9', 'v18.20.0', 'v0.10.0', 'nonsense'])('refuses %s', (version) => {
    expect(() => assertRuntimeFloor(version)).toThrow(`needed; this is ${version}`)
  })
})

// 341
it('a debugger that can be attached is refused', () => {
  expect(() => assertNoDebugger(true)).toThrow('a debugger can be attached')
  for (const none of [false, undefined]) expect(() => assertNoDebugger(none)).not.toThrow()
})
