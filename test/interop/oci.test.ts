/** A model as an OCI artifact, pushed and pulled as `oras` does it, against the registry of CNCF. */
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { startClient } from '../support/interop/client.ts'
import { report } from '../support/interop/recipes.ts'
import { PYTHON_DIR, startRegistry } from '../support/interop/servers.ts'
import { interopSuite, reportCoverage } from '../support/interop/suite.ts'

const without = process.env['INTEROP_NO_REGISTRY']

if (without !== undefined) {
  it('is skipped where the registry cannot be built', async () => {
    const row = { server: 'OCI distribution', client: 'oras-like', flow: 'push, pull' }
    await report(row, '', `skipped: ${without}`)
    expect(without).not.toBe('')
  })
} else {
  const suite = interopSuite({
    server: 'OCI distribution',
    page: 'oci',
    start: async () => {
      const server = await startRegistry()
      return {
        upstream: { name: 'registry', url: server.url, pack: 'oci' },
        close: () => server.close(),
      }
    },
    clients: ({ dir }) => ({
      'oras-like': startClient({
        program: process.execPath,
        args: [join(PYTHON_DIR, '../node/oci-flows.mjs')],
        cwd: dir,
      }),
    }),
  })
  const client = 'oras-like'
  const values = () => ({ repo: 'acme/fraud' })

  // An answer to HEAD has no body to say the reason in.
  const refusal = /No rule gives you|^HEAD .* code 403/m
  it(
    'pushes',
    () => suite.proves({ client, flow: 'push', role: 'publisher', values, refusal }),
    60_000,
  )

  it('pulls', () => suite.proves({ client, flow: 'pull', role: 'consumer', values }), 60_000)

  it('lists tags', () => suite.proves({ client, flow: 'tags', role: 'viewer', values }), 60_000)

  it('shows those repositories that may be read', async () => {
    await suite.proves({
      client,
      flow: 'catalog',
      role: 'browser',
      values,
      refusal: /No rule gives you|acme\/fraud is not listed/,
    })
  }, 60_000)

  it('lists no routes of itself: the specification is the list', async () => {
    const coverage = await suite.world().coverage()
    expect(coverage).toMatchObject({ code: 1, listed: 0, unmapped: [] })
    await reportCoverage('OCI distribution', coverage)
  }, 60_000)
}
