/** Reads a rule folder out of a git revision, without a work tree and without a shell. */
import { execFile } from 'node:child_process'
import { GatewayError } from '../domain/errors.ts'
import type { Loaded } from '../domain/diagnostics.ts'
import { isRuleFile, ruleFilesOf, type RuleFiles, type SourceFile } from './rule-files.ts'

/** A folder in a revision. */
export interface GitFolder {
  /** Where git is run. */
  readonly cwd: string
  /** Names, tags, digests, `HEAD~2`, `main@{yesterday}`: whatever git understands of these. */
  readonly revision: string
  /** As git reads it: from the top of the repository, or from `cwd` when it starts with `./`. */
  readonly path: string
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
const TIMEOUT_MS = 30_000
const FILES_MAX = 1024
/** No leading dash (it would be an option), no colon (it would be a path), nothing invisible. */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9_./@{}^~+ -]{0,254}$/
/** Names that are close to those of rule files; read, so that they are refused by name. */
const MISNAMED = /^((limits|grants)\.yml|routes\/[^/]+\.yml)$/

/**
 * The rule files of a revision. Links and submodules in their place are refused.
 * @throws ERR_USAGE when git, the repository, the revision or the folder is not there
 */
export async function readGitRules(folder: GitFolder): Promise<Loaded<RuleFiles>> {
  const tree = await treeOf(folder)
  const listed = entriesOf(await git(folder.cwd, ['ls-tree', '-r', '-z', tree]))
  const wanted = listed.filter(({ file }) => isRuleFile(file) || MISNAMED.test(file))
  if (wanted.length > FILES_MAX) throw usage(`there are more than ${FILES_MAX} files in ${tree}`)
  const sources: SourceFile[] = []
  let bytes = 0
  for (const { file, mode, id } of wanted) {
    if (!mode.startsWith('100')) throw usage(`${file} is no regular file in ${folder.revision}`)
    const blob = await git(folder.cwd, ['cat-file', 'blob', id])
    bytes += blob.length
    if (bytes > OUTPUT_BYTES_MAX) throw usage(`the rules of ${folder.revision} are too large`)
    sources.push({ file, text: textOf(blob, file) })
  }
  return ruleFilesOf(sources)
}

interface Entry {
  readonly mode: string
  readonly id: string
  readonly file: string
}

function entriesOf(listing: Buffer): Entry[] {
  return listing
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      const [, mode, id, file] = /^(\d{6}) \w+ ([0-9a-f]{40,64})\t([^]+)$/.exec(line) ?? []
      return mode === undefined || id === undefined || file === undefined
        ? []
        : [{ mode, id, file }]
    })
}

/** The object id of the folder: from here on nothing the user wrote reaches git any more. */
async function treeOf({ cwd, revision, path }: GitFolder): Promise<string> {
  if (!REVISION.test(revision)) {
    throw usage(`${JSON.stringify(revision)} is neither a folder nor the name of a git revision`)
  }
  if (/[\p{Cc}]/u.test(path)) throw usage('the path of the rules holds a control character')
  const verify = (name: string) =>
    git(cwd, ['rev-parse', '--verify', '--quiet', '--end-of-options', name]).then(
      (out) => out.toString('utf8').trim(),
      (error: unknown) => {
        // Git says nothing of what does not exist, and something of everything else.
        if (error instanceof GatewayError) throw error
        return undefined
      },
    )
  if ((await verify(`${revision}^{commit}`)) === undefined) {
    throw usage(`${revision} is neither a folder here nor a git revision; see git log and git tag`)
  }
  const tree = await verify(`${revision}:${path}`)
  if (tree !== undefined) return tree
  throw usage(
    `there is no folder ${path} in ${revision}; name it with --rules-path, or as ${revision}:<path>`,
  )
}

/** What git prints. @throws ERR_USAGE when it cannot run at all; an Error without words of its own */
function git(cwd: string, args: readonly string[]): Promise<Buffer> {
  const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: TIMEOUT_MS, encoding: 'buffer' } as const
  return new Promise((resolve, reject) => {
    execFile('git', ['-C', cwd, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') reject(usage('git is not installed; name two folders'))
      else if (stderr.length === 0) reject(new Error(error.message))
      else reject(usage(`git says: ${firstLine(stderr)}`))
    })
  })
}

function firstLine(stderr: Buffer): string {
  const line = stderr.toString('utf8').trim().split('\n')[0] ?? ''
  return line.replaceAll(/[\p{Cc}]/gu, ' ').slice(0, 300)
}

function textOf(blob: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(blob)
  } catch {
    throw usage(`${file} is not UTF-8 text`)
  }
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', message)
}
