import { resolve } from 'node:path'
import { closed } from '../assembly/listeners.ts'
import { createGrowthServer } from '../audit/signing/growth-server.ts'
import { createSigner } from '../audit/signing/signer.ts'
import { SIGN_PATH } from '../audit/signing/socket-signer.ts'
import { listenOnSocket } from '../audit/signing/unix-socket.ts'
import { systemClock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import {
  answerTeller,
  GROWTH_OPTIONS,
  headOption,
  keysOption,
  neededOption,
  stateOption,
} from './growth-options.ts'
import { EXIT, type CliIo } from './io.ts'
import { noteUnused, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate signer`: signs the checkpoints of one log, and only growth, behind a Unix socket. */
export const signer: Verb = {
  options: {
    ...GROWTH_OPTIONS,
    socket: { type: 'string', value: 'PATH', help: 'Unix socket to listen on' },
    group: {
      type: 'boolean',
      help: 'let the group of the socket connect (0660), not only its owner',
    },
    'accept-gap': {
      type: 'string',
      value: 'SIZE:ROOT',
      help: 'go on from there, after modelgate audit accept-gap; sets the state and ends',
    },
  },
  examples: [
    'modelgate signer --key keys/ledger.key --state data/signer --socket run/signer.sock --init',
    'modelgate signer --key keys/ledger.key --state data/signer --socket run/signer.sock',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  noteUnused(options, io, 'a signer has no configuration but its options')
  const head = headOption(options, 'accept-gap')
  const signers = keysOption(options, io, 'ed25519')
  const { name: origin, vkey } = signers[0].verifier
  if (signers.some(({ verifier }) => verifier.name !== origin)) {
    throw new GatewayError('ERR_USAGE', 'the keys must be of one log')
  }
  const state = stateOption(options, io, { signers, clock: systemClock })
  try {
    const { memory } = state
    const service = createSigner({ signers, origin, memory })
    if (head !== undefined) {
      service.accept(head)
      io.err(`${origin} goes on from ${head.size} records\n`)
      return EXIT.ok
    }
    const { size } = memory.headOf(origin)
    const path = resolve(io.cwd, neededOption(options, 'socket', 'the socket'))
    const server = createGrowthServer({
      path: SIGN_PATH,
      answer: (body) => service.answer(body),
      onAnswer: answerTeller(io, systemClock),
    })
    const stopped = new Promise<void>((done) => io.onSignal('stop', done))
    await listenOnSocket(server, path, options['group'] === true ? 0o660 : 0o600)
    if (wantsJson(options)) io.out(`${JSON.stringify({ origin, vkey, socket: path, size })}\n`)
    else io.out(`${vkey}\n`)
    io.err(`signs ${origin}, ${size} records so far, on ${path}\n`)
    await stopped
    await closed(server)
    return EXIT.ok
  } finally {
    state.close()
  }
}
