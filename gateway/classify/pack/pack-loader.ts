/** Loads route packs: the built-in ones and those an operator writes over or beside them. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../../domain/errors.ts'
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import type { CompiledPack } from './compiled-pack.ts'
import { compilePack } from './pack-compile.ts'
import { readLayers, type PackFile } from './pack-layers.ts'
import { mergeLayers } from './pack-merge.ts'

/**
 * Compiles all packs of a set of files, by name. All or nothing: one error anywhere gives no packs.
 * Errors: what `loadDocument` finds, and `pack-without-name`, `duplicate-pack`, `unknown-pack`,
 * `circular-extends`, `invalid-route`, `unknown-prefix`, `duplicate-route`, `ambiguous-route`.
 * Warning: `privilege-lowered`, where a file asks for less than the pack it extends.
 *
 * @param files built-in first, then the operator's; later files of one pack replace routes of
 *   earlier ones
 * @param otherNames packs there are besides, for what is proposed where a name is wrong
 */
export function loadPacks(
  files: readonly PackFile[],
  otherNames: readonly string[] = [],
): Loaded<ReadonlyMap<string, CompiledPack>> {
  const layered = readLayers(files, otherNames)
  if (!layered.ok) return layered
  const diagnostics: Diagnostic[] = []
  const packs = new Map<string, CompiledPack>()
  for (const pack of layered.value) {
    const found: Diagnostic[] = []
    const groups = mergeLayers(pack, found)
    diagnostics.push(...found)
    if (!found.some(isError)) packs.set(pack.name, compilePack(pack, groups))
  }
  const unique = withoutRepeats(diagnostics)
  if (unique.some(isError)) return { ok: false, diagnostics: unique }
  return { ok: true, value: packs, warnings: unique }
}

function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === 'error'
}

/** A file that several packs extend is checked once for each of them. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map<string, Diagnostic>()
  for (const diagnostic of diagnostics) {
    const { file, line, column, message } = diagnostic
    seen.set(JSON.stringify([file, line, column, message]), diagnostic)
  }
  return [...seen.values()]
}

/** The file system, as far as it is needed to read packs. */
export interface PackReader {
  readDirectory(directory: string): Promise<readonly string[]>
  readText(file: string): Promise<string>
}

const diskReader: PackReader = {
  readDirectory: (directory) => readdir(directory),
  readText: (file) => readFile(file, 'utf8'),
}

/** The directory of the packs shipped with the gateway. */
export const BUILT_IN_PACK_DIRECTORY = fileURLToPath(new URL('../packs/', import.meta.url))

/**
 * Reads the `*.yaml` files of a directory, in order of their names, for {@link loadPacks}.
 *
 * @throws ERR_RULES_UNREADABLE when the directory or a file cannot be read
 */
export async function readPackFiles(
  directory: string,
  reader: PackReader = diskReader,
): Promise<readonly PackFile[]> {
  try {
    const names = await reader.readDirectory(directory)
    const wanted = names.filter((name) => name.endsWith('.yaml')).sort()
    return await Promise.all(
      wanted.map(async (name) => {
        const file = `${directory.replace(/\/$/, '')}/${name}`
        return { file, text: await reader.readText(file) }
      }),
    )
  } catch (cause) {
    throw new GatewayError('ERR_RULES_UNREADABLE', `cannot read packs of ${directory}`, { cause })
  }
}

/**
 * The names of the packs shipped with the gateway, which are those of their files.
 *
 * @throws ERR_RULES_UNREADABLE
 */
export async function builtInPackNames(reader: PackReader = diskReader): Promise<string[]> {
  try {
    const names = await reader.readDirectory(BUILT_IN_PACK_DIRECTORY)
    return names.filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -5))
  } catch (cause) {
    throw new GatewayError('ERR_RULES_UNREADABLE', 'cannot list the built-in packs', { cause })
  }
}

/**
 * Of the packs shipped with the gateway, those that are wanted and what they extend, for
 * {@link loadPacks}: reading all of them would take a second at every start. Names that are no
 * built-in pack are passed over.
 *
 * @throws ERR_RULES_UNREADABLE
 */
export async function neededPackFiles(
  wanted: Iterable<string>,
  reader: PackReader = diskReader,
): Promise<readonly PackFile[]> {
  const shipped = new Set(await builtInPackNames(reader))
  const needed = new Set<string>()
  const files: PackFile[] = []
  const waiting = [...wanted]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (!shipped.has(name) || needed.has(name)) continue
    needed.add(name)
    const file = await readPackFile(`${BUILT_IN_PACK_DIRECTORY}${name}.yaml`, reader)
    files.push(file)
    waiting.push(...namesIn(file))
  }
  return files.sort((a, b) => (a.file < b.file ? -1 : 1))
}

async function readPackFile(file: string, reader: PackReader): Promise<PackFile> {
  try {
    return { file, text: await reader.readText(file) }
  } catch (cause) {
    throw new GatewayError('ERR_RULES_UNREADABLE', `cannot read ${file}`, { cause })
  }
}

/**
 * What a pack file says it is and extends, told without parsing it: more names than it means do no
 * harm, since what is read is only what is shipped.
 */
export function namesIn({ text }: PackFile): readonly string[] {
  return [...text.matchAll(/\b(?:pack|extends)["']?\s*:\s*["']?([a-z][a-z0-9-]*)/g)].map(
    ([, name = '']) => name,
  )
}

/**
 * The packs shipped with the gateway, for {@link loadPacks}.
 *
 * @throws ERR_RULES_UNREADABLE
 */
export function builtInPackFiles(reader: PackReader = diskReader): Promise<readonly PackFile[]> {
  return readPackFiles(BUILT_IN_PACK_DIRECTORY, reader)
}
