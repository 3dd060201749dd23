/** One request that does several things with one grant: it speaks for what it covers (threats §2.H). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { grantsFile } from '../support/exports.ts'
import { startWorld, type World } from '../support/world.ts'

const ROUTES = `pack: copies
title: A store of datasets
routes:
  - methods: [POST]
    path: /copy
    action: data:write
    resource: dataset
    model: [{ body: to }]
    also_on:
      - { action: 'data:read', resource: dataset, model: [{ body: from }] }
`
const grant = (...resources: readonly string[]) => ({
  to: ['user:dev/alice'],
  actions: ['data:write', 'data:read'],
  resources,
  expires: new Date(Date.now() + 3_600_000).toISOString(),
})

let world: World
beforeAll(async () => {
  world = await startWorld({
    policy: [
      'p, role:deployer, data:write, dataset:*, granted, allow',
      'p, role:deployer, data:read, dataset:secret, granted, allow',
      'p, role:deployer, data:read, dataset:free, always, allow',
      '',
    ].join('\n'),
    rules: {
      'routes/copies.yaml': ROUTES,
      'conditions.yaml': 'conditions:\n  granted: { kind: grant }\n',
      'grants.yaml': grantsFile({
        'grant-own': { ...grant('dataset:scratch'), actions: ['data:write'] },
        'grant-both': grant('dataset:scratch', 'dataset:secret'),
      }),
    },
    upstreams: [{ name: 'data', pack: 'copies' }],
  })
}, 30_000)
afterAll(() => world.close())

async function copy(from: string, named: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${world.port}/copy`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await world.token(['deployer'], { sub: 'alice' })}`,
      'content-type': 'application/json',
      'x-modelgate-grant': named,
    },
    body: JSON.stringify({ from, to: 'scratch' }),
  })
  return { status: answer.status, text: await answer.text() }
}

describe('a grant to write one dataset', () => {
  it('does not let another be read on the way, and says so', async () => {
    const { status, text } = await copy('secret', 'grant-own')
    expect(status).toBe(403)
    expect(text).toContain('Grant grant-own is not for data:read on dataset:secret.')
    expect(world.upstream.requests).toEqual([])
  })

  it('goes with what is allowed without it, and with what it covers', async () => {
    expect((await copy('free', 'grant-own')).status).toBe(200)
    expect((await copy('secret', 'grant-both')).status).toBe(200)
    expect(world.upstream.requests).toHaveLength(2)
  })
})
