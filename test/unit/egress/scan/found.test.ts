import { describe, expect, it } from '@jest/globals'
import { DISGUISES, type Disguise } from '../../../support/artifacts/disguises.ts'
import { isStated, scan } from '../../../support/artifacts/found-table.ts'
import { TEXT_WEIGHTS, WEIGHTS } from '../../../support/artifacts/weights.ts'

/** One of each kind of mark; the others are cut everywhere where they are plain. */
const CUT_EVERYWHERE: ReadonlySet<string> = new Set([
  'safetensors',
  'GGUF 3',
  'PyTorch zip',
  'pickle 4',
  'ONNX',
  'TFLite',
])

const ALL = [...WEIGHTS, ...TEXT_WEIGHTS]

describe.each(DISGUISES.map((disguise) => [disguise.name, disguise] as const))(
  '%s',
  (_, disguise) => {
    const stated = ALL.filter(([format]) => isStated(format, disguise))

    it.each(stated)('gives %s away whole, byte by byte and in odd pieces', (_format, artifact) => {
      const body = disguise.dress(artifact)
      for (const pieces of [[body.length], [1], [7, 1, 60, 13], [511, 2]]) {
        expect(scan(body, disguise.type, pieces).found).toBeDefined()
      }
    })

    it.each(stated.filter(([format]) => disguise.name === 'plain' || CUT_EVERYWHERE.has(format)))(
      'gives %s away cut in two at any byte',
      (_format, artifact) => {
        const whole = disguise.dress(artifact)
        const { passedBytes } = scan(whole, disguise.type, [1])
        // Behind the place where it is found byte by byte, a cut is as none.
        const body = whole.subarray(0, passedBytes + 800)
        const missed: number[] = []
        for (let cut = firstCut(disguise); cut < Math.min(body.length, passedBytes + 8); cut++) {
          const { found } = scan(body, disguise.type, [cut, body.length])
          if (found === undefined) missed.push(cut)
        }
        expect(missed).toEqual([])
      },
    )
  },
)

/** Where the preamble, which is all the same, gets close to its end. */
function firstCut({ preamble = 1 }: Disguise): number {
  return Math.max(1, preamble - 64)
}

describe('what is not found', () => {
  const others = DISGUISES.flatMap((disguise) =>
    ALL.filter(([format]) => !isStated(format, disguise)).map(
      ([format, artifact]) => [`${format}, ${disguise.name}`, disguise, artifact] as const,
    ),
  )

  it.each(others)('is stated: %s', (_, disguise, artifact) => {
    expect(scan(disguise.dress(artifact), disguise.type, [64]).found).toBeUndefined()
  })
})
