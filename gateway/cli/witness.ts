import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { closed, listen } from '../assembly/listeners.ts'
import {
  createGrowthServer,
  type GrowthService,
  type ServerTls,
} from '../audit/signing/growth-server.ts'
import type { GrowthMemory } from '../audit/signing/growth-memory.ts'
import { createWitness, type Witness } from '../audit/signing/witness.ts'
import { ADD_CHECKPOINT_PATH } from '../audit/signing/witness-client.ts'
import { parseVkey, type NoteVerifier } from '../audit/tree/note.ts'
import { isLoopbackAddress } from '../authn/http-fetch.ts'
import { systemClock } from '../domain/clock.ts'
import { diagnosticText } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { readPemFile } from '../settings/secret-file.ts'
import {
  answerTeller,
  GROWTH_OPTIONS,
  headOption,
  keysOption,
  neededOption,
  stateOption,
} from './growth-options.ts'
import { EXIT, type CliIo } from './io.ts'
import { listOption, noteUnused, textOption, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate witness`: remembers how far logs have come, and cosigns only growth. */
export const witness: Verb = {
  positionals: '[accept-gap]',
  options: {
    ...GROWTH_OPTIONS,
    log: {
      type: 'string',
      value: 'VKEY',
      multiple: true,
      help: 'public key of a log, or a file with one on each line (repeatable)',
    },
    listen: { type: 'string', value: 'HOST:PORT', help: 'address (default 127.0.0.1:7380)' },
    'tls-cert': { type: 'string', value: 'PEM', help: 'certificate, for HTTPS' },
    'tls-key': { type: 'string', value: 'PEM', help: 'its private key' },
    at: { type: 'string', value: 'SIZE:ROOT', help: 'accept-gap: where the log goes on from' },
  },
  examples: [
    'modelgate witness --key keys/witness.key --log ledger.key.pub --state data/witness --init',
    'modelgate witness --key keys/witness.key --log ledger.key.pub --state data/witness ' +
      '--listen 0.0.0.0:7380 --tls-cert tls.crt --tls-key tls.key',
  ],
  run(options, positionals, io) {
    noteUnused(options, io, 'a witness has no configuration but its options')
    const [what, ...stray] = positionals
    if (stray.length === 0 && what === undefined) return serve(options, io)
    if (stray.length === 0 && what === 'accept-gap') return acceptGap(options, io)
    throw new GatewayError('ERR_USAGE', 'witness takes accept-gap, or nothing')
  },
}

interface OpenWitness {
  readonly service: Witness
  readonly memory: GrowthMemory
  readonly vkey: string
  readonly logs: readonly NoteVerifier[]
  close(): void
}

async function open(options: OptionValues, io: CliIo): Promise<OpenWitness> {
  const signers = keysOption(options, io, 'cosignature')
  const logs = await logsOption(options, io)
  const state = stateOption(options, io, { signers, clock: systemClock })
  const { memory } = state
  const service = createWitness({ signers, logs, memory, clock: systemClock })
  const { vkey } = signers[0].verifier
  return { service, memory, logs, vkey, close: () => state.close() }
}

async function serve(options: OptionValues, io: CliIo): Promise<number> {
  const { host, port } = listenOption(options)
  const tls = await tlsOption(options, io)
  if (tls === undefined && !isLoopbackAddress(host)) {
    io.err(
      'without --tls-cert, put a proxy with TLS before it: gateways ask it over https:// alone\n',
    )
  }
  const opened = await open(options, io)
  const { service, memory, vkey, logs } = opened
  try {
    // What cannot be read is found now, and not with the first checkpoint.
    for (const { name } of logs) memory.headOf(name)
    const growth: GrowthService = {
      path: ADD_CHECKPOINT_PATH,
      answer: (body) => service.answer(body),
      noteOf: (originHash) => service.noteOf(originHash),
      onAnswer: answerTeller(io, systemClock),
    }
    const server = createGrowthServer(growth, tls)
    const stopped = new Promise<void>((done) => io.onSignal('stop', done))
    const bound = await listen(server, host.replaceAll(/[[\]]/g, ''), port)
    const url = `${tls === undefined ? 'http' : 'https'}://${host}:${bound}`
    if (wantsJson(options)) {
      io.out(`${JSON.stringify({ vkey, url, logs: logs.map(({ name }) => name) })}\n`)
    } else io.out(`${vkey}\n`)
    io.err(`witnesses ${logs.map(({ name }) => name).join(', ')} on ${url}\n`)
    await stopped
    await closed(server)
    return EXIT.ok
  } finally {
    opened.close()
  }
}

async function acceptGap(options: OptionValues, io: CliIo): Promise<number> {
  const head = headOption(options, 'at')
  if (head === undefined) throw new GatewayError('ERR_USAGE', 'name the place with --at SIZE:ROOT')
  const opened = await open(options, io)
  const { service, logs } = opened
  try {
    const origins = new Set(logs.map(({ name }) => name))
    const [origin] = origins
    if (origin === undefined || origins.size > 1) {
      throw new GatewayError('ERR_USAGE', 'accept-gap takes the keys of one log')
    }
    service.accept(origin, head)
    io.err(`${origin} goes on from ${head.size} records\n`)
    return EXIT.ok
  } finally {
    opened.close()
  }
}

async function logsOption(options: OptionValues, io: CliIo): Promise<readonly NoteVerifier[]> {
  const texts: string[] = []
  for (const given of listOption(options, 'log')) {
    if (typeof parseVkey(given) === 'string') texts.push(...(await linesOf(resolve(io.cwd, given))))
    else texts.push(given)
  }
  const logs = texts.map((text) => {
    const log = parseVkey(text)
    if (typeof log === 'string') throw new GatewayError('ERR_USAGE', `--log ${text}: ${log}`)
    if (log.type === 'ed25519') return log
    throw new GatewayError('ERR_USAGE', `--log ${text}: it is the key of a witness`)
  })
  if (logs.length > 0) return logs
  throw new GatewayError('ERR_USAGE', 'name the public key of a log with --log')
}

async function linesOf(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    const message = `--log ${path}: neither a key nor a file that can be read (${code})`
    throw new GatewayError('ERR_USAGE', message, { cause: error })
  })
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

function listenOption(options: OptionValues): { readonly host: string; readonly port: number } {
  const text = textOption(options, 'listen', '127.0.0.1:7380')
  const [, host = '', digits = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (host === '' || port > 65_535) {
    throw new GatewayError('ERR_USAGE', '--listen takes HOST:PORT, such as 127.0.0.1:7380')
  }
  return { host, port }
}

async function tlsOption(options: OptionValues, io: CliIo): Promise<ServerTls | undefined> {
  const isWanted = options['tls-cert'] !== undefined || options['tls-key'] !== undefined
  if (!isWanted) return undefined
  const read = async (name: string): Promise<string> => {
    const path = resolve(io.cwd, neededOption(options, name, 'certificate and key'))
    const loaded = await readPemFile(path)
    if (loaded.ok) return loaded.value
    const message = loaded.diagnostics.map(diagnosticText).join('\n')
    throw new GatewayError('ERR_CONFIG_UNREADABLE', message)
  }
  return { cert: await read('tls-cert'), key: await read('tls-key') }
}
