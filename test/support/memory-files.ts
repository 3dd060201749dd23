/** Files in memory behind the port of the ledger, for reading: thousands of variants in a second. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FilePort, FileStatus } from '../../gateway/audit/files/file-port.ts'

/** Paths below the directory of a log, and what is in the files. */
export type FileTree = ReadonlyMap<string, Buffer>

/** Every file below `dir`. */
export function readTree(dir: string, below = ''): Map<string, Buffer> {
  const tree = new Map<string, Buffer>()
  for (const name of readdirSync(join(dir, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`
    if (statSync(join(dir, path)).isDirectory()) {
      for (const [inner, bytes] of readTree(dir, path)) tree.set(inner, bytes)
    } else tree.set(path, readFileSync(join(dir, path)))
  }
  return tree
}

/** The files of `tree` as if they were below `dir`. Only what reads works. */
export function memoryFiles(dir: string, tree: FileTree): FilePort {
  const children = new Map<string, Set<string>>([[dir, new Set()]])
  for (const path of tree.keys()) {
    let parent = dir
    for (const name of path.split('/')) {
      if (!children.has(parent)) children.set(parent, new Set())
      children.get(parent)?.add(name)
      parent = join(parent, name)
    }
  }
  const bytesAt = (path: string) => tree.get(path.slice(dir.length + 1))
  const open: Buffer[] = []
  const status = (path: string): FileStatus | undefined => {
    const bytes = bytesAt(path)
    if (bytes === undefined && !children.has(path)) return undefined
    const kind = bytes === undefined ? 'directory' : 'file'
    const size = bytes?.length ?? 0
    return { kind, size, mode: 0o600, uid: 0, links: 1, inode: 0, modifiedAt: 0 }
  }
  const refuse = (): never => {
    throw new Error('these files are only read')
  }
  return {
    status,
    statusOf: (fd) => ({ ...refused, size: open[fd]?.length ?? 0 }),
    list: (path) => [...(children.get(path) ?? refuse())],
    openRead: (path) => open.push(bytesAt(path) ?? refuse()) - 1,
    read: (fd, into, position) => open[fd]?.copy(into, 0, position) ?? 0,
    close: () => undefined,
    makeDirectory: refuse,
    openAppend: refuse,
    write: refuse,
    truncate: refuse,
    sync: refuse,
    syncNow: refuse,
    syncDirectory: refuse,
    rename: refuse,
    link: refuse,
    remove: refuse,
    removeDirectory: refuse,
    touch: refuse,
  }
}

const refused = { kind: 'file', mode: 0o600, uid: 0, links: 1, inode: 0, modifiedAt: 0 } as const
