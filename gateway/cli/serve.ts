import { startGateway } from '../assembly/gateway.ts'
import { EXIT, type CliIo } from './io.ts'
import { configFile, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate serve`: runs the gateway until SIGTERM or SIGINT; SIGHUP reloads. */
export const serve: Verb = {
  name: 'serve',
  summary: 'run the gateway',
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
  const gateway = await startGateway({
    file: configFile(options, io),
    cwd: io.cwd,
    env: io.env,
    process: io.process,
    overrides: {
      ...(port === undefined ? {} : { 'listen.data.port': port }),
      ...(controlPort === undefined ? {} : { 'listen.control.port': controlPort }),
    },
    ...(rulesDir === undefined ? {} : { rulesDir }),
  })
  io.onSignal('reload', () => void gateway.reload())
  await new Promise<void>((resolve) => io.onSignal('stop', resolve))
  await gateway.stop()
  return EXIT.ok
}
