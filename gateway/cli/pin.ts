import { osUser } from '../assembly/process-facts.ts'
import {
  checkedReason,
  findRevision,
  readHistory,
  readPast,
  setPin,
  type HistoryView,
} from '../assembly/revisions/operator.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import { printDiagnostics, textOption, wantsJson } from './report.ts'
import { configuredRevisions, onlyWord } from './revision-options.ts'
import type { OptionValues, Verb } from './verb.ts'

const REASON = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for the ledger and the history' },
} as const

/** `modelgate pin REV`: holds the gateway at a revision, whatever the rule folder says. */
export const pin: Verb = {
  positionals: 'REV',
  options: REASON,
  examples: ['modelgate pin "~0" --reason "frozen for the audit"', 'modelgate pin 1f0c9a2b'],
  run: (options, positionals, io) => hold('pin', options, positionals, io),
}

/** `modelgate rollback REV`: goes back to a revision that was in force before, and stays there. */
export const rollback: Verb = {
  positionals: 'REV',
  options: REASON,
  examples: [
    'modelgate rollback previous --reason "readers were locked out"',
    'modelgate rollback "~2" --config config/gateway.yaml',
  ],
  run: (options, positionals, io) => hold('rollback', options, positionals, io),
}

/** `modelgate unpin`: the rule folder counts again. */
export const unpin: Verb = {
  options: REASON,
  examples: ['modelgate unpin --reason "the corrected rules are in the folder"'],
  async run(options, _positionals, io) {
    const { revisions } = await configuredRevisions(options, io)
    const view = await readHistory(revisions).catch(() => undefined)
    const reason = checkedReason(textOption(options, 'reason', ''))
    await setPin(revisions, { revision: null, by: osUser(io.process), reason })
    const was = view?.pin?.revision ?? null
    if (wantsJson(options)) io.out(`${JSON.stringify({ pinned: null, before: was })}\n`)
    else io.out(`${unpinned(view, was)}\n`)
    return EXIT.ok
  },
}

function unpinned(view: HistoryView | undefined, was: string | null): string {
  if (view === undefined) return 'nothing is pinned any more; what was could not be read'
  return was === null ? 'nothing was pinned' : `${was} is not pinned any more`
}

async function hold(
  verb: 'pin' | 'rollback',
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const { settings, revisions } = await configuredRevisions(options, io)
  const name = onlyWord(verb, positionals, 'one revision')
  const reason = checkedReason(textOption(options, 'reason', ''))
  const revision = await findRevision(revisions, name)
  const { current } = await readPast(revisions)
  if (verb === 'rollback' && revision === current) {
    throw new GatewayError(
      'ERR_USAGE',
      'this revision is in force already; to keep it: modelgate pin',
    )
  }
  const loaded = await revisions.loadKept(revision, settings)
  if (!loaded.ok) {
    printDiagnostics(io, loaded.diagnostics)
    return EXIT.invalid
  }
  await setPin(revisions, { revision, by: osUser(io.process), reason })
  if (wantsJson(options)) {
    io.out(`${JSON.stringify({ pinned: revision, before: current ?? null })}\n`)
  } else {
    io.out(`${revision} is pinned; edits of the rule folder wait for: modelgate unpin\n`)
  }
  return EXIT.ok
}
