import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { exportedLines } from '../../assembly/store-transfer/export-store.ts'
import { replicasOf } from '../../assembly/store-transfer/import-store.ts'
import { lineText } from '../../assembly/store-transfer/lines.ts'
import type { ConfiguredStore } from '../../assembly/open-store.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { plainText } from '../../domain/plain-text.ts'
import { wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { oneFile, withStore } from './open.ts'

/** `modelgate store export`: the journal and what was used of grants, as lines of JSON. */
export const storeExport: Verb = {
  positionals: 'FILE|-',
  options: {},
  examples: [
    'modelgate store export store.jsonl --config config/gateway.yaml',
    'modelgate store export - | age -r RECIPIENT > store.jsonl.age',
  ],
  async run(options, positionals, io) {
    const file = oneFile('store export', positionals)
    return withStore(options, io, (store) => run(store, file, options, io))
  },
}

/** One write for many lines. */
const FLUSH_CHARS = 256 * 1024

async function run(
  store: ConfiguredStore,
  file: string,
  options: OptionValues,
  io: CliIo,
): Promise<number> {
  const replicas = await replicasOf(store)
  if (replicas.length > 0) {
    io.err(
      `${replicas.length} gateways work with this store: what they add from now on is not in the ` +
        'export. Stop them before you move to another store.\n',
    )
  }
  const sink = file === '-' ? stdoutOf(io) : await fileSink(resolve(io.cwd, file))
  const counts = await written(store, sink).finally(() => sink.close())
  if (file === '-') return EXIT.ok
  if (wantsJson(options)) io.out(`${JSON.stringify({ file, ...counts }, null, 2)}\n`)
  else io.out(`${plainText(file)}: ${counts.entries} entries, ${counts.lines} lines\n`)
  return EXIT.ok
}

interface Sink {
  write(text: string): Promise<void>
  close(): Promise<void>
}

function stdoutOf(io: CliIo): Sink {
  const done = Promise.resolve()
  return {
    write(text) {
      io.out(text)
      return done
    },
    close: () => done,
  }
}

/** A new file that only its owner can read: it says who may do what. */
async function fileSink(path: string): Promise<Sink> {
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new GatewayError('ERR_USAGE', `the file cannot be written: ${why}`, { cause: error })
  })
  return {
    write: (text) => handle.writeFile(text),
    async close() {
      await handle.sync()
      await handle.close()
    },
  }
}

async function written(
  store: ConfiguredStore,
  sink: Sink,
): Promise<{ readonly entries: number; readonly lines: number }> {
  let lines = 0
  let entries = 0
  let text = ''
  for await (const line of exportedLines(store, Date.now())) {
    lines += 1
    if (line.type === 'entry') entries += 1
    text += lineText(line)
    if (text.length < FLUSH_CHARS) continue
    await sink.write(text)
    text = ''
  }
  await sink.write(text + lineText({ type: 'end', lines }))
  return { entries, lines: lines + 1 }
}
