import { describe, expect, it } from '@jest/globals'
import { classProblems } from '../../../gateway/assembly/data-key.ts'
import type { ClassDemand } from '../../../gateway/pdp/limits/class-demands.ts'
import { loadResources } from '../../../gateway/pip/resources.ts'
import type { Settings } from '../../../gateway/settings/settings.ts'
import { limitsOf } from '../../support/limits.ts'

const LIMITS = `limits:
  a:
    response:
      classes: { contact: tokenise, adress: mask }
`
const RESOURCES = `datasets:
  people:
    fields:
      email: contact
      street: address
`
const WITHOUT_KEY = { dataTokens: undefined } as unknown as Settings
const WITH_KEY = { dataTokens: { keyFile: 'k' } } as unknown as Settings

function problems(settings: Settings | undefined, demands?: readonly ClassDemand[]) {
  const resources = loadResources({ file: 'resources.yaml', text: RESOURCES })
  if (!resources.ok) throw new Error('these resources should load')
  const { tagged } = resources.value
  return classProblems(demands ?? limitsOf(LIMITS).classes, tagged, settings).map(
    ({ file, line, severity, code, remedy }) => `${severity} ${file}:${line} ${code} ${remedy}`,
  )
}

describe('what is said of classes', () => {
  it('is warned of when it can come to nothing', () => {
    expect(problems(WITH_KEY)).toEqual([
      'warning limits.yaml:4 class-untagged Did you mean `address`?',
      'warning resources.yaml:5 class-untreated Add it to response.classes of a limit; pass if it may leave as it is.',
    ])
  })

  it('is an error when tokens are demanded and there is no key', () => {
    const found = problems(WITHOUT_KEY).filter((one) => one.startsWith('error'))
    expect(found).toEqual([
      'error limits.yaml:4 data-key-missing Name a file with at least 32 random bytes, or mask the class.',
    ])
    expect(problems(undefined).some((one) => one.startsWith('error'))).toBe(false)
  })
})
