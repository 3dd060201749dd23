/** What is looked for in a JSON body, and what is found. */
import { foldFieldName } from '../names.ts'
import { hashOfFolded } from './seen-keys.ts'

/**
 * The value of a field. `null` counts as absent. Strings past 4096 bytes are `other`. `list`: the
 * values of a field of every element of an array, in order; where an element has none, `absent`.
 */
export type FieldValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly FieldValue[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'other'; readonly isEmpty?: boolean }

/** The fields to find, as a tree; built by {@link compileFieldTree}. */
export interface FieldTree {
  /** By folded name. */
  readonly children: ReadonlyMap<string, FieldBranch>
  /** Of the names in `children`: a key of another hash is none of them. */
  readonly hashes: ReadonlySet<number>
  /** Present when the body is an array of such objects. */
  readonly items?: FieldBranch
}

/** What is wanted at and below one place. */
export interface FieldBranch {
  /** The only spelling that is taken. */
  readonly name: string
  /** The dotted path, where the value here is wanted. */
  readonly path: string | undefined
  readonly below: FieldTree | undefined
  /** What is wanted of every element, where an array is expected. */
  readonly items: FieldBranch | undefined
  /** The paths in `items` and below: those of which every element has a value. */
  readonly listPaths: readonly string[]
  /** All paths here and below. */
  readonly paths: readonly string[]
}

/** Builds the tree for paths such as `model`, `parameters.config`, `instances[].model`, `[].id`. */
export function compileFieldTree(paths: readonly string[]): FieldTree {
  const inArray = paths.filter((path) => path.startsWith('[]'))
  const named = paths.filter((path) => !path.startsWith('[]'))
  const tree = treeOf(compileChildren(named, ''))
  return inArray.length === 0 ? tree : { ...tree, items: compileBranch('', inArray, '') }
}

function treeOf(children: ReadonlyMap<string, FieldBranch>): FieldTree {
  return { children, hashes: new Set([...children.keys()].map(hashOfFolded)) }
}

/** `[]` behind a name takes the part of the path up to there with it. */
function compileChildren(paths: readonly string[], above: string): Map<string, FieldBranch> {
  const tails = new Map<string, string[]>()
  for (const path of paths) {
    const [, name = '', rest = ''] = /^([^.[]+)\.?(.*)$/.exec(path) ?? []
    tails.set(name, [...(tails.get(name) ?? []), rest])
  }
  const children = new Map<string, FieldBranch>()
  for (const [name, rests] of tails) {
    const here = above === '' ? name : `${above}.${name}`
    children.set(foldFieldName(name), compileBranch(name, rests, here))
  }
  return children
}

function compileBranch(name: string, rests: readonly string[], here: string): FieldBranch {
  const ofItems = rests.filter((rest) => rest.startsWith('[]'))
  const deeper = rests.filter((rest) => rest !== '' && !rest.startsWith('[]'))
  const itemRests = ofItems.map((rest) => rest.slice(2).replace(/^\./, ''))
  return {
    name,
    path: rests.includes('') ? here : undefined,
    below: deeper.length === 0 ? undefined : treeOf(compileChildren(deeper, here)),
    items: ofItems.length === 0 ? undefined : compileBranch('', itemRests, `${here}[]`),
    listPaths: itemRests.map((rest) => (rest === '' ? `${here}[]` : `${here}[].${rest}`)),
    paths: rests.map((rest) =>
      rest === '' || rest.startsWith('[]') ? here + rest : `${here}.${rest}`,
    ),
  }
}
