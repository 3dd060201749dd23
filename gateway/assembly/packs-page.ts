import type { CompiledPack, RouteSummary } from '../classify/pack/compiled-pack.ts'
import { builtInPackFiles, loadPacks } from '../classify/pack/pack-loader.ts'
import { invariant } from '../domain/errors.ts'
import { ACTIONS } from '../domain/vocabulary.ts'
import type { GeneratedFile } from '../settings/reference.ts'

const PAGE = 'docs/reference/packs.md'

/** Longer lists are cut: the file of the pack has them whole. */
const LISTED_MAX = 40

/**
 * The reference page of the built-in packs: what each was read from, how many of its routes ask for
 * what, and which are refused, unverified, gRPC methods or listings.
 *
 * @throws ERR_RULES_UNREADABLE
 */
export async function packsPage(): Promise<GeneratedFile> {
  const loaded = loadPacks(await builtInPackFiles())
  invariant(loaded.ok, 'a built-in pack with a mistake')
  const packs = [...loaded.value.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const text = [...INTRODUCTION, ...summary(packs), '', ...packs.flatMap(section)]
  return { path: PAGE, text: text.join('\n') }
}

const INTRODUCTION = [
  '# Built-in route packs: `gateway/classify/packs/*.yaml`',
  '',
  '<!-- Generated from the packs by `npm run generate`; changes here are lost. -->',
  '',
  'A route is one method, one path and one meaning: where a field of the request decides, each meaning',
  'counts. HEAD comes with GET and is not counted, unless it has a route of its own. A route counts by its',
  'first action; the others it asks for are in the file. Refused: known, and never served. Unverified: not',
  'seen in the source of the upstream, so it asks for a privileged action.',
  '',
]

const HEADS = ['routes', ...ACTIONS, 'refused', 'unverified', 'gRPC', 'listings'] as const

function summary(packs: readonly CompiledPack[]): string[] {
  const counts = packs.map(countsOf)
  const total = HEADS.map((_, at) => counts.reduce((sum, row) => sum + (row[at] ?? 0), 0))
  return [
    line(['pack', ...HEADS]),
    line(['pack', ...HEADS].map(() => '---')),
    ...packs.map(({ name }, at) => line([`[\`${name}\`](#${name})`, ...cells(counts[at] ?? [])])),
    line(['all', ...cells(total)]),
  ]
}

function countsOf({ routes }: CompiledPack): number[] {
  const served = routes.filter(({ row }) => !row.refused)
  return [
    served.length,
    ...ACTIONS.map((action) => served.filter(({ row }) => row.actions[0] === action).length),
    routes.length - served.length,
    served.filter(({ row }) => !row.verified).length,
    served.filter(({ transport }) => transport === 'grpc').length,
    served.filter(({ row }) => row.listing !== undefined).length,
  ]
}

function cells(counts: readonly number[]): string[] {
  return counts.map((count) => (count === 0 ? '–' : `${count}`))
}

function line(texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`
}

function section({ name, title, versionRead, routes }: CompiledPack): string[] {
  const served = routes.filter(({ row }) => !row.refused)
  const parts = [
    listed('Not verified', served, ({ row }) => !row.verified),
    listed('gRPC', served, ({ transport }) => transport === 'grpc'),
    listed('Listings', served, ({ row }) => row.listing !== undefined),
    listed('Refused', routes, ({ row }) => row.refused),
  ]
  return [`## ${name}`, '', `${title}. Read: ${versionRead}.`, '', ...parts.flat()]
}

function listed(
  head: string,
  routes: readonly RouteSummary[],
  isMeant: (route: RouteSummary) => boolean,
): string[] {
  const texts = new Map<string, Set<string>>()
  for (const { path, method } of routes.filter(isMeant)) {
    texts.set(path, (texts.get(path) ?? new Set<string>()).add(method))
  }
  if (texts.size === 0) return []
  const all = [...texts].map(([path, methods]) => `\`${[...methods].join(' ')} ${path}\``)
  const more = all.length - LISTED_MAX
  const tail = more > 0 ? [`- and ${more} more paths`] : []
  return [`${head}:`, '', ...all.slice(0, LISTED_MAX).map((text) => `- ${text}`), ...tail, '']
}
