import { existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from '@jest/globals'
import { expectGolden } from '../../support/golden.ts'

const NAME = 'support/scratch.txt'
const FILE = fileURLToPath(new URL(`../../golden/${NAME}`, import.meta.url))
afterAll(() =>
  rmSync(fileURLToPath(new URL('../../golden/support', import.meta.url)), {
    recursive: true,
    force: true,
  }),
)

describe('a golden file', () => {
  it('that is missing fails, and says how it is made', () => {
    expect(() => expectGolden('support/nowhere.txt', 'x', {})).toThrow('UPDATE_GOLDEN=1')
  })

  it('is written on demand, and compared byte for byte', () => {
    expectGolden(NAME, 'one\n', { UPDATE_GOLDEN: '1' })
    expect(readFileSync(FILE, 'utf8')).toBe('one\n')
    expectGolden(NAME, 'one\n', {})
    for (const other of ['one', 'one\r\n', 'One\n']) {
      expect(() => expectGolden(NAME, other, { UPDATE_GOLDEN: '0' })).toThrow()
    }
  })

  it('is never written in CI, nor outside its folder', () => {
    const inCi = { UPDATE_GOLDEN: '1', CI: 'true' }
    expect(() => expectGolden('support/ci.txt', 'x', inCi)).toThrow('unset it in CI')
    expect(existsSync(FILE.replace('scratch', 'ci'))).toBe(false)
    for (const name of ['../escaped.txt', '/tmp/escaped.txt', 'a/../../escaped.txt']) {
      expect(() => expectGolden(name, 'x', { UPDATE_GOLDEN: '1' })).toThrow('is not a path below')
    }
  })
})
