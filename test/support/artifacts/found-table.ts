/** The table of docs/weights.md: how many bytes pass before each format is found in each disguise. */
import { createBodyScanner, type ScanFinding } from '../../../gateway/egress/scan/body-scanner.ts'
import { DISGUISES, type Disguise } from './disguises.ts'
import { TEXT_WEIGHTS, WEIGHTS } from './weights.ts'

/** What a scan says, and how many bytes had left when it did. */
export interface Scan {
  readonly found: ScanFinding | undefined
  readonly passedBytes: number
}

/** Scans a body that comes in pieces of these lengths, repeated. */
export function scan(body: Buffer, type: string, pieces: readonly number[]): Scan {
  const scanner = createBodyScanner({ type, mayHold: true })
  let passedBytes = 0
  let at = 0
  for (let i = 0; at < body.length; i++) {
    const end = Math.min(body.length, at + (pieces[i % pieces.length] ?? body.length))
    const verdict = scanner.push(body.subarray(at, end))
    if (typeof verdict === 'object') return { found: verdict, passedBytes }
    if (verdict === undefined) passedBytes = end
    at = end
  }
  const found = scanner.end()
  return { found, passedBytes: found === undefined ? at : passedBytes }
}

/** Formats that are known by their beginning alone, so not behind anything else. */
export const KNOWN_BY_START: ReadonlySet<string> = new Set([
  'MXNet',
  'joblib, zlib',
  'pickle 2, dict',
])
/** Topology without weights: known where it is the whole answer. */
const WHOLE_ONLY: ReadonlySet<string> = new Set(['OpenVINO IR'])

/** Whether a format is stated to be found in a disguise. */
export function isStated(format: string, { name, type }: Disguise): boolean {
  const isBehind = name.startsWith('behind')
  if (WHOLE_ONLY.has(format)) return !isBehind || name.includes('spaces')
  return !(isBehind && type !== 'application/json' && KNOWN_BY_START.has(format))
}

/** The table, in Markdown: rows are formats. */
export function foundTable(): string[] {
  const heads = ['format', ...DISGUISES.map(({ name }) => name)]
  const rows = [...WEIGHTS, ...TEXT_WEIGHTS].map(([format, artifact]) => [
    format,
    ...DISGUISES.map((disguise) => {
      const { found, passedBytes } = scan(disguise.dress(artifact), disguise.type, [1])
      return found === undefined ? '**no**' : `${passedBytes}`
    }),
  ])
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}
