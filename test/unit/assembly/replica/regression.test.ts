/** What may be added to a journal that has lost entries (threats §2.L 367). */
import { expect, it } from '@jest/globals'
import type { AccessEventType } from '../../../../gateway/access/events.ts'
import { isRestricting } from '../../../../gateway/assembly/replica/regression.ts'

it.each<AccessEventType>([
  'lock.set',
  'grant.revoked',
  'request.denied',
  'registration.begun',
  'registration.ended',
  'version.registered',
])('%s takes away, and is added', (type) => {
  expect(isRestricting(type)).toBe(true)
})

it.each<AccessEventType>([
  'grant.issued',
  'grant.opened',
  'lock.lifted',
  'lock.lift-asked',
  'request.voted',
  'training.begun',
  'version.released',
])('%s gives, or leads to it, and waits', (type) => {
  expect(isRestricting(type)).toBe(false)
})
