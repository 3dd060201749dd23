/** Privileges of nobody, or of nothing. */
import { globMatches } from '../../domain/glob.ts'
import { GATE_PREFIX } from '../../domain/vocabulary.ts'
import type { AnalysedRules } from '../../pdp/analysis/analysed-rules.ts'
import { parseResourcePattern, type ResourcePattern } from '../../pdp/policy/resource-pattern.ts'
import type { KnownNames } from '../../pdp/policy/warnings-of-names.ts'

/** What is known of names. */
export interface GhostFacts {
  /** What the configuration names. */
  readonly known: KnownNames
  readonly described: AnalysedRules['described']
}

/** Says which privileges are ghosts. */
export interface Ghosts {
  /**
   * A user of an issuer that is not configured. Nothing is known of groups, and roles that nobody
   * holds are found where holders are listed.
   */
  isHolder(holder: string): boolean
  /**
   * Every one of `resources` (patterns of rules, or what grants name) is a ghost: a server that is no
   * upstream, or a model or dataset of which `resources.yaml` describes none, while it describes
   * others of its kind. What cannot be read is not called a ghost.
   */
  areResources(resources: readonly string[]): boolean
}

/** Judges by the configuration and the resources that are described. */
export function createGhosts({ known, described }: GhostFacts): Ghosts {
  const names = (kind: 'model' | 'dataset') => Object.keys(described[kind] ?? {})
  const models = names('model')
  const datasets = names('dataset')
  const isGhost = (text: string): boolean => {
    const parsed = parseResourcePattern(text)
    if (!parsed.ok) return false
    const { kind, name } = parsed.value
    if (kind === '*') return false
    if (kind === 'server') return isGhostServer(parsed.value, known)
    const there = kind === 'model' ? models : datasets
    return there.length > 0 && !there.some((one) => globsMeet(one, name))
  }
  return {
    isHolder(holder) {
      const issuer = /^user:([^/]*)\//.exec(holder)?.[1]
      return issuer !== undefined && !known.issuerNames.has(issuer)
    },
    areResources: (resources) => resources.length > 0 && resources.every(isGhost),
  }
}

function isGhostServer({ name }: ResourcePattern, { upstreams }: KnownNames): boolean {
  // Areas of the control API.
  if (name.startsWith(GATE_PREFIX)) return false
  return ![...upstreams].some((upstream) => globMatches(name, upstream))
}

/** Whether there is a text that both globs match. In proportion to the product of their lengths. */
export function globsMeet(a: string, b: string): boolean {
  // At each place of `a`: whether what is left of both can still meet, going through `b` from its end.
  let row = tailRow(a)
  for (let j = b.length - 1; j >= 0; j--) {
    const next = new Array<boolean>(a.length + 1).fill(false)
    for (let i = a.length; i >= 0; i--) next[i] = meetAt({ a, b, i, j }, row, next)
    row = next
  }
  return row[0] ?? false
}

/** With nothing left of the other, only stars may be left. */
function tailRow(a: string): boolean[] {
  const row = new Array<boolean>(a.length + 1).fill(false)
  row[a.length] = true
  for (let i = a.length - 1; i >= 0 && a.charAt(i) === '*'; i--) row[i] = true
  return row
}

function meetAt(
  at: { readonly a: string; readonly b: string; readonly i: number; readonly j: number },
  below: readonly boolean[],
  here: readonly boolean[],
): boolean {
  const { a, b, i, j } = at
  const x = i < a.length ? a.charAt(i) : undefined
  const y = b.charAt(j)
  // A star is nothing, or takes one more of the other.
  if (y === '*') return below[i] === true || (x !== undefined && here[i + 1] === true)
  if (x === '*') return here[i + 1] === true || below[i] === true
  return x === y && below[i + 1] === true
}
