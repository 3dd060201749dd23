/**
 * The files a gateway in a test is started with, and what it leaves behind, whether it runs in the
 * process of the test or in its own.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** What differs from the default files. */
export interface WorldFiles {
  /** Top-level keys of gateway.yaml, each put in the place of the default one. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Keys added to the one issuer of gateway.yaml. */
  readonly issuer?: Readonly<Record<string, unknown>>
  /** `upstreams` of gateway.yaml; one without `url` is the upstream of the test. */
  readonly upstreams?: readonly Readonly<Record<string, unknown>>[]
  /** Rows of policy.csv instead of {@link WORLD_POLICY}. */
  readonly policy?: string
  /** Files of the rules folder by relative path, such as `routes/mine.yaml`, instead of the shipped. */
  readonly rules?: Readonly<Record<string, string>>
}

/** One line of the ledger. */
export interface WorldRecord {
  readonly type: string
  readonly id?: string
  readonly reason?: string
  readonly stage?: string
  readonly effect?: string
  readonly [field: string]: unknown
}

/** Each role may do what it is named for, to every model; `crown-*` is exported by nobody. */
export const WORLD_POLICY = `p, role:reader, read, model:*, always, allow
p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:*, always, allow
p, role:exporter, export, model:*, always, allow
p, role:deployer, deploy, model:*, always, allow
p, role:anyone, export, model:crown-*, always, deny
`

const ROLES = ['reader', 'inference', 'exporter', 'deployer', 'retrainer', 'admin']
/** Benches run compiled, below `dist`. */
const IS_COMPILED = import.meta.url.includes('/dist/test/')
const SHIPPED_RULES = new URL(IS_COMPILED ? '../../../rules/' : '../../rules/', import.meta.url)
const RULE_FILES = ['model.conf', 'conditions.yaml', 'resources.yaml'] as const

/** JSON is YAML: what is written here is read by the same loader as an operator's file. */
export function configOf(options: WorldFiles, urls: { issuer: string; upstream: string }): object {
  const upstreams = options.upstreams ?? [{ name: 'models', pack: 'kserve' }]
  return {
    listen: { data: { host: '127.0.0.1', port: 0 }, control: { host: '127.0.0.1', port: 0 } },
    issuers: [
      {
        issuer: urls.issuer,
        name: 'dev',
        audience: 'modelgate',
        roles: ROLES,
        ...options.issuer,
      },
    ],
    upstreams: upstreams.map((one) => ({ url: urls.upstream, ...one })),
    rules: { dir: 'rules' },
    audit: { dir: 'audit' },
    log: { level: 'debug' },
    shutdown: { drain: '1s' },
    ...options.config,
  }
}

/** Fills a rules folder: the shipped files, with those of `options` over them. */
export async function writeRules(rulesDir: string, options: WorldFiles): Promise<void> {
  await mkdir(rulesDir, { recursive: true })
  const shipped = await Promise.all(
    RULE_FILES.map(async (name) => [name, await readFile(new URL(name, SHIPPED_RULES), 'utf8')]),
  )
  const files: Record<string, string> = {
    ...(Object.fromEntries(shipped) as Record<string, string>),
    'policy.csv': options.policy ?? WORLD_POLICY,
    ...options.rules,
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(rulesDir, name)), { recursive: true })
    await writeFile(join(rulesDir, name), text)
  }
}

const WAIT_MS = 15_000

/** Waits until `test` gives true. @throws Error with `what` when the time is up. */
export async function until(
  what: string,
  test: () => boolean | Promise<boolean>,
  timeoutMs = WAIT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await test())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(5)
  }
}

/** The text of the ledger's segments, in order. */
export async function readTree(auditDir: string): Promise<string> {
  const entries = await readdir(auditDir, { recursive: true }).catch(() => [])
  const names = entries.filter((name) => name.endsWith('.jsonl')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(auditDir, name), 'utf8')))
  return texts.join('')
}

/** The records of ledger text. A last line that is still being written is left out. */
export function parseLines(text: string): WorldRecord[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WorldRecord)
}

/** The sum of the samples of `name` on a metrics page that carry all of `labels`. */
export function sumOf(
  page: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  let sum = 0
  for (const line of page.split('\n')) {
    const [series = '', value = ''] = line.split(/ (?=[^ ]*$)/)
    const isFamily = series === name || series.startsWith(`${name}{`)
    if (isFamily && wanted.every((one) => series.includes(one))) sum += Number(value)
  }
  return sum
}
