/** A signer that is killed at any moment remembers everything that it has answered for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from '@jest/globals'
import { createPeerClient } from '../../gateway/audit/signing/http-exchange.ts'
import { SIGN_PATH } from '../../gateway/audit/signing/socket-signer.ts'
import { generateSkey } from '../../gateway/audit/tree/note.ts'
import { growingLog, ORIGIN, removeWitnessing, witnessingDirectory } from '../support/witnessing.ts'

afterAll(removeWitnessing)

const MAIN = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))
const log = growingLog()

/** Starts a signer in a process of its own; resolves when it listens. */
async function start(dir: string, ...more: string[]) {
  const at = (name: string) => join(dir, name)
  const files = ['--key', at('key'), '--state', at('state'), '--socket', at('sock')]
  const args = ['--import', 'tsx', MAIN, 'signer', ...files, ...more]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (bytes) => (said += String(bytes)))
  await Promise.race([once(child.stdout, 'data'), exited])
  if (child.exitCode !== null) throw new Error(said)
  return { child, exited }
}

it('never goes back behind what it has signed, nor stays down', async () => {
  const dir = witnessingDirectory()
  writeFileSync(join(dir, 'key'), generateSkey(ORIGIN), { mode: 0o600 })
  let [signed, asked] = [0, 0]
  for (const kill of [3, 11, 24, 1]) {
    const { child, exited } = await start(dir, ...(asked === 0 ? ['--init'] : []))
    const peer = createPeerClient({ socketPath: join(dir, 'sock') }, 5_000)
    const post = (from: number, to: number) => peer.post(SIGN_PATH, log.unsigned(from, to))
    // What was asked for last may have been signed without an answer; nothing else.
    const { status, body } = await post(0, asked + 1)
    if (asked > 0) {
      const size = Number(body.toString())
      expect([status, size === signed || size === asked]).toEqual([409, true])
      signed = size
    } else {
      expect(status).toBe(200)
      signed = 1
    }
    for (let count = 0; ; count++) {
      asked = signed + 1
      const answer = post(signed, asked).then(
        (one) => one.status,
        () => undefined,
      )
      if (count === kill) setImmediate(() => child.kill('SIGKILL'))
      if ((await answer) !== 200) break
      signed = asked
      if (child.signalCode !== null) break
    }
    peer.close()
    child.kill('SIGKILL')
    await exited
  }
}, 100_000)
