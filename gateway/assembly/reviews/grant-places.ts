import { loadDocument } from '../../settings/document.ts'
import { grantsSchema } from '../../settings/schemas/grants.ts'
import type { SourceFile } from '../rule-files.ts'

/** Where a grant of the file is written: `grants.yaml:12`; the file alone where that is not known. */
export function grantPlaces(file: SourceFile): (id: string) => string {
  const loaded = loadDocument(file, grantsSchema)
  return (id) => {
    if (!loaded.ok) return file.file
    const { line } = loaded.value.positionOf(['grants', id])
    return `${file.file}:${line}`
  }
}
