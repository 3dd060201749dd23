import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from '@jest/globals'
import { verifyChain } from '../support/verify-chain.ts'
import {
  harness,
  newDirectory,
  removeDirectories,
  storedRecords,
} from '../support/audit-harness.ts'

afterAll(removeDirectories)

const WRITER = fileURLToPath(new URL('../support/audit-writer.ts', import.meta.url))

/** Runs a writer until it has reported `count` records, kills it, and gives what it reported. */
async function killAfter(dir: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.split('\n').length > count) child.kill('SIGKILL')
  }
  await exited
  return output.split('\n').slice(0, -1)
}

it('a writer that is killed loses no record it has answered for', async () => {
  const dir = newDirectory()
  const answered: string[][] = []
  for (const count of [1, 40, 77]) answered.push(await killAfter(dir, count))
  const { open } = harness(dir)
  await (await open()).close()
  const report = await verifyChain({ dir })
  expect(report).toMatchObject({ intact: true, boots: 4 })
  const runs = new Map<unknown, Set<unknown>>()
  for (const { boot, id } of storedRecords(dir)) {
    runs.set(boot, (runs.get(boot) ?? new Set()).add(id))
  }
  for (const [index, stored] of [...runs.values()].slice(0, 3).entries()) {
    expect(answered[index]?.length).toBeGreaterThan(0)
    expect(answered[index]?.filter((id) => !stored.has(id))).toEqual([])
  }
}, 60_000)
