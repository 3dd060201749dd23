import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { checkLines, type CheckedFile } from '../../assembly/store-transfer/check-file.ts'
import { importLines, mustBeFree } from '../../assembly/store-transfer/import-store.ts'
import { lineFrom, type TransferLine } from '../../assembly/store-transfer/lines.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { plainText } from '../../domain/plain-text.ts'
import { textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { oneFile, withStore } from './open.ts'

/** `modelgate store import`: puts an export into the store of the configuration. */
export const storeImport: Verb = {
  positionals: 'FILE',
  options: {
    replace: { type: 'boolean', help: 'drop the journal that is there' },
    reason: { type: 'string', value: 'TEXT', help: 'why it is dropped; with --replace' },
  },
  examples: [
    'modelgate store import store.jsonl --config config/gateway.yaml',
    'modelgate store import store.jsonl --replace --reason "CHG-4711: back to Sunday"',
  ],
  async run(options, positionals, io) {
    const file = resolve(io.cwd, oneFile('store import', positionals))
    const replace = options['replace'] === true
    const reason = textOption(options, 'reason', '').trim()
    if (replace !== (reason !== '')) {
      throw new GatewayError(
        'ERR_USAGE',
        '--replace takes a reason: --reason TEXT; without it none',
      )
    }
    // All of it is judged before the store is touched.
    const checked = await checkLines(linesOf(file))
    await withStore(options, io, async (store) => {
      await mustBeFree(store, replace)
      await importLines(store, linesOf(file), checked, Date.now())
    })
    print(checked, reason, options, io)
    return EXIT.ok
  },
}

async function* linesOf(path: string): AsyncGenerator<TransferLine> {
  const handle = await open(path).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new GatewayError('ERR_USAGE', `the file cannot be read: ${why}`, { cause: error })
  })
  try {
    let number = 0
    for await (const line of handle.readLines()) yield lineFrom(line, (number += 1))
  } finally {
    await handle.close()
  }
}

function print(checked: CheckedFile, reason: string, options: OptionValues, io: CliIo): void {
  const { header, counts, state } = checked
  const { epoch, seq } = header
  const numbers = {
    entries: counts.entry,
    grant_uses: counts['grant-use'],
    lockouts: counts.lockout,
    privilege_uses: counts.use,
    cursors: counts.cursor,
    requests: state.requests.size,
    grants: state.grants.size,
    locks: state.locks.size,
    reviews: state.reviews.size,
  }
  if (wantsJson(options)) {
    const why = reason === '' ? {} : { replaced: reason }
    io.out(`${JSON.stringify({ epoch, seq, ...why, ...numbers }, null, 2)}\n`)
    return
  }
  const rows = Object.entries(numbers).map(([name, count]) => `  ${name.padEnd(16)}${count}`)
  const why = reason === '' ? [] : [`what was there is gone: ${plainText(reason)}`]
  io.out([`imported up to entry ${seq} of journal ${epoch}`, ...rows, ...why, ''].join('\n'))
}
