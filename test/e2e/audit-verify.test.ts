/** `audit verify` as the built program: what it prints and ends with, on a ledger that was harmed. */
import { appendFile, copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  copyOf,
  removeCopies,
  startAuditWorld,
  whenSigned,
  type AuditWorld,
} from '../support/audit-world.ts'

jest.setTimeout(60_000)

const SEGMENT = 'seg/0000000000000000.jsonl'

let at: AuditWorld
let ledger: string
/** The ledger as it was a while ago. */
let earlier: string
let vkey: string

beforeAll(async () => {
  at = await startAuditWorld()
  ledger = join(at.dir, 'audit')
  vkey = join(at.dir, 'keys/ledger.key.pub')
  await at.infer('fraud', ['inference'])
  await whenSigned(ledger, 5)
  earlier = await copyOf(ledger)
  for (let n = 0; n < 3; n++) await at.infer('fraud', ['inference'])
  at.world.signal('SIGTERM')
  await at.world.exited
  await copyFile(join(ledger, 'checkpoint'), join(at.dir, 'kept.checkpoint'))
}, 120_000)

afterAll(async () => {
  await at.close()
  await removeCopies()
}, 30_000)

const verify = (dir: string, ...more: readonly string[]) =>
  at.audit('verify', '--dir', dir, '--vkey', vkey, ...more)

interface Said {
  readonly verdict: string
  readonly size: number
  readonly fault: { readonly class: string; readonly seq: number } | null
  readonly findings: readonly unknown[]
}
const said = (stdout: string) => JSON.parse(stdout) as Said

describe('a ledger that is whole', () => {
  it('is intact, with 0, in the words of people and of programs', async () => {
    const text = await verify(ledger)
    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/^INTACT {2}every record is as it was signed\n/)
    expect(text.stdout).toContain('log        modelgate/audit/n1\n')
    expect(text.stdout).not.toContain('\x1b[')
    expect(text.stdout).not.toContain('finding')
    const json = await verify(ledger, '--format', 'json')
    expect(json.code).toBe(0)
    expect(said(json.stdout)).toMatchObject({ verdict: 'intact', fault: null, findings: [] })
  })

  it('is intact in parts, from the configuration, strictly, and resumed', async () => {
    expect(await verify(ledger, '--jobs', '2', '--strict')).toMatchObject({ code: 0 })
    expect(await at.audit('verify', '--vkey', vkey)).toMatchObject({ code: 0 })
    const resume = ['--resume', join(at.dir, 'how-far')] as const
    expect(await verify(ledger, ...resume)).toMatchObject({ code: 0 })
    expect(await verify(ledger, ...resume)).toMatchObject({ code: 0 })
  })

  it('is unproven, with 3, without a key', async () => {
    const { code, stdout } = await at.audit('verify')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^UNPROVEN {2}/)
    expect(stdout).toContain('no --vkey was given')
  })
})

describe('a ledger that was harmed', () => {
  it('is tampered with, with 1, when a record was changed', async () => {
    const copy = await copyOf(ledger)
    const path = join(copy, SEGMENT)
    const lines = (await readFile(path, 'utf8')).split('\n')
    const seq = lines.findIndex((line) => line.includes('"effect":"permit"'))
    lines[seq] = (lines[seq] ?? '').replace('user:dev/alice', 'user:dev/malic')
    await writeFile(path, lines.join('\n'))
    const text = await verify(copy)
    expect(text.code).toBe(1)
    expect(text.stdout).toMatch(/^TAMPERED {2}something was changed\n/)
    expect(text.stdout).toContain(`record ${seq}: record: `)
    expect(text.stdout).toContain(`${SEGMENT}:${seq + 1}`)
    const json = await verify(copy, '--format', 'json')
    expect(said(json.stdout)).toMatchObject({
      verdict: 'tampered',
      fault: { class: 'record', seq },
    })
    const parts = await verify(copy, '--jobs', '2', '--format', 'json')
    expect(said(parts.stdout)).toEqual(said(json.stdout))
  })

  it('is truncated, with 2, when its end is gone', async () => {
    const copy = await copyOf(ledger)
    const path = join(copy, SEGMENT)
    const text = await readFile(path, 'utf8')
    await truncate(path, Buffer.byteLength(text.split('\n').slice(0, 5).join('\n')) + 1)
    const { code, stdout } = await verify(copy)
    expect(code).toBe(2)
    expect(stdout).toMatch(/^TRUNCATED {2}records that were signed are gone\n/)
  })

  it('is truncated against an anchor when its end is gone with all that speaks for it', async () => {
    // Yesterday's copy, put back: nothing in it is wrong.
    expect([0, 3]).toContain((await verify(earlier)).code)
    const anchored = await verify(earlier, '--anchor', 'kept.checkpoint', '--format', 'json')
    expect(anchored.code).toBe(2)
    expect(said(anchored.stdout)).toMatchObject({
      verdict: 'truncated',
      fault: { class: 'truncated' },
    })
    expect(await verify(ledger, '--anchor', 'kept.checkpoint')).toMatchObject({ code: 0 })
  })

  it('is unproven, with 3, when somebody has added half a line', async () => {
    const copy = await copyOf(ledger)
    await appendFile(join(copy, SEGMENT), '{"v":1,"log":"')
    const { code, stdout } = await verify(copy)
    expect(code).toBe(3)
    expect(stdout).toContain('14 bytes of a line without end')
  })

  it('is tampered with when its checkpoints are gone', async () => {
    const copy = await copyOf(ledger)
    await rm(join(copy, 'checkpoints.log'))
    const { code, stdout } = await verify(copy)
    expect(code).toBe(1)
    expect(stdout).toContain(': checkpoint: ')
  })
})

describe('a command line that is wrong', () => {
  it.each<[string, readonly string[], string]>([
    ['no ledger', ['--dir', 'nowhere'], 'there is no ledger in'],
    ['no such key', ['--vkey', 'nowhere.vkey'], 'nowhere.vkey: cannot be read (ENOENT)'],
    ['no key in it', ['--vkey', 'gateway.yaml'], 'gateway.yaml: '],
    ['no checkpoint', ['--anchor', 'gateway.yaml'], 'gateway.yaml: '],
    ['an unknown option', ['--ancor', 'x'], 'Did you mean --anchor?'],
    ['too many jobs', ['--jobs', '1000'], '--jobs takes at most 64'],
    ['no number', ['--jobs', 'many'], '--jobs takes a whole number'],
    ['two beginnings', ['--since', 'kept.checkpoint', '--resume', 'x'], 'exclude each other'],
    ['a quorum of nobody', ['--quorum', '2'], '--quorum 2 needs at least as many keys'],
    ['an unknown format', ['--format', 'jsno'], 'Did you mean json?'],
  ])('ends with 64 for %s, and says so', async (_, args, message) => {
    const { code, stdout, stderr } = await at.audit('verify', ...args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^modelgate: /)
    expect(stderr).toContain(message)
  })
})
