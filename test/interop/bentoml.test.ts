/** BentoML's client against a BentoML service with an API of its own. */
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR, startBentoml } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

const suite = interopSuite({
  server: 'BentoML',
  page: 'bentoml',
  start: async () => {
    const server = await startBentoml()
    return {
      upstream: { name: 'iris', url: server.url, pack: 'bentoml' },
      close: () => server.close(),
    }
  },
  clients: ({ dir }) => ({
    bentoml: startClient({
      program: installed('bentoml/bin/python'),
      args: [join(PYTHON_DIR, 'bento_flows.py')],
      cwd: dir,
    }),
    fetch: startClient({
      program: process.execPath,
      args: [join(PYTHON_DIR, '../node/post-flows.mjs')],
      cwd: dir,
    }),
  }),
})

// The client waits for /readyz and for the schema, and keeps to itself what they answered.
it(
  'predicts with infer and read',
  () =>
    suite.proves({
      client: 'bentoml',
      flow: 'predict',
      role: 'app',
      refusal: /No rule gives you|Server is not ready/,
    }),
  120_000,
)

it(
  'predicts over plain HTTP with infer alone',
  () =>
    suite.proves({
      client: 'fetch',
      flow: 'predict',
      does: 'post',
      role: 'http-app',
      values: () => ({ path: '/predict', body: { rows: [[0, 0]] } }),
    }),
  60_000,
)

it('has no route that the pack does not know', async () => {
  const coverage = await suite.world().coverage()
  expect(coverage).toMatchObject({ code: 0, unmapped: [] })
  await reportCoverage('BentoML', coverage)
}, 60_000)
