/** `pin`, `unpin` and `diff` on the rule sets a gateway has kept. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inProcess } from '../support/cli.ts'
import { startWorld, type World } from '../support/world.ts'

const FIRST = 'p, role:reader, read, model:*, always, allow\n'
const SECOND = `${FIRST}p, role:reader, infer, model:*, always, allow\n`

let world: World
let revisions: readonly string[] = []
const cli = (...args: string[]) =>
  inProcess([...args, '--config', world.configFile], { cwd: world.dir })
const history = async () => {
  const { stdout } = await cli('history', '--format', 'json')
  return JSON.parse(stdout) as { pinned: object | null; entries: { revision: string }[] }
}
const inForce = async () => {
  const page = await (await fetch(`http://127.0.0.1:${world.controlPort}/readyz`)).text()
  return /rules (sha256:[0-9a-f]{64}(?: pinned)?)/.exec(page)?.[1]
}
const whenInForce = (text: string) => world.until(text, async () => (await inForce()) === text)

beforeAll(async () => {
  world = await startWorld({ policy: FIRST, config: { rules: { dir: 'rules', poll: '1h' } } })
  await writeFile(join(world.rulesDir, 'policy.csv'), SECOND)
  await world.until('two sets', async () => (await history()).entries.length === 2)
  revisions = (await history()).entries.map(({ revision }) => revision)
}, 30_000)
afterAll(() => world.close())

describe('diff of a kept set and a folder', () => {
  it('takes the first digits of the digest', async () => {
    const prefix = revisions[1]?.slice(0, 'sha256:'.length + 12) ?? ''
    const { code, stdout, stderr } = await cli('diff', prefix, 'rules', '--exit-code')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('role:reader')
    expect(stdout).toContain('infer')
    const same = await cli('diff', revisions[0]?.slice(0, 19) ?? '', 'rules', '--exit-code')
    expect(same.code).toBe(0)
    expect(same.stdout).toContain('No caller is answered differently.')
    expect(await cli('diff', 'sha256:00000000', 'rules')).toMatchObject({ code: 2 })
  })
})

describe('a pin', () => {
  it('holds the set it names until unpin', async () => {
    const [second = '', first = ''] = revisions
    const pinned = await cli('pin', first.slice(7, 19), '--reason', 'frozen')
    expect(pinned).toMatchObject({ code: 0, stderr: '' })
    expect(pinned.stdout).toContain(`${first} is pinned`)
    await whenInForce(`${first} pinned`)
    expect((await history()).pinned).toMatchObject({ revision: first, reason: 'frozen' })

    const released = await cli('unpin', '--reason', 'thawed')
    expect(released).toMatchObject({ code: 0, stdout: `${first} is not pinned any more\n` })
    await whenInForce(second)
    expect((await history()).pinned).toBeNull()
    expect(await cli('unpin')).toMatchObject({ code: 0, stdout: 'nothing was pinned\n' })
  })
})
