/** A client library in a process of its own that does one flow after the other, as it is told. */
import { createInterface } from 'node:readline'
import { start, type ProcessOptions } from './processes.ts'

/** How a flow went: what it gave, or the error as the client library words it. */
export interface Outcome {
  readonly ok: boolean
  readonly text: string
}

/** A client that is running. */
export interface FlowClient {
  /** Does one flow with a token. Never rejects: an error of the library is an outcome. */
  run(flow: string, token: string, values?: Readonly<Record<string, unknown>>): Promise<Outcome>
  close(): Promise<void>
}

const FLOW_MS = 90_000

/** Starts a program that reads a JSON object per line and answers with an {@link Outcome}. */
export function startClient(options: ProcessOptions): FlowClient {
  const running = start(options, true)
  const { stdin, stdout } = running.child
  if (stdin === null || stdout === null) throw new Error('the client has no pipes')
  const waiting: ((line: string | undefined) => void)[] = []
  const lines = createInterface({ input: stdout })
  lines.on('line', (line) => waiting.shift()?.(line))
  lines.on('close', () => {
    for (const tell of waiting.splice(0)) tell(undefined)
  })
  stdin.on('error', () => undefined)
  return {
    run: (flow, token, values = {}) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) => reject(new Error(`${flow}: ${why}\n${running.output()}`))
        const late = setTimeout(() => fail('no answer in time'), FLOW_MS)
        waiting.push((line) => {
          clearTimeout(late)
          if (line === undefined) fail('the client ended')
          else resolve(JSON.parse(line) as Outcome)
        })
        stdin.write(`${JSON.stringify({ flow, token, ...values })}\n`)
      }),
    close: () => running.end(),
  }
}
