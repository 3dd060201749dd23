/** The lock when the power is cut, or the process killed, at any moment while it is taken. */
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles, type FilePort } from '../../gateway/audit/files/file-port.ts'
import { acquireLock, type LockOptions } from '../../gateway/audit/files/lock.ts'
import { errno, fakeClock, newDirectory, removeDirectories } from '../support/audit-harness.ts'
import { createPowerCut, type Fate } from '../support/power-cut.ts'

afterAll(removeDirectories)

/** Calls of the port that taking the lock makes, in that order. */
const STEPS = ['openAppend', 'write', 'syncNow', 'close', 'link', 'remove', 'touch'] as const
type Step = (typeof STEPS)[number]

/** `files`, of which the first `step` is followed by `then`. */
function after(files: FilePort, step: Step, then: () => void): FilePort {
  let isDone = false
  const followed = (...args: unknown[]): unknown => {
    const result: unknown = Reflect.apply(Reflect.get(files, step) as () => unknown, files, args)
    if (!isDone) then()
    isDone = true
    return result
  }
  return new Proxy(files, {
    get: (target, name) => (name === step ? followed : (Reflect.get(target, name) as unknown)),
  })
}

function newLog() {
  const dir = newDirectory()
  systemFiles.makeDirectory(dir)
  const clock = { ...fakeClock(), now: () => Date.now() }
  const options = (bootId: string, files: FilePort = systemFiles): LockOptions => ({
    ...{ files, dir, bootId, clock },
    // A start after a power cut: no process of before is there any more.
    owner: { pid: bootId === 'before' ? 41 : 42, host: 'here', isAlive: () => false },
  })
  return { dir, path: join(dir, 'lock'), options }
}

const killed = (): never => {
  throw errno('EIO')
}

describe('the lock, after the power was cut', () => {
  const fates: readonly Fate[] = ['gone', 'some', 'zeros']
  const cuts = STEPS.flatMap((step) => fates.map((fate) => [step, fate] as const))

  it.each(cuts)('after %s, what was not on disk being %s, is whole or not there', (step, fate) => {
    const { path, options } = newLog()
    const power = createPowerCut()
    try {
      acquireLock(
        options(
          'before',
          after(power.files, step, () => power.cut(fate, 0.5)),
        ),
      )
    } catch {
      // The machine is off.
    }
    if (existsSync(path)) expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: 41 })
    // It is not waited for.
    const lock = acquireLock(options('next'))
    expect(lock.check()).toBe(true)
    lock.release()
    expect(existsSync(path)).toBe(false)
  })
})

describe('the lock, after its taker was killed', () => {
  // What fails in removing the draft changes nothing: by then the lock is held.
  const kills = STEPS.filter((step) => step !== 'remove')
  it.each(kills)('after %s, is whole or not there', (step) => {
    const { path, options } = newLog()
    const files = after(systemFiles, step, killed)
    const dead = new Proxy(files, {
      get: (target, name) =>
        // A process that is gone tidies nothing up.
        name === 'remove' ? killed : (Reflect.get(target, name) as unknown),
    })
    expect(() => acquireLock(options('before', dead))).toThrow()
    if (existsSync(path)) expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: 41 })
    acquireLock(options('next')).release()
  })

  it('leaves no draft for ever', () => {
    const { dir, options } = newLog()
    writeFileSync(join(dir, 'lock.before.new'), '')
    writeFileSync(join(dir, 'lock.other.new'), '')
    const longAgo = Date.now() / 1000 - 60
    utimesSync(join(dir, 'lock.before.new'), longAgo, longAgo)
    acquireLock(options('next')).release()
    // The other one may be of somebody who takes the lock right now.
    expect(readdirSync(dir)).toEqual(['lock.other.new'])
  })
})

describe('the lock', () => {
  it('goes to one of two that take it at the same moment', () => {
    const { dir, options } = newLog()
    const alive = { pid: 43, host: 'here', isAlive: () => true }
    const other = () => acquireLock({ ...options('other'), owner: alive })
    // The other one takes it when ours is written and has no name yet.
    const first = after(systemFiles, 'syncNow', other)
    expect(() => acquireLock({ ...options('first', first), owner: { ...alive, pid: 44 } })).toThrow(
      'here process 43 is writing this log',
    )
    expect(readdirSync(dir)).toEqual(['lock'])
  })

  it.each(['EPERM', 'ENOTSUP'])('is taken without hard links, too (%s)', (code) => {
    const { dir, path, options } = newLog()
    const files: FilePort = {
      ...systemFiles,
      link: () => {
        throw errno(code)
      },
    }
    const lock = acquireLock(options('first', files))
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ boot: 'first' })
    expect(readdirSync(dir)).toEqual(['lock'])
    lock.release()
  })
})
