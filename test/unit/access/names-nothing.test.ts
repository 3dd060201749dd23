import { describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../../gateway/access/lock.ts'
import { namesNothing } from '../../../gateway/access/locks/names-nothing.ts'

const names = { issuers: [{ name: 'corp' }], upstreams: [{ name: 'llm' }] }
const warningFor = (target: LockTarget) => namesNothing(target, names)

describe('a lock on what the configuration does not have', () => {
  it.each<[LockTarget, string]>([
    [{ kind: 'token', issuer: 'crop', id: 'jti-1' }, 'issuer `crop`'],
    [{ kind: 'session', issuer: 'crop', id: 'sid-1' }, 'issuer `crop`'],
    [{ kind: 'user', id: 'user:crop/bob' }, 'issuer `crop`'],
    [{ kind: 'issued-before', subject: 'user:crop/bob', before: 1 }, 'issuer `crop`'],
    [{ kind: 'person', id: 'person:user:crop/bob' }, 'issuer `crop`'],
    [{ kind: 'upstream', id: 'lmm' }, 'upstream `lmm`'],
    [{ kind: 'upstream', id: 'gate:policy' }, 'upstream `gate:policy`'],
  ])('says so: %j', (target, what) => {
    expect(warningFor(target)).toContain(`has no ${what}: the lock holds for nobody here`)
  })

  it.each<[LockTarget]>([
    [{ kind: 'token', issuer: 'corp', id: 'jti-1' }],
    [{ kind: 'user', id: 'user:corp/bob' }],
    [{ kind: 'user', id: 'user:corp/a/b' }],
    [{ kind: 'issued-before', subject: 'user:corp/bob', before: 1 }],
    [{ kind: 'upstream', id: 'llm' }],
    [{ kind: 'group', id: 'group:x' }],
    [{ kind: 'person', id: 'person:x' }],
    [{ kind: 'person', id: 'person:user:corp/bob' }],
    [{ kind: 'model', id: 'model:x' }],
    [{ kind: 'network', cidr: '10.0.0.0/8' }],
    [{ kind: 'all' }],
  ])('is not %j', (target) => {
    expect(warningFor(target)).toBeUndefined()
  })
})
