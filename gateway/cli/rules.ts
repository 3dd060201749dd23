import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRules } from '../assembly/load-rules.ts'
import { keyText } from '../assembly/revisions/operator.ts'
import { writeAtomically } from '../assembly/revisions/files.ts'
import {
  folderSignatureProblems,
  SIGNATURE_FILE,
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
  rulesFolder,
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
  const dir = await folderOf(options, io)
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
  const keys = await keyFiles(options, io)
  const dir = await folderOf(options, io)
  const loaded = await loadRules(dir, undefined)
  const findings: Diagnostic[] = [...findingsOf(loaded)]
  const revision = loaded.ok ? loaded.value.revision : null
  if (revision !== null) findings.push(...(await folderSignatureProblems(dir, revision, keys)))
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

/** The folder that help and gateway mean; `rules` where nothing is configured at all, as on a build machine. */
async function folderOf(options: OptionValues, io: CliIo): Promise<string> {
  const isGiven = options['rules'] !== undefined || options['config'] !== undefined
  if (isGiven || (await isThere(resolve(io.cwd, configFile(options, io))))) {
    return rulesFolder(options, io)
  }
  return resolve(io.cwd, 'rules')
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

async function keyFiles(options: OptionValues, io: CliIo): Promise<readonly string[]> {
  const given = listOption(options, 'key').map((file) => resolve(io.cwd, file))
  if (given.length > 0) return given
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, config.diagnostics)
    throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no key; use --key')
  }
  const files = config.value.rules.trustedKeysFiles
  if (files.length > 0) return files.map((file) => resolve(io.cwd, file))
  throw new GatewayError(
    'ERR_USAGE',
    'name a public key with --key, or set rules.trusted_keys_files',
  )
}
