/** What README.md tells people to type works as written. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { ensureBuilt, PROJECT } from '../support/build.ts'
import { runModelgate } from '../support/built-gateway.ts'
import { createStory } from '../support/command-story.ts'
import type { Name } from '../support/privilege-world.ts'

interface Command {
  /** What is run, when it is not the line itself: `npm run build` would pull `dist` from under others. */
  readonly run?: (
    line: string,
  ) => Promise<{ readonly code: number | null; readonly output: string }>
  readonly code?: number
  /** What the output must hold. */
  readonly says?: RegExp
}

const modelgate = async (...args: string[]) => {
  const { code, stdout, stderr } = await runModelgate(args, { cwd: PROJECT })
  return { code, output: stdout + stderr }
}

const story = createStory()
afterAll(() => story.close())

const CLI = 'node dist/gateway/main.js'

const live =
  (as: Name): NonNullable<Command['run']> =>
  (line) =>
    story.run(as, line)

/** Every command of the `sh` blocks, and how it is known to work. */
const COMMANDS: Readonly<Record<string, Command>> = {
  'npm run demo': { run: () => modelgate('demo', '--once'), says: /as expected/ },
  // The check of this very test.
  'npm test': { run: () => scriptOf('test') },
  'npm run build': { run: async () => ({ code: 0, output: await ensureBuilt() }) },
  [`${CLI} check --config config/examples/vllm-sidecar/gateway.yaml --rules config/examples/vllm-sidecar/rules`]:
    { says: /^ok: \d+ rules, 0 errors/m },
  [`${CLI} explain --subject user:corp/alice --role inference --action infer --resource model:fraud-detector --ip 10.1.2.3 --at 2026-11-23T10:30:00+01:00`]:
    { says: /^PERMIT/m },
  // Annotations say nothing where nothing is wrong.
  [`${CLI} check --rules rules --format github`]: { says: /^$/ },
  [`${CLI} test --rules rules --min-coverage 100`]: { says: /^passed: \d+ tests/m },
  [`${CLI} config print --effective --redact`]: { says: /^upstreams:/m },
  'modelgate request create --action export --resource model:fraud --for 4h --uses 1 --reason "audit of the third quarter"':
    { run: live('erin'), says: /pending/ },
  'modelgate request show req-…': { run: live('olga'), says: /user:dev\/erin/ },
  'modelgate request approve req-… --digest sha256:… --for 1h': {
    run: live('olga'),
    says: /user:dev\/olga/,
  },
  'modelgate grant list --status active': { run: live('erin'), says: /No grants/ },
  'modelgate lock --user user:dev/erin --reason "laptop stolen, INC-12"': {
    run: live('root'),
    says: /active/,
  },
  'modelgate unlock lock-… --reason "new credentials"': { run: live('ruth'), says: /lifted/ },
  'modelgate drill': { run: live('root'), says: /passed/ },
  'modelgate review start --title "Q4" --due 30d': { run: live('root'), says: /review-/ },
  'modelgate who-has model:fraud --action export': {
    run: live('root'),
    says: /role:exporter/,
  },
}

/** The script of package.json with that name is there and its file exists. */
async function scriptOf(name: string) {
  const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const files = scripts[name]?.match(/scripts\/\S+\.mjs/g) ?? []
  const isThere = files.length > 0 && files.every((file) => existsSync(join(PROJECT, file)))
  return { code: isThere ? 0 : 1, output: files.join(' ') }
}

/** The line in a shell, in the folder of the project, as a reader would type it. */
async function inShell(line: string) {
  await ensureBuilt()
  const child = spawn('/bin/sh', ['-c', line], { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}

const readme = existsSync(join(PROJECT, 'README.md'))
  ? await readFile(join(PROJECT, 'README.md'), 'utf8')
  : ''

/** The blocks of README.md in that language. */
function blocks(language: string): string[] {
  const fence = new RegExp('^```' + language + '\\n([^]*?)^```$', 'gm')
  return [...readme.matchAll(fence)].map(([, text = '']) => text)
}

/** The command lines of the `sh` blocks that this project answers for. */
function commandLines(): string[] {
  return blocks('sh')
    .join('')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/\s+# .*$/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => /^(npm|npx|node|modelgate)\b/.test(line))
}

describe('README.md', () => {
  const lines = [...new Set(commandLines())]

  it('shows no command that is not tested', () => {
    const unknown = lines.filter((line) => !Object.hasOwn(COMMANDS, line))
    // Add each to COMMANDS above, with what it must say.
    expect(unknown).toEqual([])
  })

  it.each(lines.map((line) => [line]))(
    '`%s` does what it says',
    async (line) => {
      const { run = () => inShell(line), code = 0, says = /(?:)/ } = COMMANDS[line] ?? {}
      const result = await run(line)
      expect(result.output).toMatch(says)
      expect(result.code).toBe(code)
    },
    90_000,
  )

  it('names files that make a gateway', async () => {
    const named = ['yaml', 'csv']
      .flatMap((language) => blocks(language))
      .flatMap((text) => {
        const [, path] = /^# (my-gateway\/[a-z/.-]+\.(?:yaml|csv))/.exec(text) ?? []
        return path === undefined ? [] : [{ path, text }]
      })
    if (named.length === 0) return
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-readme-'))
    try {
      for (const { path, text } of named) {
        await mkdir(dirname(join(dir, path)), { recursive: true })
        await writeFile(join(dir, path), text)
      }
      await cp(join(PROJECT, 'rules/model.conf'), join(dir, 'my-gateway/rules/model.conf'))
      const asked = ['check', '--config', 'my-gateway/gateway.yaml']
      const { code, stdout, stderr } = await runModelgate(asked, { cwd: dir })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const shown = /^ok: .*revision sha256:/m.exec(blocks('console').join(''))?.[0]
      expect(stdout).toContain(shown)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }, 20_000)
})
