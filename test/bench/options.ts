/** The command line of the bench. */
import { parseArgs } from 'node:util'

/** How much is measured, and how it is told. */
export interface BenchOptions {
  readonly format: 'text' | 'json'
  /** Also writes the report to `docs/bench.md`. */
  readonly write: boolean
  readonly rounds: number
  readonly roundSeconds: number
  readonly warmUpSeconds: number
  readonly latencySeconds: number
  readonly latencyRounds: number
  /** The fixed rate of the latency run, requests per second. */
  readonly rate: number
  readonly connections: number
  /** Compiled `main.js` files of other builds of the gateway, measured beside this one. */
  readonly against: readonly string[]
  /** Only peers of these names, beside the yardstick; `modelgate*` takes all that begin so. */
  readonly only: readonly string[]
  /** Folder for CPU profiles of the gateways. */
  readonly profile: string | undefined
}

/** What the options mean, for `--help`. */
export const USAGE = `npm run bench -- [options]

npm run bench -- policy [--help]   decisions of the engines, without a gateway
npm run bench -- classify [--help] what a request does, found by route packs, without a gateway
npm run bench -- export [GiB]      one export of so many GiB (50), generated and not stored: memory, speed
npm run bench -- guard [--help]    what the response guard costs, without a gateway
npm run bench -- access [N]        requests beside N grants (10000) and 1,000 locks; a million locked tokens
npm run bench -- ledger [--help]   records taken and verified, without a gateway
npm run bench -- locks [N]         N locks (200) on 4 gateways over one Redis: time until they hold everywhere
npm run bench -- reload-storm [N]  rules that change 20 times a second under load, N seconds (60)

  --quick           fewer and shorter rounds (under 45 s)
  --rounds N        rounds per peer (default 5)
  --format json     the report as JSON instead of text
  --write           also write docs/bench.md
  --only NAME       only this peer beside the yardstick; NAME* for all that begin so (repeatable)
  --against FILE    also measure another build: its dist/gateway/main.js (repeatable)
  --profile DIR     write CPU profiles of the gateways to DIR
`

/** Longest run that may be asked for. */
const ROUNDS_MAX = 50

/** @throws Error for an option that is not known or not a number; `undefined` asks for help. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      format: { type: 'string', default: 'text' },
      write: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string', multiple: true, default: [] },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { format, quick } = values
  if (format !== 'text' && format !== 'json') throw new Error('--format is text or json')
  return {
    format,
    write: values.write,
    rounds: roundsOf(values.rounds ?? (quick ? '2' : '5')),
    roundSeconds: quick ? 1 : 3,
    // Long enough for the compiler of V8: a gateway that is cold takes three times as long.
    warmUpSeconds: quick ? 1 : 4,
    latencySeconds: quick ? 0.6 : 4,
    latencyRounds: quick ? 1 : 2,
    rate: 1_000,
    connections: 64,
    against: values.against,
    only: values.only,
    profile: values.profile,
  }
}

function roundsOf(text: string): number {
  const rounds = Number(text)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is a number from 1 to ${ROUNDS_MAX}`)
  }
  return rounds
}
