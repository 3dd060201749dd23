import { access } from 'node:fs/promises'

/**
 * Where a file or folder is that is shipped beside the program, from the sources as well as from
 * `dist/`; `undefined` when it is not there.
 *
 * @param path from the root of the installation
 */
export async function shipped(path: string): Promise<URL | undefined> {
  for (const up of ['../../', '../../../']) {
    const url = new URL(`${up}${path}`, import.meta.url)
    const isThere = await access(url).then(
      () => true,
      () => false,
    )
    if (isThere) return url
  }
  return undefined
}
