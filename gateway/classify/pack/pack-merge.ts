/** Lays the files of one pack over each other, and warns where that takes protection away. */
import type { Diagnostic } from '../../domain/diagnostics.ts'
import { expandLayer, type Prefixes, type RowGroup } from './pack-expand.ts'
import { loweringOf, profileLosses, type Lowering } from './lowering.ts'
import { finding, type LayeredPack, type PackLayer } from './pack-layers.ts'
import { compareSpecificity, overlaps } from './pattern.ts'

/**
 * The groups of a pack by method and shape. A group of a later file replaces the whole group of an
 * earlier one. Errors and warnings go to `diagnostics`.
 */
export function mergeLayers(
  pack: LayeredPack,
  diagnostics: Diagnostic[],
): ReadonlyMap<string, RowGroup> {
  const prefixes: Record<string, readonly string[]> = {}
  for (const { document } of pack.layers) Object.assign(prefixes, document.prefixes)
  const merged = new Map<string, RowGroup>()
  for (const [depth, layer] of pack.layers.entries()) {
    const groups = expandLayer(layer, prefixes satisfies Prefixes, diagnostics)
    if (depth > 0) {
      warnOfLoss(merged, groups, diagnostics)
      warnOfProfile(pack.layers.slice(0, depth), layer, diagnostics)
    }
    for (const [key, group] of groups) merged.set(key, group)
  }
  reportAmbiguities([...merged.values()], diagnostics)
  return merged
}

function warnOfLoss(
  below: ReadonlyMap<string, RowGroup>,
  above: ReadonlyMap<string, RowGroup>,
  diagnostics: Diagnostic[],
): void {
  const bases = [...below]
  for (const [key, group] of above) {
    // A more specific pattern takes requests away from the less specific ones it overlaps.
    for (const [baseKey, base] of bases) {
      if (base.method !== group.method || base.transport !== group.transport) continue
      if (baseKey !== key && (above.has(baseKey) || !takesFrom(group, base))) continue
      const lowering = loweringOf(base, group)
      if (lowering === undefined) continue
      diagnostics.push(lowered(group, base, lowering))
      break
    }
  }
}

/** A profile replaces the one below it whole, and with it what that refused. */
function warnOfProfile(
  below: readonly PackLayer[],
  layer: PackLayer,
  diagnostics: Diagnostic[],
): void {
  const before = below.findLast(({ document }) => document.profile !== undefined)?.document.profile
  const { profile } = layer.document
  if (before === undefined || profile === undefined) return
  const gone = profileLosses(before, profile)
  if (gone.length === 0) return
  diagnostics.push(
    finding(layer.positionOf(['profile']), 'warning', {
      code: 'privilege-lowered',
      message: `the profile takes what the one it replaces refused: ${gone.join(', ')}`,
      remedy: 'A profile is replaced whole: write again what is to stay.',
    }),
  )
}

function takesFrom(group: RowGroup, base: RowGroup): boolean {
  return (
    overlaps(group.pattern, base.pattern) && compareSpecificity(group.pattern, base.pattern) > 0
  )
}

function reportAmbiguities(groups: readonly RowGroup[], diagnostics: Diagnostic[]): void {
  const shapes = new Map(groups.map((group) => [group.pattern.shape, group]))
  const distinct = [...shapes.values()]
  for (const [index, group] of distinct.entries()) {
    const twin = distinct
      .slice(0, index)
      .find(
        (other) =>
          overlaps(group.pattern, other.pattern) &&
          compareSpecificity(group.pattern, other.pattern) === 0,
      )
    if (twin !== undefined) diagnostics.push(ambiguous(group, twin))
  }
}

function positionOf(group: RowGroup): ReturnType<RowGroup['rows'][number]['layer']['positionOf']> {
  const row = group.rows[0]
  if (row === undefined) return { file: '', line: 1, column: 1 }
  return row.layer.positionOf(['routes', row.index, 'path'])
}

function ambiguous(group: RowGroup, twin: RowGroup): Diagnostic {
  return finding(positionOf(group), 'error', {
    code: 'ambiguous-route',
    message: `a path can match ${group.pattern.text} and ${twin.pattern.text} equally well`,
    remedy: 'Make one of them more specific.',
  })
}

function lowered(group: RowGroup, base: RowGroup, lowering: Lowering): Diagnostic {
  const { before, now, gone } = lowering
  const lost = gone.length === 0 ? '' : `; gone: ${gone.join(', ')}`
  return finding(positionOf(group), 'warning', {
    code: 'privilege-lowered',
    message:
      `${group.method} ${group.pattern.text} asks for less than ${base.pattern.text} did: ` +
      `before, ${before}; now, ${now}${lost}`,
    remedy: 'Keep what the route it replaces asked for, unless this is meant.',
  })
}
