import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import type { TestFile, TestFiles } from '../pdp/policy-tests/parse-suites.ts'

/** As for every document (I17). */
const FILE_BYTES_MAX = 8 * 1024 * 1024
const FILES_MAX = 1000

/**
 * Reads `tests/*_test.yaml` and `tests/testdata/*.yaml` of the rule folder `dir`. No folder is no
 * tests; a file that would be passed over for its name is a finding, since its tests would be too.
 */
export async function readPolicyTestFiles(dir: string): Promise<Loaded<TestFiles>> {
  const folder = join(dir, 'tests')
  const suites = await readFolder(folder, '_test.yaml')
  const fixtures = await readFolder(join(folder, 'testdata'), '.yaml')
  if (suites.ok && fixtures.ok) {
    return { ok: true, value: { suites: suites.value, fixtures: fixtures.value }, warnings: [] }
  }
  const diagnostics = [suites, fixtures].flatMap((part) => (part.ok ? [] : part.diagnostics))
  return { ok: false, diagnostics }
}

async function readFolder(folder: string, ending: string): Promise<Loaded<readonly TestFile[]>> {
  const names = await namesIn(folder)
  if ('severity' in names) return { ok: false, diagnostics: [names] }
  const misnamed = names.filter((name) => /\.ya?ml$/.test(name) && !name.endsWith(ending))
  const wanted = names.filter((name) => name.endsWith(ending))
  if (wanted.length > FILES_MAX) {
    const tooMany = unreadable(folder, new Error(`it has more than ${FILES_MAX} files`))
    return { ok: false, diagnostics: [tooMany] }
  }
  const read = await Promise.all(wanted.map((name) => readOne(join(folder, name))))
  const diagnostics = [
    ...misnamed.map((name) => misnamedFile(join(folder, name), ending)),
    ...read.flatMap((file) => ('severity' in file ? [file] : [])),
  ]
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  const files = read.flatMap((file) => ('severity' in file ? [] : [file]))
  return { ok: true, value: files, warnings: [] }
}

async function namesIn(folder: string): Promise<readonly string[] | Diagnostic> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable(folder, error)
  }
}

async function readOne(file: string): Promise<TestFile | Diagnostic> {
  try {
    const found = await stat(file)
    // A FIFO would never end.
    if (!found.isFile()) throw new Error('it is not a regular file')
    if (found.size > FILE_BYTES_MAX) throw new Error('it is larger than 8 MiB')
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)) }
  } catch (error) {
    return unreadable(file, error)
  }
}

function unreadable(file: string, error: unknown): Diagnostic {
  const reason = error instanceof Error ? error.message : String(error)
  const message = `cannot be read: ${reason}`
  return { ...START_OF_FILE, file, code: 'unreadable-file', message, remedy: READABLE }
}

const READABLE = 'Make it a UTF-8 text that can be read.'

function misnamedFile(file: string, ending: string): Diagnostic {
  return {
    ...START_OF_FILE,
    file,
    code: 'misnamed-file',
    message: `is not read: its name must end in ${ending}`,
    remedy: `Rename the file so that it ends in ${ending}, or move it out of the folder.`,
  }
}

const START_OF_FILE = { line: 1, column: 1, severity: 'error' } as const
