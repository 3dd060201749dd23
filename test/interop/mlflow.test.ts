/** MLflow's client against `mlflow server`, whose artifacts it keeps in S3 itself. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { installed } from '../support/interop/processes.ts'
import { runModule } from '../support/interop/run-module.ts'
import { PYTHON_DIR, startMlflow, startS3, type RealServer } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

/** In MLflow 3.17 and not in the version the pack was read from: all of them are refused. */
const UNMAPPED: readonly RegExp[] = [
  // A registry of MCP servers.
  /^(GET|POST|PATCH|DELETE) \/(api|ajax-api)\/3\.0\/mlflow\/mcp-servers/,
  // An assistant that runs commands where the server runs.
  /^(GET|POST|PUT|PATCH) \/ajax-api\/3\.0\/mlflow\/assistant\//,
  /^PATCH \/ajax-api\/3\.0\/jobs\/cancel\/\{job_id\}$/,
  // More of the AI gateway.
  /^GET \/gateway\/mlflow\/v1\/models$/,
  /^POST \/gateway\/(openai\/v1\/responses\/compact|typesafe\/v1\/systemone)$/,
]

let server: RealServer
const suite = interopSuite({
  server: 'mlflow server',
  page: 'mlflow',
  start: async () => {
    const s3 = await startS3('models')
    server = await startMlflow(s3, 'models')
    return {
      upstream: { name: 'mlflow', url: server.url, pack: 'mlflow' },
      close: () => server.close().finally(() => s3.close()),
    }
  },
  clients: ({ dir }) => ({
    mlflow: startClient({
      program: installed('mlflow/bin/python'),
      args: [join(PYTHON_DIR, 'mlflow_flows.py')],
      cwd: dir,
    }),
  }),
})
const client = 'mlflow'
const values = () => ({ model: 'fraud-detector' })

it(
  'logs a run and its model',
  () => suite.proves({ client, flow: 'train', role: 'trainer' }),
  240_000,
)

it(
  'registers the model of a run',
  () =>
    suite.proves({
      client,
      flow: 'register',
      role: 'registrar',
      values,
      refusal: /No rule gives you|no logged model is listed/,
    }),
  120_000,
)

it(
  'gives a version its alias',
  () => suite.proves({ client, flow: 'promote', role: 'releaser', values }),
  60_000,
)

it(
  'loads the champion',
  () => suite.proves({ client, flow: 'load', role: 'consumer', values }),
  120_000,
)

// What may not be read is left out of a list, without a word.
it(
  'searches the registry',
  () =>
    suite.proves({
      client,
      flow: 'browse',
      role: 'viewer',
      values,
      refusal: /No rule gives you|fraud-detector is not listed/,
    }),
  60_000,
)

it('has no route that the pack does not know, but those of newer versions', async () => {
  await runModule('mlflow', 'mlflow_routes', server.dir)
  const routes = await readFile(join(server.dir, 'routes.txt'), 'utf8')
  const coverage = await suite.world().coverage(routes)
  const unexpected = coverage.unmapped.filter((route) => !UNMAPPED.some((one) => one.test(route)))
  expect(unexpected).toEqual([])
  expect(coverage.mapped).toBeGreaterThan(400)
  await reportCoverage('mlflow server', coverage)
}, 120_000)
