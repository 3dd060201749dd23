/** boto3 against an S3-compatible server. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { installed } from '../support/interop/processes.ts'
import { PYTHON_DIR, startS3 } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

const suite = interopSuite({
  server: 'S3 (moto)',
  page: 's3',
  start: async () => {
    const server = await startS3('models')
    const secret = join(server.dir, 's3-credential')
    // moto lets in whoever presents any signature; a real store needs the one the page speaks of.
    await writeFile(secret, 'test:signature\n', { mode: 0o600 })
    const credential = { scheme: 'AWS', value_file: secret }
    return {
      upstream: { name: 'store', url: server.url, pack: 's3', credential },
      close: () => server.close(),
    }
  },
  clients: ({ dir }) => ({
    boto3: startClient({
      program: installed('mlflow/bin/python'),
      args: [join(PYTHON_DIR, 's3_flows.py')],
      cwd: dir,
    }),
  }),
})
const client = 'boto3'

it(
  'puts an object with deploy',
  () => suite.proves({ client, flow: 'put', role: 'publisher' }),
  60_000,
)

it(
  'uploads in parts with deploy',
  () => suite.proves({ client, flow: 'upload', role: 'publisher' }),
  60_000,
)

it(
  'gets an object with export',
  () => suite.proves({ client, flow: 'get', role: 'consumer' }),
  60_000,
)

// An answer to HEAD has no body, and the client shows nothing but the status.
it(
  'downloads a file with read and export',
  () =>
    suite.proves({
      client,
      flow: 'download',
      role: 'downloader',
      refusal: /No rule gives you|HeadObject operation.*: Forbidden/,
    }),
  60_000,
)

it(
  'lists with read on the bucket',
  () => suite.proves({ client, flow: 'list', does: 'list_objects', role: 'lister' }),
  60_000,
)

it('lists no routes of itself: the protocol is the list', async () => {
  const coverage = await suite.world().coverage()
  expect(coverage).toMatchObject({ code: 1, listed: 0, unmapped: [] })
  await reportCoverage('S3 (moto)', coverage)
}, 60_000)
