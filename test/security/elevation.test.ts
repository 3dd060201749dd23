/** Attacks on approvals and grants, each as the commands and the look-up meet it (threats §2.H). */
import { describe, expect, it } from '@jest/globals'
import { createGrantIndex } from '../../gateway/access/elevation/grant-index.ts'
import {
  cancelRequest,
  createRequest,
  editRequest,
} from '../../gateway/access/elevation/request.ts'
import { openSeal } from '../../gateway/access/elevation/seal.ts'
import { voteOn } from '../../gateway/access/elevation/vote.ts'
import type { Person } from '../../gateway/access/person.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  depsOf,
  HOUR,
  lockOn,
  person,
  rule,
  scene,
  T0,
} from '../support/elevation.ts'

type Scene = ReturnType<typeof scene>

const subject = { id: ALICE.id, person: ALICE.person } as never
const operation = { action: 'export', resource: { kind: 'model', name: 'fraud' } } as const

function isFound({ book, deps }: Pick<Scene, 'book' | 'deps'>, now = book.now): boolean {
  const found = createGrantIndex(() => deps).find(book.state, {
    subject,
    operations: [operation],
    now,
  })
  return found.grant !== undefined
}

function approved(made: Scene = scene()): Scene {
  made.create()
  expect([made.vote(BOB), made.vote(CAROL)]).toEqual(['done', 'done'])
  return made
}

const waiting = (made: Scene = scene()): Scene => {
  made.create()
  return made
}

function cancelled(): Scene {
  const made = waiting()
  const [id = ''] = [...made.book.state.requests.keys()]
  made.book.done(cancelRequest(made.deps, { id, by: ALICE, reason: 'Not needed.' }))
  return made
}

const hiddenIn = (by: Person) => waiting().vote(by)

interface Attack {
  readonly case: number
  readonly name: string
  /** What is seen of it. */
  readonly seen: () => unknown
  readonly expected: unknown
}

const BREAK_GLASS = {
  r: rule({
    break_glass: {
      seal: { require: [{ count: 2, from: ['role:approver'] }] },
      reviewers: ['group:stewards'],
    },
  }),
}

