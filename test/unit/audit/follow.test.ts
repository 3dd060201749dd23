import { appendFileSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from '@jest/globals'
import { endOfLog, followLines } from '../../../gateway/audit/read/follow.ts'
import { segmentPath } from '../../../gateway/audit/files/segments.ts'
import { runCli } from '../../../gateway/cli/run.ts'
import { newDirectory, removeDirectories } from '../../support/audit-harness.ts'
import { madeUpTrail, writeTrail } from '../../support/trail.ts'

afterAll(removeDirectories)

function log(requests: number): string {
  const dir = newDirectory()
  writeTrail([...madeUpTrail(requests)], { dir, segmentRecords: 1_000 })
  return dir
}

/** Runs one change of the log at each look, and ends after the last. */
function changes(...all: (() => void)[]): () => Promise<boolean> {
  return () => {
    const next = all.shift()
    next?.()
    return Promise.resolve(next !== undefined)
  }
}

describe('following a log', () => {
  it('gives whole lines once, over segments, however they are written', async () => {
    const dir = log(3)
    const place = endOfLog(dir)
    const first = segmentPath(dir, 0)
    const second = segmentPath(dir, 9)
    const wait = changes(
      () => appendFileSync(first, '{"n":1}\n{"n":'),
      () => undefined,
      () => appendFileSync(first, '2}\n'),
      () => {
        appendFileSync(first, '{"n":3}\n')
        writeFileSync(second, '{"n":4}\n')
      },
      () => appendFileSync(second, '{"n":5}\n'),
    )
    const seen: string[] = []
    for await (const line of followLines(dir, place, { wait })) seen.push(line.toString())
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => `{"n":${n}}`))
  })

  it('begins behind the last whole line', () => {
    const dir = log(3)
    const before = endOfLog(dir)
    appendFileSync(segmentPath(dir, 0), '{"half')
    expect(endOfLog(dir)).toEqual(before)
  })
})

describe('audit tail', () => {
  async function tail(dir: string, args: readonly string[], colour: boolean, onLine: () => void) {
    let stdout = ''
    let stop = (): void => undefined
    const code = await runCli(['audit', 'tail', '--dir', dir, ...args], {
      out: (text) => {
        stdout += text
        if (text.includes('fresh')) stop()
        else onLine()
      },
      err: () => undefined,
      env: {},
      cwd: '/',
      interactive: false,
      colour,
      process: { pid: 1, host: 'test', nodeVersion: 'v20', isAlive: () => true },
      onSignal: (_kind, listener) => (stop = listener),
    })
    return { code, lines: stdout.trimEnd().split('\n') }
  }

  it('shows the newest, and with -f those that come until it is told to stop', async () => {
    const dir = log(20)
    const append = () => {
      const old = '{"seq":1,"type":"decision","effect":"deny","id":"passed over"}\n'
      appendFileSync(
        segmentPath(dir, 0),
        `${old}{"seq":99,"type":"decision","effect":"deny","id":"fresh"}\n`,
      )
    }
    const { code, lines } = await tail(dir, ['-f', '-n', '2'], true, append)
    expect(code).toBe(0)
    expect(lines).toHaveLength(3)
    expect(lines[0]).toContain('\u001b[32mpermit')
    expect(lines[2]).toContain('\u001b[31mdeny')
    const plain = await tail(dir, ['-n', '1', '--effect', 'permit'], false, () => undefined)
    expect(plain.lines).toHaveLength(1)
    expect(plain.lines[0]).not.toContain('\u001b')
  })
})
