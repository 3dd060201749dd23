/**
 * What a row for an unmapped route would say. A proposal for a person to read, never used by
 * itself: worked out from other packs and from words, and where several things are said, the one
 * that asks for the most privilege.
 */
import type { CompiledPack, CompiledRow, Origin } from '../../classify/pack/compiled-pack.ts'
import type { Action } from '../../domain/vocabulary.ts'
import type { ServedRoute } from './served-routes.ts'
import { parametersOf, shapeOf } from './template.ts'

/** Where a row would read the name of the model. */
export interface ProposedSource {
  readonly place: 'path' | 'query' | 'body' | 'header' | 'form'
  readonly name: string
}

/** What a row would say, and why. */
export interface Proposal {
  readonly action: Action
  readonly reason: string
  /** Empty: the resource would be the server. */
  readonly model: readonly ProposedSource[]
  /** Whether a pack can say the path at all. */
  readonly sayable: boolean
}

/** From the most privileged. */
const BY_STRENGTH: readonly Action[] = [
  'admin',
  'export',
  'retrain',
  'deploy',
  'data:write',
  'infer',
  'data:read',
  'read',
]

/** The most privileged of some actions. */
export function strongest(actions: readonly Action[]): Action | undefined {
  return BY_STRENGTH.find((action) => actions.includes(action))
}

/** Words that say what a route does, by what it would then need; the strongest are asked first. */
const WORDS: readonly (readonly [Action, ReadonlySet<string>])[] = [
  [
    'admin',
    wordsOf('config configuration user users permission permissions shutdown debug admin secret'),
  ],
  ['export', wordsOf('weights weight download downloads artifact artifacts export exports')],
  ['retrain', wordsOf('train training finetune finetuning tune tuning')],
  ['deploy', wordsOf('load unload reload register deploy delete upload publish')],
  [
    'infer',
    wordsOf(
      'predict prediction predictions infer inference invoke invocations generate generation ' +
        'embed embedding embeddings completion completions chat score rerank explain',
    ),
  ],
]

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}

const MODEL_PARAMETERS = new Set(['model', 'model_name', 'model_id', 'modelname'])

interface Twin {
  readonly pack: string
  readonly row: CompiledRow
  readonly path: string
}

/** Proposes rows, with an eye on every pack but `own`. */
export function createProposer(
  packs: ReadonlyMap<string, CompiledPack>,
  own: string,
): (route: ServedRoute) => Proposal {
  const twins = twinsByShape(packs, own)
  return (route) => {
    const shape = shapeOf(route.path)
    const parameters = parametersOf(route.path)
    const found = shape === undefined ? [] : (twins.get(`${route.method} ${shape}`) ?? [])
    const { action, reason } = byTwins(found) ?? byWords(route)
    const sayable = parameters !== undefined
    const fromPath = (parameters ?? []).filter((name) => MODEL_PARAMETERS.has(name))
    const model = fromPath.map((name): ProposedSource => ({ place: 'path', name }))
    return { action, reason, sayable, model: model.length > 0 ? model : sourcesOf(found) }
  }
}

function twinsByShape(
  packs: ReadonlyMap<string, CompiledPack>,
  own: string,
): ReadonlyMap<string, readonly Twin[]> {
  const twins = new Map<string, Twin[]>()
  for (const pack of packs.values()) {
    if (pack.name === own) continue
    for (const { method, path, transport, row } of pack.routes) {
      const shape = transport === 'http' ? shapeOf(path) : undefined
      // A path of nothing but parameters is like every other: it says nothing.
      if (shape === undefined || !/(?:^|\/)[^{}/]+(?:\/|$)/.test(shape)) continue
      const key = `${method} ${shape}`
      const known = twins.get(key)
      if (known === undefined) twins.set(key, [{ pack: pack.name, row, path }])
      else known.push({ pack: pack.name, row, path })
    }
  }
  return twins
}

function byTwins(twins: readonly Twin[]): Pick<Proposal, 'action' | 'reason'> | undefined {
  if (twins.length === 0) return undefined
  const names = [...new Set(twins.map(({ pack }) => pack))].sort()
  const [shown, more] = [names.slice(0, 3).join(', '), names.length - 3]
  const where = `${shown}${more > 0 ? ` and ${more} more` : ''}`
  const served = twins.filter(({ row }) => !row.refused)
  const action = strongest(served.flatMap(({ row }) => row.actions))
  if (action === undefined) return { action: 'admin', reason: `never served by the pack ${where}` }
  return { action, reason: `the same route in the pack ${where}` }
}

function byWords(route: ServedRoute): Pick<Proposal, 'action' | 'reason'> {
  const said: readonly (readonly [string, string])[] = [
    ['the path', route.path.replaceAll(/\{[^{}]*\}/g, ' ')],
    ['the tags', route.tags.join(' ')],
    ['the summary', route.summary],
  ]
  for (const [action, words] of WORDS) {
    for (const [where, text] of said) {
      const word = splitWords(text).find((candidate) => words.has(candidate))
      if (word !== undefined) return { action, reason: `\`${word}\` in ${where}` }
    }
  }
  if (route.method === 'GET' || route.method === 'HEAD') {
    return { action: 'read', reason: `${route.method}, and no word says more` }
  }
  return { action: 'admin', reason: 'nothing says what it does' }
}

/** `getModelConfig`, `model_config` and `model-config` are the same three or two words. */
function splitWords(text: string): string[] {
  return text
    .slice(0, 4096)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
}

/** As the one row that all twins agree on reads it. */
function sourcesOf(twins: readonly Twin[]): readonly ProposedSource[] {
  const [first, ...others] = twins
  if (first?.row.resource !== 'model') return []
  const sources = first.row.names.map(({ origin }) => sourceOf(origin))
  const agreed = others.every(({ row }) => {
    const other = row.names.map(({ origin }) => sourceOf(origin))
    return JSON.stringify(other) === JSON.stringify(sources)
  })
  return agreed ? sources.filter((source) => source !== undefined) : []
}

function sourceOf(origin: Origin): ProposedSource | undefined {
  if (origin.kind === 'upstream' || origin.kind === 'proto' || origin.kind === 'path') {
    return undefined
  }
  return { place: origin.kind, name: origin.name }
}