const ATTACKS: readonly Attack[] = [
  {
    case: 265,
    name: 'approving what one asked for',
    seen: () => hiddenIn({ ...ALICE, holds: ['role:approver'] }),
    expected: 'self_approval',
  },
  {
    case: 266,
    name: 'approving with another account of the same person',
    seen: () => hiddenIn(person('alice-admin', ['role:approver'], 'alice')),
    expected: 'self_approval',
  },
  {
    case: 266,
    name: 'approving with an account that says no person',
    seen: () => hiddenIn({ ...BOB, person: '' }),
    expected: 'person_unknown',
  },
  {
    case: 268,
    name: 'approving twice, also with two accounts',
    seen: () => {
      const made = waiting()
      const codes = [BOB, BOB, person('bob2', ['role:approver'], 'bob')].map((by) => made.vote(by))
      return [...codes, made.grants().length]
    },
    expected: ['done', 'already_done', 'already_done', 0],
  },
  {
    case: 268,
    name: 'an approver who loses the role before the other one approves',
    seen: () => {
      const made = waiting()
      made.vote(BOB)
      made.book.add([{ type: 'person.seen', person: { ...BOB, holds: [] } }])
      return [made.vote(CAROL), made.grants().length]
    },
    expected: ['done', 0],
  },
  {
    case: 268,
    name: 'an approver who loses the role after the grant',
    seen: () => {
      const made = approved()
      const before = isFound(made)
      made.book.add([{ type: 'person.seen', person: { ...BOB, holds: [] } }])
      return [before, isFound(made)]
    },
    expected: [true, false],
  },
  {
    case: 269,
    name: 'approving what was edited, has expired, was approved or was cancelled',
    seen: () => {
      const edited = waiting()
      const [before] = [...edited.book.state.requests.values()]
      if (before === undefined) return undefined
      const { id, digest, reasons } = before
      const terms = { ...ask().terms, bytesMax: 1 }
      edited.book.done(editRequest(edited.deps, { id, by: ALICE, terms, reasons }))
      const late = waiting()
      late.book.later(24 * HOUR)
      const vote = { id, by: BOB, digest, decision: 'approve' } as const
      return [
        edited.book.code(voteOn(edited.deps, vote)),
        late.vote(BOB),
        approved().vote(person('x', ['role:approver'])),
        cancelled().vote(BOB),
      ]
    },
    expected: ['edited', 'closed', 'closed', 'closed'],
  },
  ...(
    [
      ['resource', { resources: ['model:other'] }],
      ['digest', { digest: `sha256:${'0'.repeat(64)}` }],
      ['bytes', { bytesMax: 1 }],
      ['time', { durationMs: 2 * HOUR }],
      ['network', { networks: ['10.0.0.0/8'] }],
    ] as const
  ).map(([what, change]): Attack => ({
    case: 271,
    name: `another ${what} after the first approval`,
    seen: () => {
      const made = waiting()
      made.vote(BOB)
      const [before] = [...made.book.state.requests.values()]
      if (before === undefined) return undefined
      const { id, reasons } = before
      const terms = { ...ask().terms, ...change }
      made.book.done(editRequest(made.deps, { id, by: ALICE, terms, reasons }))
      return [made.vote(CAROL), made.grants().length]
    },
    expected: ['done', 0],
  })),
  {
    case: 275,
    name: 'the last millisecond is by the time that is given, not by a clock here',
    seen: () => [isFound(approved(), T0 + HOUR - 1), isFound(approved(), T0 + HOUR)],
    expected: [true, false],
  },
  {
    case: 277,
    name: 'a requester who may not ask any more',
    seen: () => {
      const made = approved(scene({ rules: { r: rule({ who_may_ask: ['role:ml-engineer'] }) } }))
      made.book.add([{ type: 'person.seen', person: { ...ALICE, holds: [] } }])
      return isFound(made)
    },
    expected: false,
  },
  {
    case: 278,
    name: 'a threshold that is lowered under a request',
    seen: () => {
      const made = waiting()
      const low = depsOf({ rules: { r: rule({ require: [{ from: ['role:approver'] }] }) } })
      const [request] = [...made.book.state.requests.values()]
      if (request === undefined) return undefined
      const { id, digest } = request
      const code = made.book.code(voteOn(low, { id, by: BOB, digest, decision: 'approve' }))
      return [code, made.grants().length]
    },
    expected: ['done', 0],
  },
  {
    case: 278,
    name: 'a threshold that was raised after the grant',
    seen: () => {
      const { book } = approved()
      const rules = { r: rule({ require: [{ count: 3, from: ['role:approver'] }] }) }
      return isFound({ book, deps: depsOf({ rules }) })
    },
    expected: false,
  },
  {
    case: 278,
    name: 'a demand that was gained under a request, and a bound that was gained after the grant',
    seen: () => {
      const made = waiting()
      made.vote(BOB)
      const [request] = [...made.book.state.requests.values()]
      if (request === undefined) return undefined
      const { id, digest } = request
      const more = depsOf({ rules: { r: rule({ demands: { ticket: 'OPS-*' } }) } })
      const code = made.book.code(voteOn(more, { id, by: CAROL, digest, decision: 'approve' }))
      const { book } = approved()
      const less = depsOf({ rules: { r: rule({ grant_ttl_max: '10m' }) } })
      return [code, made.grants().length, isFound({ book, deps: less })]
    },
    expected: ['demand_missing', 0, false],
  },
  {
    case: 281,
    name: 'an emergency that nobody sealed, and a second one before the review of the first',
    seen: () => {
      const made = scene({ rules: BREAK_GLASS })
      const open = (id: string) =>
        made.book.code(openSeal(made.deps, { id, by: ALICE, reason: 'It is down.' }))
      const none = open('grant-none')
      for (const newId of ['req-1', 'req-2']) {
        made.create({ newId, kind: 'break-glass' })
        made.vote(BOB)
        made.vote(CAROL)
      }
      const codes = [none, isFound(made), open('grant-1'), isFound(made)]
      made.book.later(8 * HOUR)
      return [...codes, isFound(made), open('grant-2')]
    },
    expected: ['not_found', false, 'done', true, false, 'review_outstanding'],
  },
  ...['*', 'model:*', 'model:fraud*', 'model:', 'model:team/', 'dataset:a?', 'model:f@'].map(
    (resource): Attack => ({
      case: 283,
      name: `a grant for ${resource}`,
      seen: () => {
        const { book, deps } = scene()
        const terms = { ...ask().terms, resources: [resource] }
        return book.code(createRequest(deps, ask({ terms })))
      },
      expected: 'wildcard_refused',
    }),
  ),
  {
    case: 284,
    name: 'the account of the holder is closed',
    seen: () => {
      const made = approved()
      made.book.add([lockOn({ kind: 'user', id: ALICE.id })])
      return isFound(made)
    },
    expected: false,
  },
]

describe('approvals and grants', () => {
  it.each(ATTACKS.map((attack) => [attack.name, attack] as const))('%s', (_name, attack) => {
    expect(attack.seen()).toEqual(attack.expected)
  })
})
