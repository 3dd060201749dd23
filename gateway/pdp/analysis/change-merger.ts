/** Changes of access, and how those that are the same for several callers become one. */
import type { Rule } from '../policy/rule.ts'
import type { Diagram } from './diagrams.ts'

/** One change, before it is merged with others like it. */
export interface RawChange {
  readonly direction: 'gain' | 'loss'
  /** Any of these; `role:anyone` is a caller that holds nothing that rules name. */
  readonly anyOf: readonly string[]
  /** When not empty: together with any of these. */
  readonly with: readonly string[]
  readonly when: Diagram
  /** Rules that permit, in the revision that does: the new one for a gain. */
  readonly permittedBy: readonly Rule[]
  /** Rules that deny, in the other revision; none when nothing permits there. */
  readonly refusedBy: readonly Rule[]
  /** Rules of the other revision that permit the same callers, under other conditions at most. */
  readonly otherwise: readonly Rule[]
}

/** What a change consists of, whoever it is for. */
export type Cause = Pick<
  RawChange,
  'direction' | 'when' | 'permittedBy' | 'refusedBy' | 'otherwise'
>

/** Collects changes of single callers and of pairs. */
export interface ChangeMerger {
  /** `partner` is empty when the caller needs none. */
  add(cause: Cause, principal: string, partner: string): void
  changes(): RawChange[]
}

/** Puts callers together whose change is the same; keys are numbers of lines and diagrams. */
export function createMerger(): ChangeMerger {
  const byPartner = new Map<string, { cause: Cause; anyOf: Set<string>; with: string }>()
  return {
    add(cause: Cause, principal: string, partner: string): void {
      const key = JSON.stringify([causeKey(cause), partner])
      const known = byPartner.get(key)
      if (known === undefined)
        byPartner.set(key, { cause, anyOf: new Set([principal]), with: partner })
      else known.anyOf.add(principal)
    },
    changes(): RawChange[] {
      const merged = new Map<string, { cause: Cause; anyOf: string[]; with: Set<string> }>()
      for (const { cause, anyOf, with: partner } of byPartner.values()) {
        const sorted = [...anyOf].sort()
        const key = JSON.stringify([causeKey(cause), sorted])
        const known = merged.get(key)
        if (known !== undefined) known.with.add(partner)
        else merged.set(key, { cause, anyOf: sorted, with: new Set([partner]) })
      }
      return [...merged.values()].map(({ cause, anyOf, with: partners }) => ({
        ...cause,
        anyOf,
        with: [...partners].filter((partner) => partner !== '').sort(),
      }))
    },
  }
}

/** The rules of the side where the cause is to be found: what the revision says now. */
function causeKey({ direction, when, permittedBy: permits, refusedBy }: Cause): string {
  const rules = direction === 'gain' ? permits : refusedBy
  return JSON.stringify([direction, when, rules.map(({ reference }) => reference.line)])
}
