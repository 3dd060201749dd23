import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { loadConfig } from '../../assembly/load-config.ts'
import { writeKeyFiles } from '../../audit/signing/key-file.ts'
import { generateSkey, isKeyName, parseSkey } from '../../audit/tree/note.ts'
import { GatewayError, invariant } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'

/** `modelgate audit keygen`: a key that signs checkpoints, or one that cosigns them. */
export const auditKeygen: Verb = {
  options: {
    out: {
      type: 'string',
      value: 'FILE',
      help: 'the private key; FILE.pub becomes the public one',
    },
    name: {
      type: 'string',
      value: 'NAME',
      help: 'name of the key (default: <audit.deployment>/audit/<audit.node>, the name of the log)',
    },
    witness: { type: 'boolean', help: 'a key for modelgate witness; needs --name' },
  },
  examples: [
    'modelgate audit keygen --out keys/ledger.key',
    'modelgate audit keygen --witness --name witness.example.net/w1 --out keys/witness.key',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const out = textOption(options, 'out')
  if (out === undefined) throw new GatewayError('ERR_USAGE', 'name the file of the key: --out FILE')
  const isWitness = options['witness'] === true
  const name = textOption(options, 'name') ?? (await logName(options, io, isWitness))
  if (!isKeyName(name)) {
    throw new GatewayError('ERR_USAGE', '--name takes up to 256 characters without spaces and +')
  }
  const path = resolve(io.cwd, out)
  const skey = generateSkey(name, isWitness ? 'cosignature' : 'ed25519')
  const signer = parseSkey(skey)
  invariant(typeof signer !== 'string', 'a key that was made can be read')
  const { vkey } = signer.verifier
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const publicPath = writeKeyFiles(path, skey, vkey)
  if (wantsJson(options)) {
    io.out(
      `${JSON.stringify({ name, vkey, private_key: path, public_key: publicPath }, null, 2)}\n`,
    )
  } else {
    io.out(`${vkey}\n`)
    io.err(
      `${path} signs for ${name}: whoever reads it can too.\n` +
        `${publicPath} is what others verify with; give it to them by another way than the ledger.\n`,
    )
  }
  return EXIT.ok
}

async function logName(options: OptionValues, io: CliIo, isWitness: boolean): Promise<string> {
  if (isWitness)
    throw new GatewayError('ERR_USAGE', '--witness needs --name, such as w1.example.net')
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no log; use --name NAME')
  }
  const { deployment, node } = config.value.audit
  return `${deployment}/audit/${node}`
}
