import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { sourceFilesOf } from '../assembly/rule-files.ts'
import { findRevision, readHistory, type HistoryView } from '../assembly/revisions/operator.ts'
import type { HistoryEntry } from '../assembly/revisions/history-index.ts'
import { shortRevision } from '../assembly/revisions/revision.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import { plural, printDiagnostics, textOption, wantsJson } from './report.ts'
import { configuredRevisions, onlyWord, type ConfiguredRevisions } from './revision-options.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate history`: rule sets that were in force, and what was in them. */
export const history: Verb = {
  positionals: '[show REV]',
  options: {
    out: { type: 'string', value: 'DIR', help: 'show: write the files of the set below DIR' },
    limit: { type: 'string', value: 'N', help: 'list: entries shown (default 20)' },
  },
  examples: [
    'modelgate history --config config/gateway.yaml',
    'modelgate history show previous --out /tmp/before',
  ],
  async run(options, positionals, io) {
    const configured = await configuredRevisions(options, io)
    const [what, ...rest] = positionals
    if (what === undefined) return list(options, io, configured)
    if (what !== 'show') throw new GatewayError('ERR_USAGE', 'history takes show REV, or nothing')
    return show(onlyWord('history show', rest, 'one revision'), options, io, configured)
  },
}

async function list(
  options: OptionValues,
  io: CliIo,
  { revisions }: ConfiguredRevisions,
): Promise<number> {
  const view = await readHistory(revisions)
  const limit = limitOf(options)
  if (wantsJson(options)) io.out(`${JSON.stringify(asJson(view, limit), null, 2)}\n`)
  else io.out(asText(view, limit))
  return EXIT.ok
}

function limitOf(options: OptionValues): number {
  const text = textOption(options, 'limit', '20')
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new GatewayError('ERR_USAGE', '--limit takes a number from 1')
}

function asJson({ entries, kept, current, pin }: HistoryView, limit: number): object {
  return {
    current: current ?? null,
    pinned: typeof pin?.revision === 'string' ? pin : null,
    entries: entries.slice(0, limit).map((entry) => ({ ...entry, kept: kept.has(entry.revision) })),
  }
}

function asText(view: HistoryView, limit: number): string {
  const { entries, pin } = view
  const rows = entries.slice(0, limit).map((entry, at) => row(view, entry, at))
  const more = entries.length - rows.length
  const isPinned = typeof pin?.revision === 'string'
  return [
    ...(rows.length === 0 ? ['no rule set has been in force yet'] : rows),
    ...(more > 0 ? [`and ${more} before; --limit shows more`] : []),
    ...(isPinned ? [`pinned by ${pin.by} at ${pin.at}: ${pin.reason || 'no reason given'}`] : []),
    '',
  ].join('\n')
}

function row(view: HistoryView, entry: HistoryEntry, at: number): string {
  const { kept, pin } = view
  const marks = [
    ...(at === 0 ? ['current'] : []),
    ...(entry.revision === pin?.revision ? ['pinned'] : []),
    ...(kept.has(entry.revision) ? [] : ['not kept']),
  ]
  const { how, by, rules, reason } = entry
  return [
    `~${at}`.padEnd(4),
    shortRevision(entry.revision),
    entry.at,
    how.padEnd(8),
    by.padEnd(16),
    plural(rules, 'rule'),
    ...(marks.length === 0 ? [] : [`[${marks.join(', ')}]`]),
    ...(reason === undefined ? [] : [`"${reason}"`]),
  ].join('  ')
}

async function show(
  name: string,
  options: OptionValues,
  io: CliIo,
  { revisions }: ConfiguredRevisions,
): Promise<number> {
  const revision = await findRevision(revisions, name)
  const set = await revisions.store.read(revision)
  if (!set.ok) {
    printDiagnostics(io, set.diagnostics)
    return EXIT.invalid
  }
  const { signature } = set.value
  const signed = signature === undefined ? [] : [{ file: 'signature.json', text: signature }]
  const files = [...sourceFilesOf(set.value.files), ...signed]
  const out = textOption(options, 'out')
  if (out !== undefined) await writeOut(resolve(io.cwd, out), files)
  if (wantsJson(options)) {
    io.out(`${JSON.stringify({ revision, files }, null, 2)}\n`)
  } else if (out !== undefined) {
    io.out(`${revision}: ${plural(files.length, 'file')} written below ${out}\n`)
  } else {
    for (const { file, text } of files) io.out(`==> ${file} <==\n${text}\n`)
  }
  return EXIT.ok
}

/** Nothing that is there already is overwritten. */
async function writeOut(
  dir: string,
  files: readonly { readonly file: string; readonly text: string }[],
): Promise<void> {
  for (const { file, text } of files) {
    const path = join(dir, file)
    await mkdir(dirname(path), { recursive: true })
    try {
      await writeFile(path, text, { flag: 'wx' })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new GatewayError('ERR_USAGE', `--out: ${reason}`, { cause: error })
    }
  }
}
