/**
 * Looks at the folder and the files of the embedded store before LMDB does: it maps its file into
 * memory and believes what is there, so that a file cut short or overwritten would end the process.
 */
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'

/** Of the folder: nobody else may even list it. */
const FOLDER_MODE = 0o700
/** Of its files. */
export const FILE_MODE = 0o600

/** Size of the two pages at the beginning that say what is where; of the largest page there is. */
const PAGE_MIN = 512
const PAGE_MAX = 65_536
const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
/** Page number of a tree that is empty. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn
const META_BYTES = 168

/** Path of the data file in `dir`. */
export function dataFile(dir: string): string {
  return join(dir, 'state.mdb')
}

/**
 * Makes the folder when there is none, and makes sure that LMDB can open what is in it.
 * @throws ERR_STORE_UNAVAILABLE with what to do about it
 */
export async function prepareFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: FOLDER_MODE })
    // A link could lead LMDB to write into somebody else's file.
    if (!(await lstat(dir)).isDirectory()) throw new Error('it is not a folder')
    await chmod(dir, FOLDER_MODE)
    for (const path of [dataFile(dir), `${dataFile(dir)}-lock`]) await checkFile(path)
    await checkData(dataFile(dir))
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    throw new GatewayError(
      'ERR_STORE_UNAVAILABLE',
      `the store in ${dir} cannot be opened: ${why}. The user the gateway runs as must own the ` +
        'folder (store.dir); when its files are damaged, move them away: budgets and lockouts ' +
        'begin anew, and grants can be used again.',
      { cause: error },
    )
  }
}

async function checkFile(path: string): Promise<void> {
  const stat = await lstat(path).catch(absent)
  if (stat === undefined) return
  if (!stat.isFile()) throw new Error(`${path} is not a regular file`)
  await chmod(path, FILE_MODE)
}

function absent(error: unknown): undefined {
  if ((error as { code?: unknown } | null)?.code !== 'ENOENT') throw error
  return undefined
}

async function checkData(path: string): Promise<void> {
  let file: FileHandle | undefined
  try {
    file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(absent)
    if (file === undefined) return
    const { size } = await file.stat()
    if (size === 0) return
    const needed = await neededBytes(file, size)
    // Pages at the end may be free and never written; pages that are missing and are not free read
    // as zeros then, which LMDB reports, where reading past the end would be SIGBUS.
    if (size < needed) await file.truncate(needed)
  } finally {
    await file?.close()
  }
}

/** Size of the file by its own account. @throws Error when it is not the file of a store. */
async function neededBytes(file: FileHandle, size: number): Promise<number> {
  const first = await metaAt(file, 0)
  const pages = [first, await metaAt(file, first.pageBytes)]
  const last = pages.reduce((most, { lastPage }) => (lastPage > most ? lastPage : most), 0n)
  const needed = Number(last + 1n) * first.pageBytes
  const isSane = pages.every(
    (page) => page.pageBytes === first.pageBytes && page.roots.every((root) => root <= last),
  )
  if (!isSane || needed > Math.max(size, 1 << 20) * 4) throw new Error('the data file is damaged')
  return needed
}

async function metaAt(file: FileHandle, position: number) {
  const page = Buffer.alloc(META_BYTES)
  const { bytesRead } = await file.read(page, 0, META_BYTES, position)
  const isMeta =
    bytesRead === META_BYTES &&
    page.readUInt32LE(24) === MAGIC &&
    page.readUInt32LE(28) === DATA_VERSION
  if (!isMeta) throw new Error('the data file is not one, or is damaged')
  const pageBytes = page.readUInt32LE(48)
  const isPower =
    pageBytes >= PAGE_MIN && pageBytes <= PAGE_MAX && (pageBytes & -pageBytes) === pageBytes
  if (!isPower) throw new Error('the data file is damaged')
  const roots = [page.readBigUInt64LE(88), page.readBigUInt64LE(136)].map((root) =>
    root === NO_PAGE ? 0n : root,
  )
  return { pageBytes, roots, lastPage: page.readBigUInt64LE(144) }
}
