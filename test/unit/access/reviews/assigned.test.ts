import { describe, expect, it } from '@jest/globals'
import { isDeclined, type Command } from '../../../../gateway/access/command.ts'
import { decideLine, delegateLine } from '../../../../gateway/access/reviews/decide.ts'
import type { Person } from '../../../../gateway/access/person.ts'
import type { ReviewLine } from '../../../../gateway/access/review.ts'
import type { AccessState } from '../../../../gateway/access/state.ts'
import { campaignOf, holdingsOf, lineOf, personOf, stateWith } from '../../../support/reviews.ts'

const RULE = 'p, role:r, export, model:*, always, allow'
const LINE = lineOf('1', 'group:g', RULE)
const PLACE = { review: 'review-1', line: '1', holdingsOf }

/** The line as it then is, or why not. */
function outcome(
  line: ReviewLine,
  command: Command<ReviewLine>,
  people: AccessState['people'] = new Map(),
) {
  const ruled = command({ ...stateWith(campaignOf('1', [line])), people }, 5_000)
  return isDeclined(ruled) ? ruled : ruled.result
}

function decide(line: ReviewLine, by: Person, verdict: 'certify' | 'revoke' = 'certify') {
  return outcome(line, decideLine({ ...PLACE, by, verdict }))
}

function delegate(line: ReviewLine, by: Person, to: string) {
  return outcome(line, delegateLine({ ...PLACE, by, to }))
}

const REFUSED = { declined: 'not_eligible' }

describe('a line that somebody in particular is to decide', () => {
  const owned = { ...LINE, assignee: 'group:owners' }

  it("is handed on by anyone who may review while it is nobody's, but not to its holder", () => {
    expect(delegate(LINE, personOf('jo'), 'group:owners')).toEqual(owned)
    expect(delegate(LINE, personOf('jo'), 'group:g')).toMatchObject({ declined: 'invalid' })
  })

  it('is for them, and for nobody else', () => {
    expect(decide(owned, personOf('jo'))).toMatchObject(REFUSED)
    const decided = decide(owned, personOf('ann', ['group:owners']))
    expect(decided).toMatchObject({ decision: { verdict: 'certify', by: 'user:kc/ann' } })
  })

  it('is handed on by them and by who started the campaign', () => {
    expect(delegate(owned, personOf('jo'), 'user:kc/ann')).toMatchObject(REFUSED)
    for (const by of [personOf('starter'), personOf('ann', ['group:owners'])]) {
      expect(delegate(owned, by, 'user:kc/ann')).toMatchObject({ assignee: 'user:kc/ann' })
    }
  })

  it('is for those who hold the role by the rules, too', () => {
    const audited = { ...LINE, assignee: 'role:auditor' }
    const cora = personOf('cora', ['group:comp'])
    expect(decide(audited, cora)).toMatchObject({ decision: { verdict: 'certify' } })
    expect(delegate(audited, cora, 'user:kc/ann')).toMatchObject({ assignee: 'user:kc/ann' })
    expect(decide(audited, personOf('jo', ['group:other']))).toMatchObject(REFUSED)
  })

  it('is not taken from a whole group by one of its members', () => {
    const member = personOf('gary', ['group:g'])
    expect(decide(owned, member, 'revoke')).toMatchObject(REFUSED)
    expect(decide(LINE, member, 'revoke')).toMatchObject({ decision: { verdict: 'revoke' } })
    const assigned = personOf('ann', ['group:g', 'group:owners'])
    expect(decide(owned, assigned, 'revoke')).toMatchObject({ decision: { verdict: 'revoke' } })
    expect(decide(owned, assigned)).toMatchObject(REFUSED)
  })

  it('is given up by whoever alone has the privilege, with any account of theirs', () => {
    const gary = personOf('gary')
    const held = { ...owned, holder: gary.id }
    const people = new Map([[gary.id, gary]])
    for (const by of [gary, { ...gary, id: 'user:kc/gary-admin' }]) {
      const given = outcome(held, decideLine({ ...PLACE, by, verdict: 'revoke' }), people)
      expect(given).toMatchObject({ decision: { verdict: 'revoke', by: by.id } })
    }
    expect(decide(held, personOf('jo'), 'revoke')).toMatchObject(REFUSED)
  })

  it.each([
    ['certify', 'certified', /can still revoke it\.$/],
    ['revoke', 'revoked', /not handed on\.$/],
  ] as const)('is not handed on after %s, and the answer says by whom', (verdict, was, end) => {
    const answer = delegate(lineOf('1', 'group:g', RULE, verdict), personOf('ann'), 'group:owners')
    const detail: unknown = expect.stringContaining(`It was ${was} by user:kc/jo`)
    expect(answer).toMatchObject({ declined: 'closed', detail })
    expect(answer).toMatchObject({ detail: expect.stringMatching(end) as unknown })
  })
})
