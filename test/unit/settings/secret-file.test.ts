import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import {
  createSecretFile,
  readPemFile,
  readSecretFile,
} from '../../../gateway/settings/secret-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'secret-file-'))
afterAll(() => {
  rmSync(directory, { recursive: true })
})

let count = 0
function file(content: string | Buffer, mode = 0o600): string {
  const path = join(directory, `secret-${count++}`)
  writeFileSync(path, content, { mode })
  return path
}

describe('a secret file', () => {
  it.each([
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['with space', 'with space'],
  ])('%j holds %j', async (content, value) => {
    expect(await readSecretFile(file(content))).toEqual({ ok: true, value, warnings: [] })
  })

  it.each([
    ['empty', ''],
    ['only a newline', '\n'],
    ['two newlines', 's3cret\n\n'],
    ['two lines', 's3cret\r\nX-Injected: 1'],
    ['NUL', 's3cret\0'],
    ['spaces around', ' s3cret'],
    ['not UTF-8', Buffer.from([0x73, 0xff])],
    ['too large', 's'.repeat(64 * 1024 + 1)],
  ])('is refused when %s, without a word of its content', async (_, content) => {
    const result = await readSecretFile(file(content))
    expect(result.ok).toBe(false)
    expect(JSON.stringify(result)).not.toContain('s3cret')
  })

  it('is refused when it is absent, a directory or a pipe that nobody writes to', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const path of [join(directory, 'absent'), directory, pipe]) {
      expect(await readSecretFile(path)).toMatchObject({
        ok: false,
        diagnostics: [{ file: path, code: 'secret-unusable' }],
      })
    }
  })

  it('that everyone may read gives a warning', async () => {
    expect(await readSecretFile(file('s3cret', 0o644))).toMatchObject({
      ok: true,
      warnings: [{ severity: 'warning', code: 'secret-world-readable' }],
    })
  })

  it('with PEM text keeps its lines', async () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n'
    expect(await readPemFile(file(pem))).toMatchObject({ ok: true, value: pem })
    expect(await readPemFile(file('hello'))).toMatchObject({ ok: false })
  })
})

describe('a secret that is held', () => {
  it('is read again on refresh and tells of changes only', async () => {
    const path = file('one')
    let changes = 0
    const secret = createSecretFile({ path, onChange: () => changes++ })
    expect(secret.current()).toBeUndefined()
    expect(await secret.refresh()).toMatchObject({ ok: true, value: { changed: true } })
    expect([secret.current(), changes]).toEqual(['one', 0])
    expect(await secret.refresh()).toMatchObject({ ok: true, value: { changed: false } })
    writeFileSync(path, 'two')
    expect(await secret.refresh()).toMatchObject({ ok: true, value: { changed: true } })
    expect([secret.current(), changes]).toEqual(['two', 1])
  })

  it('keeps the last good value when the file is gone or empty', async () => {
    const path = file('one')
    const secret = createSecretFile({ path })
    await secret.refresh()
    writeFileSync(path, '')
    expect((await secret.refresh()).ok).toBe(false)
    rmSync(path)
    expect((await secret.refresh()).ok).toBe(false)
    expect(secret.current()).toBe('one')
  })

  it('refreshes in order, so that a slow old read never wins', async () => {
    const answers = ['old', 'new']
    const gates: (() => void)[] = []
    const secret = createSecretFile({
      path: 'x',
      readFile: async () => {
        const value = answers.shift() ?? ''
        if (value === 'old') await new Promise<void>((resolve) => gates.push(resolve))
        return { ok: true, value, warnings: [] }
      },
    })
    const both = [secret.refresh(), secret.refresh()]
    await new Promise(setImmediate)
    gates[0]?.()
    await Promise.all(both)
    expect(secret.current()).toBe('new')
  })
})
