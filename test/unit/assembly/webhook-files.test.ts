/** Files of webhooks: read at the start, read again, and never the reason for an unsigned message. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { openTarget, type WebhookSettings } from '../../../gateway/assembly/webhooks/open-target.ts'
import { createSigningSecrets } from '../../../gateway/assembly/webhooks/signing-secret.ts'

const dir = mkdtempSync(join(tmpdir(), 'modelgate-webhooks-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const HOUR = 3_600_000

let files = 0
function fileWith(text: string): string {
  const path = join(dir, `f${++files}`)
  writeFileSync(path, text)
  chmodSync(path, 0o600)
  return path
}

function settings(more: Partial<WebhookSettings>): WebhookSettings {
  return {
    name: 'tickets',
    ...(more.urlFile === undefined ? { url: 'https://hooks.example/x' } : {}),
    events: ['lock.*'],
    template: 'json',
    timeout: 1_000,
    giveUpAfter: HOUR,
    allowNetworks: [],
    allowLoopback: false,
    ...more,
  }
}

const open = (more: Partial<WebhookSettings>) =>
  openTarget(settings(more), { now: () => 0, monotonicMs: () => 0 })

describe('a webhook at its start', () => {
  it.each(['short', '', 'whsec_AAAA', 'two\nlines of a secret that is long'])(
    'is refused with the secret %j, by the name of its file',
    async (text) => {
      const secretFile = fileWith(text)
      await expect(open({ secretFile })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_CONFIG/) as unknown,
        message: expect.stringContaining(secretFile) as unknown,
      })
    },
  )

  it('is refused without its files', async () => {
    const plain = fileWith('http://hooks.example/plain')
    const none = join(dir, 'none')
    for (const [key, file] of [
      ['secretFile', none],
      ['urlFile', none],
      ['urlFile', plain],
    ] as const) {
      const message = expect.stringContaining(file) as unknown
      await expect(open({ [key]: file })).rejects.toMatchObject({ message })
    }
  })

  it('signs with what was checked, though the file is spoilt before the first message', async () => {
    const secretFile = fileWith('a'.repeat(24))
    const opened = await open({ secretFile })
    for (const spoilt of ['short', 'whsec_!', '']) {
      writeFileSync(secretFile, spoilt)
      expect(await opened.refresh()).toEqual([secretFile])
      expect(opened.target.secrets?.().map(String)).toEqual(['a'.repeat(24)])
    }
    rmSync(secretFile)
    expect(await opened.refresh()).toEqual([secretFile])
    expect(opened.target.secrets?.().map(String)).toEqual(['a'.repeat(24)])
    writeFileSync(secretFile, 'b'.repeat(24))
    expect(await opened.refresh()).toEqual([])
    expect(opened.target.secrets?.().map(String)).toEqual(['b'.repeat(24), 'a'.repeat(24)])
  })

  it('goes on to the address that was good last', async () => {
    const urlFile = fileWith('http://127.0.0.1:1/x')
    const opened = await open({ urlFile, allowLoopback: true })
    expect(opened.target.secrets).toBe(undefined)
    writeFileSync(urlFile, 'gopher://evil')
    expect(await opened.refresh()).toEqual([urlFile])
    expect(await opened.target.post({}, '{}')).toMatchObject({ why: 'ECONNREFUSED' })
  })
})

describe('secrets that sign', () => {
  it('are two while one follows the other, and never none', () => {
    let now = 0
    const secrets = createSigningSecrets('a'.repeat(24), () => now)
    const shown = () => secrets?.current().map((one) => one.toString()[0])
    expect(shown()).toEqual(['a'])
    expect(secrets?.take('b'.repeat(24))).toBe(true)
    expect(secrets?.take('b'.repeat(24))).toBe(true)
    expect(shown()).toEqual(['b', 'a'])
    now = 24 * HOUR
    expect([secrets?.take('short'), secrets?.take(undefined)]).toEqual([false, false])
    expect(shown()).toEqual(['b'])
  })

  it('are none at all of what is no secret', () => {
    expect(createSigningSecrets('short', () => 0)).toBe(undefined)
    expect(createSigningSecrets(undefined, () => 0)).toBe(undefined)
  })
})
