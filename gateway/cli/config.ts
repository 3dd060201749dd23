import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { packsPage } from '../assembly/packs-page.ts'
import { GatewayError } from '../domain/errors.ts'
import { openApiFile } from '../pap/v1/openapi-file.ts'
import { effectiveJson, effectiveText, writtenText } from '../settings/effective.ts'
import { generatedFiles } from '../settings/reference.ts'
import { EXIT, type CliIo } from './io.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate config`: the configuration in force, and the schemas of the files operators edit. */
export const config: Verb = {
  positionals: 'print|schema',
  options: {
    effective: { type: 'boolean', help: 'print: with every default, and where each value is from' },
    redact: { type: 'boolean', help: 'print: hide secrets and user names in URLs' },
    write: { type: 'boolean', help: 'schema: write the generated files below the current folder' },
  },
  examples: [
    'modelgate config print --effective --redact --config config/gateway.yaml',
    'modelgate config schema > gateway.schema.json',
  ],
  run(options, positionals, io) {
    const [what = 'print', ...stray] = positionals
    if (stray.length > 0)
      throw new GatewayError('ERR_USAGE', `config takes one word, not ${positionals.length}`)
    if (what === 'print') return print(options, io)
    if (what === 'schema') return schema(options, io)
    throw new GatewayError('ERR_USAGE', `config takes print or schema, not ${JSON.stringify(what)}`)
  },
}

async function print(options: OptionValues, io: CliIo): Promise<number> {
  const file = configFile(options, io)
  const rules = textOption(options, 'rules')
  const overrides = rules === undefined ? {} : { 'rules.dir': rules }
  const loaded = await loadConfig({ file, cwd: io.cwd, env: io.env, overrides })
  printDiagnostics(io, findingsOf(loaded))
  if (!loaded.ok) return EXIT.invalid
  const whole = options['effective'] === true
  const text = wantsJson(options) ? effectiveJson : whole ? effectiveText : writtenText
  io.out(text(loaded.value, { redact: options['redact'] === true }))
  return EXIT.ok
}

async function schema(options: OptionValues, io: CliIo): Promise<number> {
  const files = generatedFiles()
  if (options['write'] !== true) {
    const gateway = files.find(({ path }) => path.endsWith('gateway.schema.json'))
    io.out(gateway?.text ?? '')
    return EXIT.ok
  }
  for (const { path, text } of [...files, openApiFile(), await packsPage()]) {
    const target = resolve(io.cwd, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, text)
    io.err(`wrote ${path}\n`)
  }
  return EXIT.ok
}
