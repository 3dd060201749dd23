/** Grants in the hands of others, and grants for what is no download, over sockets. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  download,
  grantOf,
  GRANTED_RULES,
  startExportWorld,
  startRegistry,
  type Registry,
} from '../support/exports.ts'
import type { World } from '../support/world.ts'

const GRANTS = {
  bobs: grantOf({ to: ['user:dev/bob'] }),
  deployed: grantOf({ actions: ['deploy'], uses: 1 }),
}

let registry: Registry
let world: World
let token: string
beforeAll(async () => {
  registry = await startRegistry(Buffer.alloc(1_000, 7))
  world = await startExportWorld(registry, GRANTS, {
    policy: `${GRANTED_RULES.policy}p, role:exporter, deploy, model:*, granted, allow\n`,
  })
  token = await world.token(['exporter'])
}, 30_000)
afterAll(async () => {
  await world.close()
  await registry.close()
})

const reasonIn = (text: string) => (JSON.parse(text) as { reason?: string }).reason

describe('a grant that is named', () => {
  it('and is another’s is of no use, and looks like one that does not exist', async () => {
    const answers = await Promise.all(
      ['bobs', 'nobodys', 'bobs, bobs', ''].map(
        (named) => download(world.port, token, { headers: { 'x-modelgate-grant': named } }).done,
      ),
    )
    const told = answers.map(({ status, body }) => {
      const { reason, detail } = JSON.parse(body.toString()) as Record<string, string>
      return { status, reason, detail }
    })
    expect(told[0]).toMatchObject({ status: 403, reason: 'condition_failed' })
    for (const one of told) expect(one).toEqual(told[0])
    expect(registry.requests).toEqual([])
  })
})

describe('a grant for one deployment', () => {
  const deploy = async (): Promise<{ status: number; text: string }> => {
    const url = `http://127.0.0.1:${world.port}/api/2.0/mlflow/model-versions/transition-stage`
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'm-1', version: '1', stage: 'Production' }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const answering = (status: number): void => {
    registry.answer = (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    }
  }

  it('is given back when the upstream says no, and is for one of many at the same time', async () => {
    answering(409)
    for (let i = 0; i < 3; i++) expect((await deploy()).status).toBe(409)
    answering(200)
    const all = await Promise.all(Array.from({ length: 8 }, deploy))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    const others = all.filter(({ status }) => status !== 200).map(({ text }) => reasonIn(text))
    expect(new Set(others)).toEqual(new Set(['grant_spent']))
    expect((await deploy()).status).toBe(403)
  })
})
