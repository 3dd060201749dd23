/**
 * The real file system, and what would be left of it after a power cut: what was synced, and of the
 * rest as much as chance has it. A segment keeps nothing when the one before has lost something.
 */
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemFiles, type FilePort } from '../../gateway/audit/files/file-port.ts'

/** What becomes of bytes that were not synced. */
export type Fate = 'gone' | 'some' | 'zeros'

interface Tracked {
  path: string
  synced: number
  isNamed: boolean
}

/** See the head of this file. */
export interface PowerCut {
  readonly files: FilePort
  /** Cuts the power: every later call fails, and the files are as a new start would find them. */
  cut(fate: Fate, share: number): void
}

/** Files of one life of a writer; what was there before it counts as synced. */
export function createPowerCut(): PowerCut {
  const byPath = new Map<string, Tracked>()
  const byFd = new Map<number, Tracked>()
  let isOff = false
  const files: FilePort = {
    ...systemFiles,
    openAppend: (path, create) => {
      const fd = systemFiles.openAppend(path, create)
      const known = byPath.get(path)
      const size = create ? 0 : systemFiles.statusOf(fd).size
      const file = create || known === undefined ? { path, synced: size, isNamed: !create } : known
      byPath.set(path, file)
      byFd.set(fd, file)
      return fd
    },
    sync: (fd, done) => {
      const { size } = systemFiles.statusOf(fd)
      systemFiles.sync(fd, (error) => {
        const file = byFd.get(fd)
        if (file !== undefined && error === null && !isOff) file.synced = size
        done(isOff ? off() : error)
      })
    },
    syncNow: (fd) => {
      const { size } = systemFiles.statusOf(fd)
      systemFiles.syncNow(fd)
      const file = byFd.get(fd)
      if (file !== undefined) file.synced = size
    },
    link: (from, to) => {
      systemFiles.link(from, to)
      const file = byPath.get(from)
      // As with a renamed file: the name may be there, and what it names not.
      if (file !== undefined) byPath.set(to, { ...file, path: to, isNamed: true })
    },
    syncDirectory: (path, done) => {
      const named = [...byPath.values()].filter((file) => dirname(file.path) === path)
      systemFiles.syncDirectory(path, (error) => {
        if (error === null && !isOff) for (const file of named) file.isNamed = true
        done(isOff ? off() : error)
      })
    },
    rename: (from, to) => {
      systemFiles.rename(from, to)
      const file = byPath.get(from)
      byPath.delete(from)
      if (file === undefined) return
      // The name is there after the cut; what it names may not be: some file systems leave nothing.
      byPath.set(to, Object.assign(file, { path: to, isNamed: true }))
    },
    remove: (path) => {
      systemFiles.remove(path)
      byPath.delete(path)
    },
  }
  return {
    files: guarded(files, () => isOff),
    cut: (fate, share) => {
      isOff = true
      let isLost = false
      for (const file of byPath.values()) {
        const isSegment = file.path.endsWith('.jsonl')
        const lost = lose(file, isSegment && isLost ? 'gone' : fate, share)
        isLost ||= isSegment && lost
      }
    },
  }
}

function off(): Error {
  return Object.assign(new Error('EIO: the power is off'), { code: 'EIO' })
}

/** Without power, nothing more reaches the disk. */
function guarded(files: FilePort, isOff: () => boolean): FilePort {
  const quiet = new Set<string | symbol>(['close', 'sync', 'syncDirectory'])
  return new Proxy(files, {
    get: (target, name: keyof FilePort, receiver): unknown => {
      if (isOff() && !quiet.has(name)) throw off()
      return Reflect.get(target, name, receiver)
    },
  })
}

/** Whether the file has lost anything. */
function lose({ path, synced, isNamed }: Tracked, fate: Fate, share: number): boolean {
  let size: number
  try {
    ;({ size } = statSync(path))
  } catch {
    return false
  }
  if (!isNamed && synced === 0 && fate === 'gone') {
    rmSync(path)
    return true
  }
  const rest = size - synced
  if (rest <= 0) return false
  const kept = fate === 'gone' ? 0 : Math.floor(rest * share)
  const fd = openSync(path, 'r+')
  try {
    if (fate === 'zeros') writeSync(fd, Buffer.alloc(rest - kept), 0, rest - kept, synced + kept)
    else ftruncateSync(fd, synced + kept)
  } finally {
    closeSync(fd)
  }
  return true
}
