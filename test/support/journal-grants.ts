/** Grants of an export to alice in the journal, as a request that bob approved leaves them. */
import type { ElevationGrant } from '../../gateway/access/elevation.ts'
import type { JournalStore } from '../../gateway/domain/journal.ts'
import { MODEL } from './exports.ts'

const BOB = { person: 'person:bob', id: 'user:dev/bob', holds: ['role:approver'] }
const REQUIREMENTS = [{ count: 1, from: ['role:approver'] }]

/** The rule by which they were approved. */
export const EXPORTS_APPROVED = JSON.stringify({
  approvals: {
    exports: { for: { actions: ['export'] }, require: REQUIREMENTS },
  },
})

/** The id of the grant with this number. */
export const grantId = (number: number): string => `grant-${digits(number)}`

/** A grant for one download within ten minutes of `now`. */
function grantOf(number: number, now: number): ElevationGrant {
  const digest = `sha256:${'a'.repeat(64)}`
  const durationMs = 600_000
  return {
    id: grantId(number),
    request: `req-${digits(number)}`,
    terms: {
      ...{ holder: 'user:dev/alice', actions: ['export'], resources: [`model:${MODEL}`] },
      ...{ durationMs, usesMax: 1 },
    },
    holder: { person: 'person:user:dev/alice', id: 'user:dev/alice', holds: ['role:exporter'] },
    digest,
    votes: [{ by: BOB, decision: 'approve', digest, filtersHeld: [], at: now }],
    demands: [{ rule: 'exports', requirements: REQUIREMENTS, denyBy: 'any-eligible' }],
    ...{ issuedAt: now, startsAt: now, expiresAt: now + durationMs },
  }
}

/** Writes the grants with these numbers at the end of the journal; the number of the last entry. */
export async function issueGrants(
  journal: JournalStore,
  numbers: readonly number[],
): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { epoch, seq, now } = await journal.head()
    const texts = numbers.map((number) =>
      JSON.stringify({ v: 1, event: { type: 'grant.issued', grant: grantOf(number, now) } }),
    )
    const appended = await journal.append(texts, { epoch, seq })
    if (appended.appended) return appended.seq
  }
  throw new Error('the journal is always busy')
}

function digits(number: number): string {
  return String(number).padStart(26, '0')
}
