import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRules } from '../assembly/load-rules.ts'
import type { AccessRequest } from '../domain/access.ts'
import { GatewayError } from '../domain/errors.ts'
import { resourceText } from '../domain/vocabulary.ts'
import {
  explainDecision,
  type ExplainedDecision,
  type ExplainedRule,
} from '../pdp/decision/explain.ts'
import { showRecorded } from './explain-recorded.ts'
import { accessRequest } from './explain-request.ts'
import { EXIT, type CliIo } from './io.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate explain`: how the rules decide one request, and what each of them made of it. */
export const explain: Verb = {
  name: 'explain',
  summary: 'show how the rules decide one request, rule by rule',
  options: {
    subject: { type: 'string', value: 'USER', help: 'user:<issuer>/<id>, as records name it' },
    group: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'a group of the token (repeatable)',
    },
    role: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'a role of the token (repeatable)',
    },
    action: {
      type: 'string',
      value: 'ACTION',
      help: 'read, infer, export, retrain, deploy, data:read, data:write or admin',
    },
    resource: {
      type: 'string',
      value: 'RESOURCE',
      help: 'model:<name>[@<version>], dataset:<name> or server:<upstream>',
    },
    at: { type: 'string', value: 'TIME', help: 'RFC 3339 time of the request (default now)' },
    ip: { type: 'string', value: 'ADDRESS', help: 'client address (default 127.0.0.1)' },
    device: {
      type: 'string',
      value: 'POSTURE',
      help: 'such as "managed, compliant=?0, os=\\"macos\\""',
    },
    amr: {
      type: 'string',
      value: 'LIST',
      help: 'authentication methods of the token, such as pwd,otp',
    },
    acr: { type: 'string', value: 'VALUE', help: 'authentication context of the token' },
    'auth-age': { type: 'string', value: 'MINUTES', help: 'minutes since the user authenticated' },
    decision: {
      type: 'string',
      value: 'ID',
      help: 'show the recorded decision with this id instead',
    },
    all: { type: 'boolean', help: 'also show rules for other subjects, actions and resources' },
  },
  examples: [
    'modelgate explain --decision 7f0c0d1e-5a43-4a55-9c5e-2f0f6f3d8f11 --config config/gateway.yaml',
    'modelgate explain --subject user:corp/alice --role inference --action infer --resource model:fraud-detector --ip 10.1.2.3',
    'modelgate explain --subject user:corp/bob --role exporter --action export --resource model:fraud-detector@3 --device "managed, compliant, encrypted" --amr pwd,otp --auth-age 5',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const recorded = textOption(options, 'decision')
  if (recorded !== undefined) return showRecorded(recorded, options, io)
  const rules = await loadRules(await rulesFolder(options, io), undefined)
  if (!rules.ok) {
    printDiagnostics(io, findingsOf(rules))
    return EXIT.invalid
  }
  const request = accessRequest(options, Date.now())
  const attributes = rules.value.resources.attributesOf(request.resource)
  const asked: AccessRequest =
    attributes === undefined ? request : { ...request, resourceAttributes: attributes }
  const explained = explainDecision(rules.value.policy, asked)
  if (wantsJson(options))
    io.out(`${JSON.stringify({ request: jsonRequest(asked), ...explained }, null, 2)}\n`)
  else io.out(text(asked, explained, options['all'] === true))
  return explained.decision.effect === 'permit' ? EXIT.ok : EXIT.failed
}

async function rulesFolder(options: OptionValues, io: CliIo): Promise<string> {
  const given = textOption(options, 'rules')
  if (given !== undefined) return resolve(io.cwd, given)
  const file = configFile(options, io)
  const config = await loadConfig({ file, cwd: io.cwd, env: io.env })
  if (config.ok) return resolve(io.cwd, config.value.rules.dir)
  printDiagnostics(io, findingsOf(config))
  throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no rules; use --rules DIR')
}

/** Maps do not survive JSON, and claims are not asked for here. */
function jsonRequest(request: AccessRequest): object {
  return { ...request, subject: { ...request.subject, claims: undefined } }
}

function text(request: AccessRequest, explained: ExplainedDecision, all: boolean): string {
  const { decision, holdings, rules } = explained
  const shown = all
    ? rules
    : rules.filter(({ matched }) => matched.subject && matched.action && matched.resource)
  const lines = [
    `${decision.effect.toUpperCase()}  ${request.subject.id} ${request.action} ${resourceText(request.resource)}`,
    ...(decision.explanation === '' ? [] : [`  ${decision.explanation}`]),
    ...(decision.reason === undefined ? [] : [`  reason    ${decision.reason}`]),
    ...(decision.rule === undefined
      ? []
      : [`  rule      ${decision.rule.file}:${decision.rule.line}`]),
    `  holds     ${holdings.join(', ')}`,
    `  revision  ${decision.revision}`,
    '',
    shown.length === 0
      ? 'No rule is about this subject, action and resource.'
      : 'Rules considered:',
    ...shown.flatMap(ruleLines),
  ]
  return `${lines.join('\n')}\n`
}

function ruleLines(explained: ExplainedRule): string[] {
  const { rule, matched, conditions, when, truth, applies } = explained
  const missed = Object.entries(matched)
    .filter(([, hit]) => !hit)
    .map(([name]) => name)
  const verdict =
    missed.length > 0
      ? `not about this ${missed.join(', ')}`
      : applies
        ? 'applies'
        : `does not apply (${when} is ${truth})`
  return [
    `  ${rule.file}:${rule.line}  ${rule.text}`,
    `      ${verdict}`,
    ...(missed.length > 0
      ? []
      : conditions.map(
          (c) => `      ${c.truth.padEnd(8)}${c.name}${c.detail === '' ? '' : `: ${c.detail}`}`,
        )),
  ]
}
