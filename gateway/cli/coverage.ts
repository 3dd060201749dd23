import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { measureCoverage, type CoverageOptions } from '../assembly/coverage/coverage.ts'
import {
  fromOperations,
  parseRouteLines,
  type ServedRoute,
} from '../assembly/coverage/served-routes.ts'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRules } from '../assembly/load-rules.ts'
import { closest, type Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { loadOpenapiFile } from '../settings/route-lists.ts'
import type { Settings, UpstreamSettings } from '../settings/settings.ts'
import { EXIT, type CliIo } from './io.ts'
import { coverageJson, coverageText, coverageYaml } from './output/coverage.ts'
import { createPaint } from './output/paint.ts'
import { configFile, findingsOf, formatOf, printDiagnostics, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate coverage`: the routes of a running server that its pack does not know. */
export const coverage: Verb = {
  options: {
    upstream: {
      type: 'string',
      value: 'NAME',
      help: 'the upstream, as the configuration names it',
    },
    url: {
      type: 'string',
      value: 'URL',
      help: 'ask the server here, without its credential (default: url of the upstream)',
    },
    routes: {
      type: 'string',
      value: 'FILE',
      help: 'lines `METHOD /path` or an OpenAPI document, instead of asking (with --url: besides)',
    },
  },
  formats: ['text', 'json', 'yaml'],
  examples: [
    'modelgate coverage --upstream llm',
    'modelgate coverage --upstream registry --routes mlflow-routes.txt',
    'modelgate coverage --upstream llm --format yaml > rules/routes/llm-proposed.yaml',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const name = textOption(options, 'upstream')
  if (name === undefined) throw usage('--upstream NAME says whose routes')
  const url = checkedUrl(textOption(options, 'url'))
  const loaded = await loadSubject(name, options, io)
  if (loaded === undefined) return EXIT.invalid
  const file = textOption(options, 'routes')
  const routes = file === undefined ? undefined : await routeFile(file, io)
  if (routes?.ok === false) {
    printDiagnostics(io, routes.diagnostics)
    return EXIT.invalid
  }
  const report = await measureCoverage({
    ...loaded,
    ...(url === undefined ? {} : { url }),
    ...(routes === undefined ? {} : { listed: { source: file ?? '', routes: routes.value } }),
  })
  const format = formatOf(options)
  if (format === 'json') io.out(coverageJson(report))
  else if (format === 'yaml') io.out(coverageYaml(report))
  else io.out(coverageText(report, createPaint(io.colour)))
  return report.complete ? EXIT.ok : EXIT.failed
}

/** The upstream and the packs, or `undefined` after saying what is wrong in which file. */
async function loadSubject(
  name: string,
  options: OptionValues,
  io: CliIo,
): Promise<Pick<CoverageOptions, 'upstream' | 'rules'> | undefined> {
  const file = configFile(options, io)
  const config = await loadConfig({ file, cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    return undefined
  }
  const upstream = upstreamNamed(name, config.value)
  const dir = resolve(io.cwd, textOption(options, 'rules') ?? config.value.rules.dir)
  const rules = await loadRules(dir, config.value)
  if (rules.ok) return { upstream, rules: rules.value }
  printDiagnostics(io, findingsOf(rules))
  return undefined
}

function upstreamNamed(name: string, { upstreams }: Settings): UpstreamSettings {
  const found = upstreams.find((upstream) => upstream.name === name)
  if (found !== undefined) return found
  const names = upstreams.map((upstream) => upstream.name)
  const near = closest(name, names)
  const hint = near === undefined ? `There are: ${names.join(', ')}` : `Did you mean ${near}?`
  throw usage(`there is no upstream ${JSON.stringify(name)}. ${hint}`)
}

function checkedUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (plain && /^https?:$/.test(url.protocol)) return text
  throw usage('--url takes http(s)://host:port, optionally with a base path')
}

async function routeFile(file: string, io: CliIo): Promise<Loaded<readonly ServedRoute[]>> {
  const text = await readFile(resolve(io.cwd, file), 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError('ERR_USAGE', `--routes cannot be read: ${why}`)
  })
  // A document has keys, a list has methods and paths.
  if (!/^[ \t]*(?:\{|"?(?:openapi|swagger)"?[ \t]*:)/m.test(text))
    return parseRouteLines(file, text)
  const loaded = loadOpenapiFile({ file, text })
  if (!loaded.ok) return loaded
  const { operations, basePath } = loaded.value
  return { ok: true, value: fromOperations(operations, file, basePath), warnings: [] }
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', `${message}\nRun: modelgate coverage --help`)
}
