/** What the demo says before the walk, after it, and when it is over. */
import { CALLER_NAMES, CALLERS } from './callers.ts'
import { momentText } from './clock.ts'
import type { Paint } from '../output/paint.ts'
import type { World } from './world.ts'

/** What runs where, and what is played. `stay`: whether there will be time to repeat it. */
export function introductionText(world: World, paint: Paint, stay: boolean): string {
  const { urls, folder } = world
  const row = (name: string, value: string): string => `  ${paint.dim(name.padEnd(10))}${value}`
  return `${[
    paint.bold('Modelgate: who may call a model does not get the model'),
    '',
    row('issuer', `${urls.issuer}   logs people in and signs their tokens`),
    row('model', `${urls.model}   classifies irises, and hands its weights to whoever asks`),
    row('gateway', `${urls.gateway}   stands in front of the model; control ${urls.control}`),
    row('folder', folder),
    row('', 'its rules are yours to edit; ledger and gateway.log are in it too'),
    '',
    'Everything is real: sockets, signatures, decisions, predictions. Two things are played:',
    `- The clock says ${momentText(world.clock.now())}, and is put forward later.`,
    '- The gateway trusts 127.0.0.1 as the proxy in front of it, and the demo plays that proxy: it',
    '  says where a caller is (X-Forwarded-For) and what is known of the device (X-Device-Posture).',
    ...(stay
      ? [
          '',
          'Every request can be repeated in another terminal, once it knows the URLs and tokens:',
          `    ${paint.cyan(`. ${world.paths.environment}`)}`,
        ]
      : []),
  ].join('\n')}\n`
}

/** What a visitor can do while everything is up. */
export function visitText(world: World, paint: Paint): string {
  const { paths, urls } = world
  const width = Math.max(...CALLER_NAMES.map((name) => CALLERS[name].variable.length)) + 4
  const curl = (line: string): string => `    ${paint.cyan(line)}`
  return `${[
    '',
    paint.bold('It is all yours until Ctrl-C'),
    '',
    `In another terminal, first:   ${paint.cyan(`. ${paths.environment}`)}`,
    '',
    `  ${'$GATE'.padEnd(width)}${urls.gateway}`,
    `  ${'$CONTROL'.padEnd(width)}${urls.control}   /metrics /readyz /healthz`,
    ...CALLER_NAMES.map((name) => {
      const { variable, who } = CALLERS[name]
      return `  ${`$${variable}`.padEnd(width)}token of ${who}`
    }),
    '',
    'A few things to try',
    '',
    '- Give Erin her export back: delete the last line of the rules, and repeat step 17.',
    curl(`"\${EDITOR:-vi}" ${paths.rules}/policy.csv`),
    '- Unlock the application, with the id that the list shows: whoever locked may lift it, too.',
    curl('curl -s "$CONTROL/v1/locks" -H "Authorization: Bearer $SVEN_CONTROL"'),
    curl('curl -s "$CONTROL/v1/locks/lock-…/lift" -H "Authorization: Bearer $SVEN_CONTROL" \\'),
    curl('  -H \'Content-Type: application/json\' -d \'{"reason":"new token"}\''),
    '- Write nonsense into the rules: the last good ones stay in force, and the log says where it is.',
    curl(`tail -f ${paths.log}`),
    '- Predict a flower per half second, and watch the answers stream through the gateway.',
    curl(
      'curl -N "$GATE/v2/models/iris-classifier/infer_stream" -H "Authorization: Bearer $SCORER" \\',
    ),
    curl(
      "  -H 'X-Forwarded-For: 10.20.0.7' -H 'X-Device-Posture: managed, compliant, encrypted' \\",
    ),
    curl("  -H 'Content-Type: application/json' -d '{"),
    ...FLOWERS.map((line) => curl(`    ${line}`)),
    '- Read what was decided, and why.',
    curl(`tail -n 2 ${paths.audit}/seg/*.jsonl`),
    '- Ask the model server itself, past the gateway: this is why there is one.',
    curl('curl -so stolen.safetensors -D - \\'),
    curl(`  ${urls.model}${WEIGHTS}`),
    '',
    `The clock says ${momentText(world.clock.now())}; the tokens are good for eight hours.`,
  ].join('\n')}\n`
}

const WEIGHTS = '/v2/models/iris-classifier/artifacts/iris-classifier.safetensors'

/** Three flowers, half a second apart: the rest of a command whose last word is this JSON. */
const FLOWERS = [
  '"parameters":{"interval_ms":500},',
  '"inputs":[{"name":"features","shape":[3,4],"datatype":"FP32",',
  `"data":[5.1,3.5,1.4,0.2, 6.0,2.7,5.1,1.6, 6.3,3.3,6.0,2.5]}]}'`,
]

/** What is left behind. */
export function partingText(
  world: Pick<World, 'folder'>,
  ended: { keep: boolean; ok: boolean },
): string {
  if (ended.keep) return `\nStopped. ${world.folder} is yours.\n`
  const hint = ended.ok ? '' : ' With --keep it stays, and gateway.log in it.'
  return `\nStopped, and removed ${world.folder}.${hint}\n`
}
