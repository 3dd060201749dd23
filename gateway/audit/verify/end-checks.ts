/** What can only be said once all records were read. */
import { join } from 'node:path'
import type { FilePort } from '../files/file-port.ts'
import type { Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import type { LogFiles } from './log-files.ts'
import { Walk } from './walk.ts'
import type { Carry, WalkPlan } from './walk-job.ts'

/** A verification at its end. */
export interface AtEnd {
  readonly plan: WalkPlan
  readonly found: LogFiles
  readonly carry: Carry
  readonly facts: Facts
}

/** A gateway publishes at least once a second; this is how far behind what it publishes may be. */
const PUBLISHED_LAG_MS = 30_000

/** The first thing wrong that only shows at the end. */
export function endFault(files: FilePort, at: AtEnd): LogFault | undefined {
  return (
    beyondEnd(files, at) ??
    removedFault(at) ??
    publishedFault(at) ??
    missingFault(at.facts) ??
    asideFault(files, at)
  )
}

/** Checkpoints that are missing, unless somebody has accepted that since. */
function missingFault({ missing, gaps }: Facts): LogFault | undefined {
  const accepted = Math.max(-1, ...gaps.map(({ seq }) => seq))
  if (missing === null || missing.last.seq < accepted) return undefined
  return accepted === -1 ? missing.first : missing.last
}

/** Whether all that is wrong is that checkpoints are missing: there is nothing to move aside. */
export function isMissingOnly(fault: LogFault, { missing }: Facts): boolean {
  return fault === missing?.first || fault === missing?.last
}

function beyondEnd(files: FilePort, { plan, found, carry }: AtEnd): LogFault | undefined {
  const { size } = carry
  const walk = new Walk(files, plan, carry)
  try {
    // A log without segments was compared with nothing so far.
    const fault = walk.settle() ?? walk.finish()
    if (fault !== undefined) return fault
  } finally {
    walk.close()
  }
  const anchor = plan.anchors.find((one) => one.size > size)
  const isShort = (file: string, of: number): LogFault => ({
    class: 'truncated',
    file,
    line: 0,
    seq: size,
    message: `${file} speaks for ${of} records, the log ends after ${size}`,
  })
  if (anchor !== undefined) return isShort(anchor.file, anchor.size)
  const { tiles } = found
  return tiles.size > size ? isShort(tiles.last ?? 'tile/0', tiles.size) : undefined
}

/** Only a record that is itself signed says that older ones were removed on purpose. */
function removedFault({ plan, found, facts }: AtEnd): LogFault | undefined {
  const [first] = found.segments
  if (first === undefined || first.firstSeq === 0) return undefined
  const isSigned = plan.keys.length === 0 || facts.prunedBy < facts.signed
  if (facts.prunedTo >= first.firstSeq - 1 && isSigned) return undefined
  const message = `records before ${first.firstSeq} are missing, and no log.pruned says so`
  return { class: 'segment', file: first.path, line: 0, seq: 0, message }
}

function publishedFault({ plan, facts, carry }: AtEnd): LogFault | undefined {
  const { published } = plan
  if (published === null) return undefined
  const fault = { file: join(plan.dir, 'checkpoint'), line: 0, seq: published.size } as const
  if (!facts.isPublishedKnown && facts.newest.size > 0) {
    const message = 'the published checkpoint is not among those that were signed'
    return { ...fault, class: 'checkpoint', message }
  }
  const { newest, publishedAt } = facts
  const isClosed = carry.last?.type === 'log.closed' && newest.size === carry.size
  const isBehind = newest.size > published.size
  if (!isBehind || (!isClosed && newest.at - publishedAt <= PUBLISHED_LAG_MS)) return undefined
  const message = `the published checkpoint is older than that of size ${newest.size}`
  return { ...fault, class: 'checkpoint', message }
}

/** What was moved aside must be in a record of whoever did so. */
function asideFault(files: FilePort, { plan, found, facts }: AtEnd): LogFault | undefined {
  const recorded = new Set(facts.gaps.flatMap(({ moved }) => moved))
  const unknown = found.damaged.find((name) => !recorded.has(name))
  if (unknown === undefined || found.segments[0]?.firstSeq !== 0) return undefined
  const file = join(plan.dir, unknown)
  if (files.status(file) === undefined) return undefined
  const message = 'files were moved aside, and no log.gap.accepted says so'
  return { class: 'gap', file, line: 0, seq: 0, message }
}
