import type { SourceFile } from '../rule-files.ts'

/** Where a grant of the file is written: `grants.yaml:12`; the file alone where it is not found. */
export function grantPlaces({ file, text }: SourceFile): (id: string) => string {
  const places = new Map<string, number>()
  for (const [at, line] of text.split('\n').entries()) {
    // Ids are letters, digits and hyphens, so they are written without quotes, or plainly in them.
    const id = /^\s*["']?([a-z][a-z0-9-]{0,63})["']?\s*:/.exec(line)?.[1]
    if (id !== undefined && !places.has(id)) places.set(id, at + 1)
  }
  return (id) => {
    const line = places.get(id)
    return line === undefined ? file : `${file}:${line}`
  }
}
