import { join, resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRules } from '../assembly/load-rules.ts'
import { keyText } from '../assembly/revisions/operator.ts'
import { writeAtomically } from '../assembly/revisions/files.ts'
import {
  readSignature,
  readTrustedKeys,
  SIGNATURE_FILE,
  signatureProblem,
  signRevision,
} from '../assembly/revisions/signature.ts'
import type { Diagnostic } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import {
  configFile,
  findingsOf,
  listOption,
  printDiagnostics,
  textOption,
  wantsJson,
} from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate rules`: signs a rule folder, and says whether a signature holds. */
export const rules: Verb = {
  positionals: 'sign|verify',
  options: {
    key: {
      type: 'string',
      value: 'PEM',
      multiple: true,
      help: 'sign: private key; verify: public keys instead of rules.trusted_keys_files',
    },
  },
  examples: [
    'modelgate rules sign --key rules.pem --rules rules',
    'modelgate rules verify --key rules.pub.pem --rules rules',
  ],
  run(options, positionals, io) {
    const [what, ...stray] = positionals
    if (stray.length === 0 && what === 'sign') return sign(options, io)
    if (stray.length === 0 && what === 'verify') return verify(options, io)
    throw new GatewayError('ERR_USAGE', 'rules takes sign or verify')
  },
}

async function sign(options: OptionValues, io: CliIo): Promise<number> {
  const [key, ...more] = listOption(options, 'key')
  if (key === undefined || more.length > 0) {
    throw new GatewayError('ERR_USAGE', 'rules sign takes one --key PRIVATE.pem')
  }
  const pem = await keyText(resolve(io.cwd, key))
  const dir = resolve(io.cwd, textOption(options, 'rules', 'rules'))
  // A signature says that somebody stands for these rules: nobody stands for what cannot be loaded.
  const loaded = await loadRules(dir, undefined)
  printDiagnostics(io, findingsOf(loaded))
  if (!loaded.ok) return EXIT.invalid
  const { revision } = loaded.value
  const { text, keyId } = signRevision(revision, pem)
  await writeAtomically(join(dir, SIGNATURE_FILE), text)
  if (wantsJson(options)) io.out(`${JSON.stringify({ revision, key_id: keyId })}\n`)
  else io.out(`${revision} signed with key ${keyId}\n`)
  return EXIT.ok
}

async function verify(options: OptionValues, io: CliIo): Promise<number> {
  const dir = resolve(io.cwd, textOption(options, 'rules', 'rules'))
  const keys = await readTrustedKeys(await keyFiles(options, io))
  const loaded = await loadRules(dir, undefined)
  const signature = await readSignature(dir)
  const findings: Diagnostic[] = [keys, loaded, signature].flatMap((one) =>
    findingsOf<unknown>(one),
  )
  const revision = loaded.ok ? loaded.value.revision : null
  if (keys.ok && loaded.ok && signature.ok) {
    const signed = { file: join(dir, SIGNATURE_FILE), text: signature.value }
    const { revision: found } = loaded.value
    const problem = signatureProblem({ ...signed, revision: found }, keys.value)
    if (problem !== undefined) findings.push(problem)
  }
  const isGood = !findings.some(({ severity }) => severity === 'error')
  if (wantsJson(options)) {
    io.out(`${JSON.stringify({ ok: isGood, revision, findings }, null, 2)}\n`)
  } else {
    printDiagnostics(io, findings)
    io.out(
      isGood ? `ok: ${revision ?? ''} is signed by a trusted key\n` : 'not signed as required\n',
    )
  }
  return isGood ? EXIT.ok : EXIT.invalid
}

async function keyFiles(options: OptionValues, io: CliIo): Promise<readonly string[]> {
  const given = listOption(options, 'key').map((file) => resolve(io.cwd, file))
  if (given.length > 0) return given
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  const files = config.ok ? config.value.rules.trustedKeysFiles : []
  if (files.length > 0) return files.map((file) => resolve(io.cwd, file))
  throw new GatewayError(
    'ERR_USAGE',
    'name a public key with --key, or set rules.trusted_keys_files',
  )
}
