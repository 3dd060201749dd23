import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { loadConfig } from '../../assembly/load-config.ts'
import { destroyKeyOf } from '../../audit/personal/key-files.ts'
import { ERASED_NOTICE_MS } from '../../audit/personal/key-ring.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { plainText } from '../../domain/plain-text.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'

/** `modelgate audit erase`: destroys the key of a person, so that nobody can read who it was. */
export const auditErase: Verb = {
  options: {
    subject: {
      type: 'string',
      value: 'S',
      help: 'user:<issuer>/<sub>, or anonymous:<day> for callers who were not known',
    },
    keys: {
      type: 'string',
      value: 'DIR',
      help: 'keys of persons (default: audit.personal.key_dir of the configuration)',
    },
  },
  examples: [
    'modelgate audit erase --subject user:corp/alice',
    'modelgate audit erase --subject anonymous:2026-11-22 --keys /var/lib/modelgate/keys',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const subject = textOption(options, 'subject') ?? ''
  if (!/^(?:user:[^/]+\/.+|anonymous:\d{4}-\d{2}-\d{2})$/s.test(subject)) {
    const forms = 'user:<issuer>/<sub> or anonymous:<YYYY-MM-DD>'
    throw new GatewayError('ERR_USAGE', `--subject takes ${forms}`)
  }
  const dir = await keysFolder(options, io)
  const kid = destroyKeyOf(dir, subject, Date.now())
  if (wantsJson(options)) {
    io.out(`${JSON.stringify({ subject, erased: kid !== undefined, kid: kid ?? null })}\n`)
  } else io.out(kid === undefined ? unknownText(subject, dir) : erasedText(subject, kid))
  return kid === undefined ? EXIT.failed : EXIT.ok
}

function unknownText(subject: string, dir: string): string {
  return `${plainText(subject)} has no key in ${plainText(dir)}: nothing was erased\n`
}

function erasedText(subject: string, kid: string): string {
  return (
    `the key of ${plainText(subject)} is destroyed (${kid})\n` +
    `What the ledger says of them cannot be read any more; it verifies as before. Running gateways\n` +
    `stop using the key within ${ERASED_NOTICE_MS / 1000} seconds. Copies of the key directory, such as backups, hold it\n` +
    `until they are destroyed too.\n`
  )
}

async function keysFolder(options: OptionValues, io: CliIo): Promise<string> {
  const dir = resolve(io.cwd, textOption(options, 'keys') ?? (await configured(options, io)))
  await access(join(dir, 'sub')).catch(() => {
    throw new GatewayError(
      'ERR_USAGE',
      `there are no keys of persons in ${dir}; name them with --keys`,
    )
  })
  return dir
}

async function configured(options: OptionValues, io: CliIo): Promise<string> {
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  const dir = config.ok ? config.value.audit.personal?.keyDir : undefined
  if (dir !== undefined) return dir
  if (!config.ok) printDiagnostics(io, findingsOf(config))
  const message = 'the configuration names no audit.personal.key_dir; use --keys DIR'
  throw new GatewayError('ERR_CONFIG_INVALID', message)
}
