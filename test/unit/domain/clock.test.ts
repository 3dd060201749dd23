import { describe, expect, it } from '@jest/globals'
import { createInstantText } from '../../../gateway/domain/clock.ts'

describe('createInstantText', () => {
  it('writes each instant as it is, also after another and back', () => {
    const textOf = createInstantText()
    const noon = Date.parse('2026-11-04T12:00:00.000Z')
    const instants = [noon, noon, noon + 1, noon, 0]
    expect(instants.map(textOf)).toEqual(instants.map((at) => new Date(at).toISOString()))
  })
})
