/** `modelgate coverage` as operators run it, against a server that lists its routes. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runModelgate, writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'

/** Of a real MLServer 1.7, cut to three routes, with one that no MLServer has. */
const DOCUMENT = JSON.stringify({
  openapi: '3.1.0',
  paths: {
    '/v2/models/{model_name}/infer': { post: { summary: 'Infer' } },
    '/v2/repository/index': { post: { summary: 'Index' } },
    '/v2': { get: { summary: 'Metadata' } },
    '/v2/models/{model_name}/weights': { get: { summary: 'Weights' } },
  },
})

let server: HttpUpstream
let files: GatewayFiles
let isDrifting = true
beforeAll(async () => {
  server = await startHttpUpstream((request, response) => {
    const authorized = request.headers.authorization === 'Bearer of-the-upstream'
    if (request.url !== '/openapi.json') response.writeHead(404).end()
    else if (!authorized) response.writeHead(401).end()
    else response.end(isDrifting ? DOCUMENT : DOCUMENT.replace(/,"[^"]*weights":.*\}\}\}/, '}}'))
  })
  files = await writeGatewayFiles(
    {
      upstreams: [
        { name: 'models', pack: 'mlserver', credential: { value_file: 'upstream-key' } },
        { name: 'nobody', pack: 'mlserver', url: 'http://127.0.0.1:1', match: { host: 'b.test' } },
      ],
    },
    { issuer: 'http://127.0.0.1:1', upstream: server.url },
  )
  await writeFile(join(files.dir, 'upstream-key'), 'of-the-upstream\n', { mode: 0o600 })
})
afterAll(async () => {
  await server.close()
  await rm(files.dir, { recursive: true, force: true })
})

const coverage = (...args: string[]) =>
  runModelgate(['coverage', '--config', files.configFile, ...args], { cwd: files.dir })

describe('coverage', () => {
  it('shows the route that the pack does not know, and what it would need', async () => {
    const { code, stdout } = await coverage('--upstream', 'models')
    expect(stdout).toMatch(
      /GET {2,}\/v2\/models\/\{model_name\}\/weights {2,}export\? {2,}`weights`/,
    )
    expect(stdout).toMatch(/mapped: 3 \(read 2, infer 1\)/)
    expect(code).toBe(1)
  }, 30_000)

  it('prints a file that makes the server covered', async () => {
    const { stdout } = await coverage('--upstream', 'models', '--format', 'yaml')
    expect(stdout).toContain('extends: mlserver')
    const rules = join(files.rulesDir, 'routes')
    await rm(rules, { recursive: true, force: true })
    await mkdir(rules)
    await writeFile(join(rules, 'proposed.yaml'), stdout)
    const after = await coverage('--upstream', 'models', '--format', 'json')
    expect({ code: after.code, ...(JSON.parse(after.stdout) as object) }).toMatchObject({
      code: 0,
      complete: true,
      unmapped: [],
    })
    await rm(rules, { recursive: true, force: true })
  }, 30_000)

  it('is satisfied with a server that has what the pack has', async () => {
    isDrifting = false
    const { code, stdout } = await coverage('--upstream', 'models')
    isDrifting = true
    expect(stdout).toContain('every route that is listed is mapped or refused')
    expect(code).toBe(0)
  }, 30_000)

  it('reads a file instead of asking', async () => {
    await writeFile(join(files.dir, 'routes.txt'), 'GET /v2/health/live\nPOST /v2/train\n')
    const { code, stdout } = await coverage('--upstream', 'nobody', '--routes', 'routes.txt')
    expect(stdout).toMatch(/POST {2,}\/v2\/train {2,}retrain\?/)
    expect(code).toBe(1)
  }, 30_000)

  it('sends the credential to nobody but the upstream', async () => {
    const { stdout } = await coverage('--upstream', 'models', '--url', server.url)
    expect(stdout).toContain('401: it wants another credential')
    expect(server.requests.at(-1)?.headers.authorization).toBeUndefined()
  }, 30_000)

  it('says that nobody answers, and is not satisfied', async () => {
    const { code, stdout } = await coverage('--upstream', 'nobody')
    expect(stdout).toContain('no answer')
    expect(stdout).toContain('nothing lists the routes of this server')
    expect(code).toBe(1)
  }, 30_000)

  it.each([
    [['--upstream', 'model'], 2, /Did you mean models\?/],
    [[], 2, /--upstream NAME/],
    [['--upstream', 'models', '--url', 'ftp://x'], 2, /--url takes/],
    [['--upstream', 'models', '--routes', 'none.txt'], 2, /cannot be read/],
    [['--upstream', 'models', '--routes', 'gateway.yaml'], 3, /paths: this key is required/],
  ])(
    'of %j ends with %i',
    async (args, code, says) => {
      const result = await coverage(...args)
      expect(result.stderr).toMatch(says)
      expect(result.code).toBe(code)
    },
    30_000,
  )
})
