import { describe, expect, it } from '@jest/globals'
import { closest } from '../../../gateway/domain/diagnostics.ts'

describe('the closest of some words', () => {
  it.each([
    ['raed', ['read', 'retrain'], 'read'],
    ['alcie', ['alice', 'bob'], 'alice'],
    ['Alice', ['alice'], 'alice'],
    ['jsn', ['json', 'text'], 'json'],
    ['ab', ['ba'], 'ba'],
    ['steal', ['read', 'infer'], undefined],
    ['abcd', ['badc'], undefined],
    ['', ['a'], 'a'],
    ['x'.repeat(65), ['x'.repeat(64)], undefined],
  ])('%j among %j is %j', (word, candidates, meant) => {
    expect(closest(word, candidates)).toBe(meant)
  })
})
