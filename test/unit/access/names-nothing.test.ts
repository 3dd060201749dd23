import { describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../../gateway/access/lock.ts'
import { namesNothing } from '../../../gateway/access/locks/names-nothing.ts'
import { createLockNames } from '../../../gateway/assembly/lock-names.ts'
import type { Reloader } from '../../../gateway/assembly/reloader.ts'

/** Of what is in force, only what is looked at. */
const lockNames = createLockNames({
  active: () => ({ rules: { policy } }),
  settings: () => settings,
} as unknown as Reloader)
const policy = {
  table: {
    links: [{ member: 'group:ops', role: 'role:operator' }],
    rules: [{ subject: 'role:reader' }],
  },
}
const settings = { issuers: [{ name: 'corp', roles: ['auditor'] }], upstreams: [{ name: 'llm' }] }
const warningFor = (target: LockTarget) => namesNothing(target, lockNames())

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
    [{ kind: 'role', id: 'role:operator' }],
    [{ kind: 'role', id: 'role:reader' }],
    [{ kind: 'role', id: 'role:auditor' }],
    [{ kind: 'model', id: 'model:x' }],
    [{ kind: 'model', id: 'model:acme/m-1:7b' }],
    [{ kind: 'model', id: 'model:a:20b' }],
    [{ kind: 'version', id: 'model:m-1@7' }],
    // Tags of registries are any text, and versions of objects are escaped.
    [{ kind: 'version', id: 'model:m-1@07' }],
    [{ kind: 'version', id: 'model:m-1@sha256:00ff' }],
    [{ kind: 'version', id: 'model:m-1@_x:2e' }],
    [{ kind: 'network', cidr: '10.0.0.0/8' }],
    [{ kind: 'all' }],
  ])('is not %j', (target) => {
    expect(warningFor(target)).toBeUndefined()
  })
})

describe('a lock on what nobody can have or name', () => {
  it.each<[LockTarget, string]>([
    [
      { kind: 'role', id: 'role:opertor' },
      'No rule here names `role:opertor` and no issuer asserts it: the lock holds for nobody here.',
    ],
    [{ kind: 'model', id: 'model:m*' }, 'a model `m*`: the lock holds for nothing.'],
    [{ kind: 'model', id: 'model:m%2D1' }, 'a model `m%2D1`: the lock holds for nothing.'],
    [{ kind: 'model', id: 'model:a b' }, 'a model `a b`: the lock holds for nothing.'],
    [{ kind: 'version', id: 'model:m*@7' }, 'a model `m*`: the lock holds for nothing.'],
    [
      { kind: 'version', id: 'model:m-1@*' },
      'a version `*`: the lock holds only for requests that name none.',
    ],
    [{ kind: 'version', id: 'model:m-1@1%2E0' }, 'a version `1%2E0`: the lock holds only'],
  ])('says so: %j', (target, warning) => {
    expect(warningFor(target)).toContain(warning)
  })
})
