import { loadRules } from '../assembly/load-rules.ts'
import type { AccessRequest } from '../domain/access.ts'
import { GatewayError } from '../domain/errors.ts'
import { explainDecision } from '../pdp/decision/explain.ts'
import { LEDGER_OPTIONS } from './ledger-options.ts'
import { showRecorded } from './explain-recorded.ts'
import {
  accessRequest,
  environmentOf,
  operationOf,
  SUBJECT_FLAGS,
  timeOf,
} from './explain-request.ts'
import { explainedText } from './explain-text.ts'
import { tokenSubject } from './explain-token.ts'
import { EXIT, type CliIo } from './io.ts'
import { findingsOf, printDiagnostics, rulesFolder, textOption, wantsJson } from './report.ts'
import { noteUnknownNames } from './unknown-names.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate explain`: how the rules decide one request, and what each of them made of it. */
export const explain: Verb = {
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
    country: { type: 'string', value: 'CODE', help: 'country of the client, such as DE' },
    device: {
      type: 'string',
      value: 'POSTURE',
      help: 'such as "managed, compliant=?0, os=\\"macos\\", assessed_at=<Unix seconds>"',
    },
    'device-source': {
      type: 'string',
      value: 'SOURCE',
      help: 'assertion, token, mtls-hop or trusted-hop (default)',
    },
    approval: {
      type: 'string',
      value: 'APPROVAL',
      multiple: true,
      help: 'who agreed: user:<issuer>/<id>[=group:<name>,role:<name>] (repeatable)',
    },
    grant: { type: 'string', value: 'ID', help: 'a grant in use, <id> or <id>=<time of its end>' },
    client: { type: 'string', value: 'ID', help: 'OAuth client the token was issued for' },
    claim: {
      type: 'string',
      value: 'NAME=VALUE',
      multiple: true,
      help: 'a claim of the token: a word, or a JSON scalar or list (repeatable)',
    },
    'token-age': {
      type: 'string',
      value: 'DURATION',
      help: 'since the token was issued, such as 5m',
    },
    'token-lifetime': {
      type: 'string',
      value: 'DURATION',
      help: 'of the token, from when it was issued',
    },
    amr: {
      type: 'string',
      value: 'LIST',
      help: 'authentication methods of the token, such as pwd,otp',
    },
    acr: { type: 'string', value: 'VALUE', help: 'authentication context of the token' },
    acrs: {
      type: 'string',
      value: 'LIST',
      help: 'authentication contexts of the token, such as c1,c2',
    },
    'auth-age': { type: 'string', value: 'MINUTES', help: 'minutes since the user authenticated' },
    'token-file': {
      type: 'string',
      value: 'FILE',
      help: 'take the subject from the token in this file (- for standard input)',
    },
    decision: {
      type: 'string',
      value: 'ID',
      help: 'show the recorded decision with this id instead, and judge it again',
    },
    keys: LEDGER_OPTIONS.keys,
    all: { type: 'boolean', help: 'also show rules for other subjects, actions and resources' },
  },
  examples: [
    'modelgate explain --token-file token.txt --action infer --resource model:fraud-detector',
    'modelgate explain --decision 7f0c0d1e-5a43-4a55-9c5e-2f0f6f3d8f11 --config config/gateway.yaml',
    'modelgate explain --subject user:corp/alice --role inference --action infer --resource model:fraud-detector --ip 10.1.2.3',
    'modelgate explain --subject user:corp/bob --role exporter --action export --resource model:fraud-detector@3 --at 2026-11-23T10:30:00Z --ip 10.1.2.3 --device "managed, compliant, encrypted, assessed_at=1795429500" --amr pwd,otp --auth-age 5',
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
  const { request, unverified } = await requestOf(options, io)
  if (textOption(options, 'token-file') === undefined) {
    // A token may well hold groups that no rule names; a flag was typed by hand.
    const { groups, roles } = request.subject
    noteUnknownNames([...groups, ...roles], rules.value.policy.table, io)
  }
  const attributes = rules.value.resources.attributesOf(request.resource)
  const asked: AccessRequest =
    attributes === undefined ? request : { ...request, resourceAttributes: attributes }
  const explained = explainDecision(rules.value.policy, asked)
  if (wantsJson(options)) {
    const token =
      textOption(options, 'token-file') === undefined
        ? {}
        : { token: { unverified: unverified ?? null } }
    io.out(`${JSON.stringify({ request: jsonRequest(asked), ...token, ...explained }, null, 2)}\n`)
  } else {
    io.out(`${warningOf(unverified)}${explainedText(asked, explained, options['all'] === true)}`)
  }
  return explained.decision.effect === 'permit' && unverified === undefined ? EXIT.ok : EXIT.failed
}

/** The request of the flags, or of the token; `unverified` says why the gateway refuses the token. */
async function requestOf(
  options: OptionValues,
  io: CliIo,
): Promise<{ readonly request: AccessRequest; readonly unverified: string | undefined }> {
  const nowMs = Date.now()
  if (textOption(options, 'token-file') === undefined) {
    return { request: accessRequest(options, nowMs), unverified: undefined }
  }
  const both = SUBJECT_FLAGS.find((flag) => options[flag] !== undefined)
  if (both !== undefined) {
    throw new GatewayError('ERR_USAGE', `--${both} is what the token says; leave it out`)
  }
  const operation = operationOf(options)
  const now = timeOf(options, nowMs)
  const { subject, unverified } = await tokenSubject(options, io, now)
  const environment = environmentOf(options, now, subject)
  return { request: { subject, ...operation, environment }, unverified }
}

function warningOf(unverified: string | undefined): string {
  if (unverified === undefined) return ''
  return (
    `NOT VERIFIED: ${unverified}.\n` +
    'The gateway refuses this token whatever the rules say. Below is what the rules would make of\n' +
    'it if what it claims were true.\n\n'
  )
}

/** Maps do not survive JSON. */
function jsonRequest(request: AccessRequest): object {
  const claims = Object.fromEntries(request.subject.claims)
  return { ...request, subject: { ...request.subject, claims } }
}
