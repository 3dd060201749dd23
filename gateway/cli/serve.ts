import { startGateway } from '../assembly/gateway.ts'
import { openInThread } from '../assembly/ledger-thread/open-in-thread.ts'
import { EXIT, type CliIo } from './io.ts'
import { configFile, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate serve`: runs the gateway until SIGTERM or SIGINT; SIGHUP reloads. */
export const serve: Verb = {
  options: {
    port: {
      type: 'string',
      value: 'PORT',
      help: 'port of the data listener, instead of the configured one',
    },
    'control-port': { type: 'string', value: 'PORT', help: 'port of the control listener' },
  },
  examples: [
    'modelgate serve --config config/gateway.yaml',
    'MODELGATE_LOG_LEVEL=debug modelgate serve --port 8081',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const rulesDir = textOption(options, 'rules')
  const port = textOption(options, 'port')
  const controlPort = textOption(options, 'control-port')
  // Listened for from the first moment: a signal during the start must not be lost, nor kill.
  const stopped = new Promise<void>((resolve) => io.onSignal('stop', resolve))
  let reload = (): unknown => undefined
  io.onSignal('reload', () => void reload())
  const gateway = await startGateway({
    file: configFile(options, io),
    cwd: io.cwd,
    env: io.env,
    process: io.process,
    openLedger: openInThread,
    overrides: {
      ...(port === undefined ? {} : { 'listen.data.port': port }),
      ...(controlPort === undefined ? {} : { 'listen.control.port': controlPort }),
    },
    ...(rulesDir === undefined ? {} : { rulesDir }),
  })
  reload = () => gateway.reload()
  await stopped
  await gateway.stop()
  return EXIT.ok
}
