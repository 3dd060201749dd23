/** OpenAI's clients, Python and JavaScript, against a server that answers as vLLM does. */
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { PROJECT } from '../support/build.ts'
import { startHttpUpstream } from '../support/http-upstream.ts'
import { startClient } from '../support/interop/client.ts'
import { modelServer } from '../support/interop/model-server.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR } from '../support/interop/servers.ts'
import { interopSuite } from '../support/interop/suite.ts'

const suite = interopSuite({
  server: 'vLLM (its answers)',
  page: 'openai',
  start: async () => {
    const server = await startHttpUpstream(modelServer(['fraud-llm', 'crown-llm']))
    return {
      upstream: { name: 'llm', url: server.url, pack: 'vllm' },
      close: () => server.close(),
    }
  },
  clients: ({ dir }) => ({
    'openai (Python)': startClient({
      program: installed('mlflow/bin/python'),
      args: [join(PYTHON_DIR, 'openai_flows.py')],
      cwd: dir,
    }),
    'openai (JavaScript)': startClient({
      program: process.execPath,
      args: [join(PYTHON_DIR, '../node/openai-flows.mjs')],
      cwd: PROJECT,
    }),
  }),
})
const values = () => ({ model: 'fraud-llm' })

for (const client of ['openai (Python)', 'openai (JavaScript)']) {
  it(
    `${client} chats with infer alone`,
    () => suite.proves({ client, flow: 'chat', role: 'app', values }),
    60_000,
  )

  it(
    `${client} streams with infer alone`,
    () => suite.proves({ client, flow: 'stream', role: 'app', values }),
    60_000,
  )

  // What may not be read is left out of a list, without a word.
  it(
    `${client} lists the models that may be read`,
    () =>
      suite.proves({
        client,
        flow: 'models',
        role: 'reader',
        values,
        refusal: /No rule gives you|fraud-llm is not listed/,
      }),
    60_000,
  )

  it(`${client} does not see the model that may not be read`, async () => {
    const token = await suite.world().token(['reader'])
    const { text } = await suite.run(client, 'models', token, values())
    expect(JSON.parse(text)).toEqual(['fraud-llm'])
  }, 60_000)
}
