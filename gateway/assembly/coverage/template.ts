/** Path templates: requests that they stand for, and how they compare with the patterns of packs. */
import { parsePattern, type PatternSegment } from '../../classify/pack/pattern.ts'

/** Stands for a parameter: no route of any server has a segment of this name. */
const SAMPLE = 'modelgate-sample'

/** Requests that a template stands for. */
export interface Samples {
  /** Segments of paths; every one of these must be mapped. */
  readonly all: readonly (readonly string[])[]
  /** Segments of the same path, should its last parameter hold slashes; documents hide that. */
  readonly deeper: readonly string[] | undefined
}

/** Sample paths: `{x}` is one segment, `{x*}` is tried as one and as two. */
export function samplesOf(template: string): Samples {
  const one = segmentsOf(template, SAMPLE)
  if (template.includes('*}')) {
    return { all: [one, segmentsOf(template, `${SAMPLE}/${SAMPLE}`)], deeper: undefined }
  }
  // FastAPI writes `{artifact_path:path}` into its document as `{artifact_path}`.
  const pathLike = /\{[a-z0-9_]*path\}$/.test(template)
  const deeper = pathLike ? segmentsOf(`${template}/${SAMPLE}`, SAMPLE) : undefined
  return { all: [one], deeper }
}

function segmentsOf(template: string, rest: string): readonly string[] {
  return template
    .slice(1)
    .replaceAll(/\{[a-z0-9_]+\*\}/g, rest)
    .replaceAll(/\{[a-z0-9_]+\}/g, SAMPLE)
    .split('/')
}

/** The shape of a template, equal to that of a pattern that takes the same paths. */
export function shapeOf(template: string): string | undefined {
  const parsed = parsePattern(template)
  return typeof parsed === 'string' ? undefined : parsed.shape
}

/** The names of a template's parameters, or `undefined` where no pack can say it. */
export function parametersOf(template: string): readonly string[] | undefined {
  const parsed = parsePattern(template)
  return typeof parsed === 'string' ? undefined : parsed.parameters
}

/** Whether the pattern takes a word of the template for the value of a parameter. */
export function isWider(pattern: string, template: string): boolean {
  const wide = parsePattern(pattern)
  const words = template.slice(1).split('/')
  if (typeof wide === 'string') return false
  const rest = wide.segments.findIndex(({ kind }) => kind === 'rest')
  const taken = rest === -1 ? 0 : words.length - wide.segments.length + 1
  return words.some((word, index) => {
    if (word === '' || word.startsWith('{')) return false
    const at = rest === -1 || index < rest ? index : Math.max(rest, index - taken + 1)
    return !isLiteral(wide.segments[at])
  })
}

function isLiteral(segment: PatternSegment | undefined): boolean {
  return segment?.kind === 'literal' || segment?.kind === 'affix'
}
