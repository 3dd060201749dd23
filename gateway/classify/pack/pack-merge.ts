/** Lays the files of one pack over each other, and warns where that takes protection away. */
import type { Diagnostic } from '../../domain/diagnostics.ts'
import { isPrivileged } from '../../domain/vocabulary.ts'
import type { PackRoute } from '../../settings/schemas/pack.ts'
import { expandLayer, type Prefixes, type RowGroup } from './pack-expand.ts'
import { finding, type LayeredPack } from './pack-layers.ts'
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
    if (depth > 0) warnOfLoss(merged, groups, diagnostics)
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
    const taken = bases.find(
      ([baseKey, base]) =>
        base.method === group.method &&
        base.transport === group.transport &&
        (baseKey === key || (!above.has(baseKey) && takesFrom(group, base))) &&
        isLowered(base, group),
    )
    if (taken !== undefined) diagnostics.push(lowered(group, taken[1]))
  }
}

function takesFrom(group: RowGroup, base: RowGroup): boolean {
  return (
    overlaps(group.pattern, base.pattern) && compareSpecificity(group.pattern, base.pattern) > 0
  )
}

function isLowered(base: RowGroup, over: RowGroup): boolean {
  const needed = new Set(over.rows.flatMap((row) => demands(row.route)))
  const lost = base.rows.some((row) => demands(row.route).some((demand) => !needed.has(demand)))
  const allGuarded = base.rows.every((row) => demands(row.route).length > 0)
  return lost || (allGuarded && over.rows.some((row) => demands(row.route).length === 0))
}

/** What the route asks for beyond the ordinary, and where. */
function demands(route: PackRoute): string[] {
  if (route.refuse === true) return ['refuse']
  const onServer = route.model === undefined
  const own = [route.action, ...(route.also ?? [])].filter(isPrivileged)
  const server = (route.also_server ?? []).filter(isPrivileged).map((action) => `server ${action}`)
  return [...own, ...(onServer ? own.map((action) => `server ${action}`) : []), ...server]
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

function lowered(group: RowGroup, base: RowGroup): Diagnostic {
  return finding(positionOf(group), 'warning', {
    code: 'privilege-lowered',
    message: `${group.method} ${group.pattern.text} asks for less than ${base.pattern.text} did`,
    remedy: 'Keep the privileged actions of the route it replaces, unless this is meant.',
  })
}
