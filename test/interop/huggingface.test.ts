/** The clients of the Hugging Face Hub, Python and JavaScript, against a server shaped like it. */
import { join } from 'node:path'
import { afterAll, expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { startHub, type HubServer } from '../support/interop/hub-server.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR } from '../support/interop/servers.ts'
import { interopSuite } from '../support/interop/suite.ts'

let hub: HubServer
const suite = interopSuite({
  server: 'Hub (its routes)',
  page: 'huggingface',
  start: async () => {
    hub = await startHub(['acme/fraud', 'acme/crown'])
    return {
      upstream: { name: 'hub', url: hub.url, pack: 'huggingface' },
      close: () => hub.close(),
    }
  },
  clients: ({ dir }) => ({
    huggingface_hub: startClient({
      program: installed('mlflow/bin/python'),
      args: [join(PYTHON_DIR, 'hub_flows.py')],
      cwd: dir,
    }),
    '@huggingface/hub': startClient({
      program: process.execPath,
      args: [
        join(PYTHON_DIR, '../node/hub-flows.mjs'),
        installed('node/node_modules/@huggingface/hub/dist/index.mjs'),
      ],
      cwd: dir,
    }),
  }),
})
const values = () => ({ repo: 'acme/fraud' })

for (const client of ['huggingface_hub', '@huggingface/hub']) {
  it(
    `${client} asks for the facts of a model with read`,
    () => suite.proves({ client, flow: 'info', role: 'viewer', values }),
    60_000,
  )

  it(
    `${client} lists the files of a model with read`,
    () => suite.proves({ client, flow: 'list_files', role: 'viewer', values }),
    60_000,
  )

  // What may not be read is left out of a list, without a word.
  it(
    `${client} lists the models that may be read`,
    () =>
      suite.proves({
        client,
        flow: 'browse',
        role: 'browser',
        values,
        refusal: /No rule gives you|acme\/fraud is not listed/,
      }),
    60_000,
  )

  it(`${client} does not see the model that may not be read`, async () => {
    const token = await suite.world().token(['browser'])
    const { text } = await suite.run(client, 'browse', token, values())
    expect(JSON.parse(text)).toEqual(['acme/fraud'])
  }, 60_000)
}

it(
  'huggingface_hub downloads a file with read and export',
  () =>
    suite.proves({
      client: 'huggingface_hub',
      flow: 'download',
      role: 'consumer',
      values,
    }),
  60_000,
)

it(
  '@huggingface/hub downloads a file with export alone',
  () =>
    suite.proves({
      client: '@huggingface/hub',
      flow: 'download',
      role: 'js-consumer',
      values,
    }),
  60_000,
)

it(
  'huggingface_hub downloads a snapshot with read and export',
  () =>
    suite.proves({
      client: 'huggingface_hub',
      flow: 'snapshot',
      role: 'consumer',
      values,
    }),
  60_000,
)

afterAll(() => {
  // The host of the large files was asked, and never with the token of the gateway.
  expect(hub.cdnRequests.length).toBeGreaterThan(0)
  expect(hub.cdnRequests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
})
