/** NVIDIA's client of the Open Inference Protocol against Seldon MLServer. */
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR, startMlserver } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

const suite = interopSuite({
  server: 'MLServer',
  page: 'tritonclient',
  start: async () => {
    const server = await startMlserver()
    return {
      upstream: { name: 'models', url: server.url, pack: 'mlserver' },
      grpcUpstream: {
        name: 'models-grpc',
        url: `http://127.0.0.1:${server.grpcPort}`,
        pack: 'mlserver',
        protocol: 'grpc',
      },
      close: () => server.close(),
    }
  },
  clients: ({ dir }) => {
    const client = startClient({
      program: installed('mlserver/bin/python'),
      args: [join(PYTHON_DIR, 'triton_flows.py')],
      cwd: dir,
    })
    return { 'tritonclient.http': client, 'tritonclient.grpc': client }
  },
})

for (const [client, prefix] of [
  ['tritonclient.http', ''],
  ['tritonclient.grpc', 'grpc-'],
] as const) {
  const proves = (flow: string, role: string, refusal?: RegExp) =>
    suite.proves({ client, flow, does: `${prefix}${flow}`, role, ...(refusal && { refusal }) })

  it(`${client} predicts with infer alone`, () => proves('predict', 'app'), 60_000)

  it(`${client} looks with read`, () => proves('look', 'viewer'), 60_000)

  // Over HTTP the client hears no and does not say why.
  it(
    `${client} asks whether a model is ready with read`,
    () => proves('ready', 'viewer', /No rule gives you|is not ready/),
    60_000,
  )

  it(`${client} loads and unloads with deploy`, () => proves('operate', 'operator'), 60_000)
}

it(
  'tritonclient.grpc lists the repository with read on the server',
  () =>
    suite.proves({
      client: 'tritonclient.grpc',
      flow: 'index',
      does: 'grpc-index',
      role: 'lister',
    }),
  60_000,
)

it('has no route that the pack does not know', async () => {
  const coverage = await suite.world().coverage()
  expect(coverage).toMatchObject({ code: 0, unmapped: [] })
  expect(coverage.mapped).toBeGreaterThan(20)
  await reportCoverage('MLServer', coverage)
}, 60_000)
