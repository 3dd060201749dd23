/** The scoring server that `mlflow models serve` starts. */
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR, startMlflowModel } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

const suite = interopSuite({
  server: 'mlflow models serve',
  page: 'mlflow-models-serve',
  start: async () => {
    const server = await startMlflowModel()
    return {
      upstream: { name: 'fraud', url: server.url, pack: 'mlflow-pyfunc' },
      close: () => server.close(),
    }
  },
  clients: ({ dir }) => ({
    requests: startClient({
      program: installed('mlflow/bin/python'),
      args: [join(PYTHON_DIR, 'pyfunc_flows.py')],
      cwd: dir,
    }),
  }),
})
const client = 'requests'

it(
  'predicts with infer alone',
  () => suite.proves({ client, flow: 'predict', role: 'app' }),
  60_000,
)

it(
  'says its version with read',
  () => suite.proves({ client, flow: 'version', role: 'viewer' }),
  60_000,
)

it('has no route that the pack does not know', async () => {
  const coverage = await suite.world().coverage()
  expect(coverage).toMatchObject({ code: 0, unmapped: [] })
  await reportCoverage('mlflow models serve', coverage)
}, 60_000)
