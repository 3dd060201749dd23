import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import {
  checkMemoryDirectory,
  createMemoryDirectory,
  originHash,
} from '../../../gateway/audit/signing/growth-memory.ts'
import { verifiedLines } from '../../../gateway/audit/signing/signature-lines.ts'
import { createSigner } from '../../../gateway/audit/signing/signer.ts'
import { createWitness } from '../../../gateway/audit/signing/witness.ts'
import { fakeClock, NOON } from '../../support/audit-harness.ts'
import { newSigner } from '../../support/tree-log.ts'
import { growingLog, newMemory, ORIGIN, removeWitnessing } from '../../support/witnessing.ts'

afterAll(removeWitnessing)

const key = newSigner(ORIGIN)
const log = growingLog('leaf', key)
const fork = growingLog('other', key)

function open(more: Parameters<typeof newMemory>[1] = {}, signers = [key]) {
  const { memory, dir } = newMemory(signers, more)
  const signer = createSigner({ signers, origin: ORIGIN, memory })
  const ask = (body: string) => signer.answer(Buffer.from(body))
  return { ask, dir, signer, memory }
}

describe('a signer', () => {
  it('signs growth, and the same again', () => {
    const { ask } = open()
    for (const [from, to] of [
      [0, 4],
      [4, 4],
      [4, 9],
      [9, 100],
    ] as const) {
      const { status, body } = ask(log.unsigned(from, to))
      const lines = verifiedLines(log.text(to), Buffer.from(body), [key.verifier])
      expect([status, lines]).toEqual([200, [expect.objectContaining({ line: body })]])
    }
  })

  it('signs nothing else', () => {
    const { ask } = open()
    expect(ask(log.unsigned(0, 9)).status).toBe(200)
    expect(ask(log.unsigned(9, 9)).status).toBe(200)
    expect(ask(log.unsigned(0, 5))).toMatchObject({ status: 409, body: '9\n' })
    expect(ask(log.unsigned(5, 5))).toMatchObject({ status: 409, body: '9\n' })
    expect(ask(fork.unsigned(9, 9))).toMatchObject({ status: 409, body: '9\n' })
    expect(ask(fork.unsigned(9, 12)).status).toBe(422)
    const stranger = growingLog('leaf', newSigner('test/audit/n2'))
    expect(ask(stranger.unsigned(9, 12)).status).toBe(404)
    expect(ask(`${log.unsigned(9, 12)}extension\n`).status).toBe(400)
    expect(ask(log.body(9, 12)).status).toBe(400)
    // None of this has moved it.
    expect(ask(log.unsigned(9, 12)).status).toBe(200)
  })

  it('remembers on disk, for its own user, before it answers', () => {
    const { ask, dir } = open()
    ask(log.unsigned(0, 9))
    const path = join(dir, originHash(ORIGIN))
    expect(readFileSync(path, 'utf8')).toBe(`${log.text(9)}\n${key.sign(log.text(9))}`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual([originHash(ORIGIN)])
    const again = open({ dir })
    expect(again.ask(log.unsigned(0, 12))).toMatchObject({ status: 409, body: '9\n' })
    expect(again.ask(log.unsigned(9, 12)).status).toBe(200)
  })

  it('signs nothing that it cannot remember', () => {
    let isHeld = true
    const assertHeld = () => {
      if (!isHeld) throw new Error('another process')
    }
    const { ask, dir } = open({ assertHeld })
    ask(log.unsigned(0, 4))
    isHeld = false
    expect(() => ask(log.unsigned(4, 9))).toThrow('another process')
    isHeld = true
    expect(ask(log.unsigned(4, 5)).status).toBe(200)
    renameSync(dir, `${dir}-gone`)
    expect(() => ask(log.unsigned(5, 9))).toThrow('cannot be written')
    renameSync(`${dir}-gone`, dir)
    expect(ask(log.unsigned(5, 9)).status).toBe(200)
  })

  it('does not believe a memory that it has not signed', () => {
    const { dir } = open()
    const path = join(dir, originHash(ORIGIN))
    const bad = [
      '',
      'x',
      log.text(5),
      `${log.text(5)}\n${newSigner(ORIGIN).sign(log.text(5))}`,
      `${log.text(5)}\n${key.sign(log.text(6))}`,
    ]
    for (const text of bad) {
      writeFileSync(path, text)
      const { ask } = open({ dir })
      expect(() => ask(log.unsigned(0, 9))).toThrow('accept-gap')
    }
    writeFileSync(path, `${log.text(5)}\n${key.sign(log.text(5))}`)
    expect(open({ dir }).ask(log.unsigned(5, 9)).status).toBe(200)
  })

  it('goes on under a new key while the old one signs too', () => {
    const { ask, dir } = open()
    ask(log.unsigned(0, 9))
    const next = newSigner(ORIGIN)
    const both = open({ dir }, [next, key])
    const { body } = both.ask(log.unsigned(9, 12))
    for (const { verifier } of [next, key]) {
      expect(verifiedLines(log.text(12), Buffer.from(body), [verifier])).toHaveLength(1)
    }
    expect(open({ dir }, [next]).ask(log.unsigned(12, 13)).status).toBe(200)
  })

  it('goes back only when somebody says so, and keeps what it forgets', () => {
    const { ask, dir, signer } = open()
    ask(log.unsigned(0, 9))
    signer.accept({ size: 3, root: log.rootAt(3) })
    expect(ask(fork.unsigned(3, 12)).status).toBe(200)
    const kept = readFileSync(join(dir, 'accepted-gaps.log'), 'utf8')
    expect(kept).toContain(log.text(9))
    expect(kept).toContain(log.text(3))
  })

  it('starts with nothing only when told that it is the first time', () => {
    const { dir } = open()
    expect(() => createMemoryDirectory(dir)).toThrow('is there already')
    rmSync(dir, { recursive: true })
    expect(() => checkMemoryDirectory(dir, process.getuid?.())).toThrow('--init')
  })
})

describe('a witness', () => {
  const own = newSigner('w1.example.net', 'cosignature')
  const clock = fakeClock()
  const { memory } = newMemory([own])
  const witness = createWitness({ signers: [own], logs: [key.verifier], memory, clock })
  const ask = (body: string) => witness.answer(Buffer.from(body))

  it('cosigns growth with the time, and shows what it saw last', () => {
    const { status, body } = ask(log.body(0, 9))
    const lines = verifiedLines(log.text(9), Buffer.from(body), [own.verifier])
    expect([status, lines]).toEqual([200, [expect.objectContaining({ at: NOON / 1000 })]])
    expect(witness.noteOf(originHash(ORIGIN))).toBe(`${log.notice(9).note}${body}`)
    expect(witness.noteOf(originHash('test/audit/n2'))).toBeUndefined()
    expect(witness.noteOf('accepted-gaps.log')).toBeUndefined()
  })

  it('keeps signatures of known keys alone', () => {
    const noise = newSigner('noise').sign(log.text(10))
    const { status, body } = ask(log.body(9, 10) + noise)
    expect(status).toBe(200)
    expect(witness.noteOf(originHash(ORIGIN))).toBe(`${log.notice(10).note}${body}`)
  })
})
