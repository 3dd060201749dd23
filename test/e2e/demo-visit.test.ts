/** The demo in a terminal, and a demo whose steps are answered otherwise than expected. */
import { describe, expect, it } from '@jest/globals'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { runCli } from '../../gateway/cli/run.ts'
import { STEPS } from '../../gateway/cli/demo/steps.ts'
import { walk, type StepResult } from '../../gateway/cli/demo/walk.ts'
import { startWorld } from '../../gateway/cli/demo/world.ts'
import type { CliIo } from '../../gateway/cli/io.ts'
import { EXIT } from '../../gateway/cli/io.ts'

const facts = {
  pid: process.pid,
  host: 'test',
  nodeVersion: process.version,
  isAlive: () => true,
  ...(process.getuid === undefined ? {} : { uid: process.getuid() }),
}

/** Runs the demo in a terminal whose visitor presses Ctrl-C when `moment` is printed. */
async function visit(
  moment: string,
  meanwhile?: (printed: string) => Promise<void>,
): Promise<{ code: number; out: string }> {
  let out = ''
  let press = (): void => undefined
  let visited: Promise<void> | undefined
  const io: CliIo = {
    out(text) {
      out += text
      if (!text.includes(moment)) return
      if (meanwhile === undefined) press()
      else visited = meanwhile(out).finally(() => press())
    },
    err: () => undefined,
    env: {},
    cwd: '/',
    interactive: true,
    colour: false,
    process: facts,
    onSignal: (kind, listener) => {
      if (kind === 'stop') press = listener
    },
  }
  const code = await runCli(['demo'], io)
  await visited
  return { code, out }
}

const FOLDER = /folder +(\/\S+)/

describe('the demo in a terminal', () => {
  it('stays up for the visitor until Ctrl-C, then cleans up', async () => {
    const { code, out } = await visit('until Ctrl-C', async (printed) => {
      const file = /\. (\/\S+env\.sh)/.exec(printed)?.[1] ?? ''
      const text = await readFile(file, 'utf8')
      const variables = new Map(
        [...text.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [
          name,
          value,
        ]),
      )
      const gate = variables.get('GATE') ?? ''
      const headers = { authorization: `Bearer ${variables.get('RITA')}` }
      const answer = await fetch(`${gate}/v2/models`, { headers })
      expect(await answer.json()).toEqual({ models: ['iris-classifier'] })
    })
    expect(code).toBe(EXIT.ok)
    expect(out).toContain('20 of 20 steps as expected')
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(existsSync(FOLDER.exec(out)?.[1] ?? '/')).toBe(false)
  }, 60_000)

  it('ends early, and not well, when the visitor leaves in the middle', async () => {
    const { code, out } = await visit('2/20')
    expect(code).toBe(EXIT.failed)
    expect(out).not.toContain('3/20')
    expect(out).toContain('2 of 20 steps as expected')
    expect(existsSync(FOLDER.exec(out)?.[1] ?? '/')).toBe(false)
  }, 60_000)
})

describe('a step that is answered otherwise', () => {
  it('is told, with what was expected and what came', async () => {
    const world = await startWorld(facts)
    const results: StepResult[] = []
    const [first, second] = STEPS
    try {
      const steps =
        first && second ? [{ ...first, expect: { status: 200, arrives: true } }, second] : []
      for await (const result of walk(world, new AbortController().signal, steps)) {
        results.push(result)
      }
    } finally {
      await world.close({ keep: false })
    }
    expect(results[0]?.differences).toEqual([
      'status: expected 200, got 401',
      'reason: expected none, got "authn_missing"',
      'reached the model server: expected 1, got 0',
    ])
    expect(results[1]?.differences).toEqual([])
    // Nobody trained, locked or got the weights in so short a walk; the last look notices that as well.
    expect(results[2]?.differences).toEqual([
      'provenance of trainings in the ledger: expected 1, got 0',
      'locks enforced: expected 1, got 0',
      'exports in the ledger, of exactly this file: expected 1, got 0',
      'requests for weights at the model server: expected 1, got 0',
    ])
  }, 60_000)
})
