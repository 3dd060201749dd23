import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Rule sets are no secret, and the gateway may run as another user than whoever pins. */
export const FILE_MODE = 0o644
/** Folders of them. */
export const FOLDER_MODE = 0o755

/**
 * Writes `text` so that a reader finds the old content or the new one, never a part, and so that it
 * is still there after a power cut: a temporary file, its sync, a rename, the sync of the folder.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', FILE_MODE)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * The text of a regular file of at most `bytesMax` bytes, `undefined` when there is none.
 * @throws Error for anything else, UTF-8 that is none included
 */
export async function readBounded(path: string, bytesMax: number): Promise<string | undefined> {
  let file: FileHandle | undefined
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { size, ...stat } = await statOf(file)
    if (!stat.isRegular) throw new Error('it is not a regular file')
    if (size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    await file?.close()
  }
}

async function statOf(file: FileHandle): Promise<{ size: number; isRegular: boolean }> {
  const stat = await file.stat()
  return { size: stat.size, isRegular: stat.isFile() }
}

/** Whether `text` can be shown on a terminal as it is: no control characters. */
export function isPlainText(text: string, charactersMax: number): boolean {
  if (text.length > charactersMax) return false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    // C0, DEL and C1; bidirectional controls could make a line read as another one.
    if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return false
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) return false
  }
  return true
}
