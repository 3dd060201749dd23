import { describe, expect, it } from '@jest/globals'

interface JestConfig {
  readonly testTimeout?: number
  readonly projects: readonly object[]
}

describe('the time that a test may take', () => {
  it('is that of slow machines, and stands where jest looks for it', async () => {
    const path = '../../../jest.config.mjs'
    const { default: config } = (await import(path)) as { readonly default: JestConfig }
    expect(config.testTimeout).toBeGreaterThanOrEqual(20_000)
    for (const project of config.projects) expect(project).not.toHaveProperty('testTimeout')
  })
})
