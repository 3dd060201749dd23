/** Reads pack files and works out which files make up each pack, base first. */
import { closest, type Diagnostic, type Loaded, type Position } from '../../domain/diagnostics.ts'
import { loadDocument, type DocumentPath } from '../../settings/document.ts'
import { packSchema, type PackDocument } from '../../settings/schemas/pack.ts'

/** A file as handed to the loader. */
export interface PackFile {
  readonly file: string
  readonly text: string
}

/** One validated file. */
export interface PackLayer {
  readonly document: PackDocument
  readonly positionOf: (path: DocumentPath) => Position
}

/** The files of one pack: the base first, then what extends it, in the order given. */
export interface LayeredPack {
  readonly name: string
  readonly layers: readonly [PackLayer, ...PackLayer[]]
}

/** Builds a {@link Diagnostic}. */
export function finding(
  position: Position,
  severity: Diagnostic['severity'],
  text: { readonly code: string; readonly message: string; readonly remedy: string },
): Diagnostic {
  return { ...position, severity, ...text }
}

/**
 * Reads and layers all files, or says everything that is wrong with them; `otherNames` are proposed
 * where a name is wrong.
 */
export function readLayers(
  files: readonly PackFile[],
  otherNames: readonly string[],
): Loaded<readonly LayeredPack[]> {
  const diagnostics: Diagnostic[] = []
  const layers: PackLayer[] = []
  for (const file of files) {
    const loaded = loadDocument(file, packSchema)
    if (!loaded.ok) {
      diagnostics.push(...loaded.diagnostics)
      continue
    }
    const { value } = loaded
    layers.push({ document: value.value, positionOf: (path) => value.positionOf(path) })
  }
  const roots = findRoots(layers, otherNames, diagnostics)
  const packs: LayeredPack[] = []
  for (const [name, root] of roots) {
    const chain = chainOf(name, { roots, layers, diagnostics }, new Set())
    packs.push({ name, layers: [chain[0] ?? root, ...chain.slice(1)] })
  }
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  return { ok: true, value: packs, warnings: [] }
}

interface Known {
  readonly roots: ReadonlyMap<string, PackLayer>
  readonly layers: readonly PackLayer[]
  readonly diagnostics: Diagnostic[]
}

function findRoots(
  layers: readonly PackLayer[],
  otherNames: readonly string[],
  diagnostics: Diagnostic[],
): Map<string, PackLayer> {
  const roots = new Map<string, PackLayer>()
  for (const layer of layers) {
    const { document } = layer
    if (document.pack === undefined) {
      if (document.extends === undefined) diagnostics.push(nameless(layer))
      continue
    }
    if (roots.has(document.pack)) diagnostics.push(duplicatePack(layer, document.pack))
    else roots.set(document.pack, layer)
  }
  for (const layer of layers) {
    const base = layer.document.extends
    if (base !== undefined && !roots.has(base)) {
      diagnostics.push(
        unknownBase(layer, base, [...new Set([...roots.keys(), ...otherNames])].sort()),
      )
    }
  }
  return roots
}

function chainOf(name: string, known: Known, visited: Set<string>): PackLayer[] {
  const root = known.roots.get(name)
  if (root === undefined) return []
  if (visited.has(name)) {
    known.diagnostics.push(circular(root, name))
    return []
  }
  visited.add(name)
  const base = root.document.extends
  const below = base === undefined ? [] : chainOf(base, known, visited)
  const over = known.layers.filter(
    ({ document }) => document.pack === undefined && document.extends === name,
  )
  return [...below, root, ...over]
}

function nameless(layer: PackLayer): Diagnostic {
  return finding(layer.positionOf([]), 'error', {
    code: 'pack-without-name',
    message: 'the file names neither `pack` nor `extends`',
    remedy: 'Write `extends: <pack>` to change a pack, or `pack: <name>` for one of its own.',
  })
}

function duplicatePack(layer: PackLayer, name: string): Diagnostic {
  return finding(layer.positionOf(['pack']), 'error', {
    code: 'duplicate-pack',
    message: `the pack \`${name}\` is defined twice`,
    remedy: `Write \`extends: ${name}\` instead of \`pack\` to change it, or use another name.`,
  })
}

function unknownBase(layer: PackLayer, base: string, names: readonly string[]): Diagnostic {
  const near = closest(base, names)
  return finding(layer.positionOf(['extends']), 'error', {
    code: 'unknown-pack',
    message: `there is no pack \`${base}\``,
    remedy: near === undefined ? `Use one of: ${names.join(', ')}.` : `Did you mean \`${near}\`?`,
  })
}

function circular(layer: PackLayer, name: string): Diagnostic {
  return finding(layer.positionOf(['extends']), 'error', {
    code: 'circular-extends',
    message: `the pack \`${name}\` extends itself by way of others`,
    remedy: 'Remove one `extends`.',
  })
}
