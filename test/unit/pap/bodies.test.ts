import { describe, expect, it } from '@jest/globals'
import { termsOf } from '../../../gateway/pap/v1/bodies.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('datasets of a training that is asked for', () => {
  it.each(['iris', 'dataset:iris'])('are named alike, written as %s', (name) => {
    const { training } = termsOf({
      actions: ['retrain'],
      resources: ['model:a'],
      duration: 3_600_000,
      justification: 'drift',
      training: { datasets: [{ name, digest: DIGEST }], destination: 'model:b' },
    })
    expect(training?.datasets).toEqual([{ name: 'iris', digest: DIGEST }])
  })
})
