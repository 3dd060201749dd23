import { describe, expect, it } from '@jest/globals'
import { load, loaded, MINIMAL, problems } from './support.ts'

const withLocks = (line: string) => `${MINIMAL}locks: ${line}\n`

describe('locks', () => {
  it('are lifted by one person, unless the configuration wants two', () => {
    expect(loaded().locks.secondPersonToLift).toBe(false)
    const text = withLocks('{ second_person_to_lift: true }')
    expect(loaded({ text }).locks.secondPersonToLift).toBe(true)
    const env = { MODELGATE_LOCKS_SECOND_PERSON_TO_LIFT: 'true' }
    expect(loaded({ env }).locks.secondPersonToLift).toBe(true)
  })

  it.each(['{ second_person_to_lift: "yes" }', '{ second_person: true }', '[]'])(
    '%s is refused at its place',
    (line) => {
      expect(load({ text: withLocks(line) }).ok).toBe(false)
      expect(problems({ text: withLocks(line) })[0]?.line).toBe(MINIMAL.split('\n').length)
    },
  )
})
