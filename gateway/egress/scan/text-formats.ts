import { weights, type ScanFinding } from './finding.ts'
import { ESCAPED } from './escaped-formats.ts'
import { compileNeedles, type Match, type Needle } from './needle-search.ts'
import { isBeforeNumberRun } from './number-runs.ts'

/** Bytes of each needle that are hashed. */
const WINDOW = 14

const needle = (format: string, text: string, confirm?: Needle['confirm']): Needle => ({
  finding: weights(format),
  bytes: Buffer.from(text),
  ...(confirm === undefined ? {} : { confirm }),
})

/**
 * Structure of models that are text, wherever it is. Raw only: within a JSON text, quotes and line ends
 * are escaped, so that an answer which explains a format has none of these. A page that shows an example
 * may: where one is short, there must be more than an example has.
 */
const NEEDLES: readonly Needle[] = [
  needle('xgboost-json', '"learner_model_param":{'),
  needle('xgboost-json', '"learner_model_param": {'),
  needle('catboost-json', '"oblivious_trees":[{', isBeforeNumberRun),
  needle('catboost-json', '"oblivious_trees": [{', isBeforeNumberRun),
  needle('lightgbm', '\nTree=0\nnum_leaves=', isBeforeNumberRun),
  needle('lightgbm', '\nTree=7\nnum_leaves='),
  needle('lightgbm', '"tree_info":[{"tree_index":0'),
  needle('pickle', 'ccopy_reg\n_reconstructor\n', isBeforeMemos),
  needle('pickle', 'numpy.core.multiarray\n_reconstruct\n'),
  // Escaped, and so many numbers that it is no example.
  needle('xgboost-json', '\\"split_conditions\\":[', isBeforeNumbers),
  needle('lightgbm', '\\nTree=0\\nnum_leaves=', isBeforeThresholds),
  ...ESCAPED,
]

/** The needles of a text. */
export const TEXT_NEEDLES = compileNeedles(NEEDLES, WINDOW)

/** What {@link TEXT_NEEDLES} look at around a place. */
export const TEXT_AROUND = { behind: 16, ahead: 640 }

const NUMBERS_CHARS = 240

function isBeforeNumbers(data: Buffer, at: number): Match {
  const start = at + 22
  for (let i = start; i < start + NUMBERS_CHARS; i++) {
    const char = data[i]
    if (char === undefined) return 'more'
    // Digits, `+`, `,`, `-`, `.`, space, E, e.
    const isNumber = (char >= 0x2b && char <= 0x39 && char !== 0x2f) || char === 0x20
    if (!isNumber && char !== 0x45 && char !== 0x65) return 'no'
  }
  return 'yes'
}

/** Lines by which a pickle remembers values, more than an example has. */
function isBeforeMemos(data: Buffer, at: number): Match {
  const around = data.subarray(at, at + TEXT_AROUND.ahead)
  let memos = 0
  for (let i = around.indexOf('\np'); i >= 0; i = around.indexOf('\np', i + 2)) {
    const digit = around[i + 2] ?? 0
    if (digit >= 0x30 && digit <= 0x39) memos += 1
    if (memos > MEMOS_OF_EXAMPLE) return 'yes'
  }
  return around.length < TEXT_AROUND.ahead ? 'more' : 'no'
}

const MEMOS_OF_EXAMPLE = 7

/** Thresholds of a tree, as many as no example has. */
function isBeforeThresholds(data: Buffer, at: number): Match {
  const around = data.subarray(at, at + TEXT_AROUND.ahead)
  const start = around.indexOf('\\nthreshold=')
  if (start >= 0) {
    const end = around.indexOf(0x5c, start + 12)
    return (end < 0 ? around.length : end) - start > 120 ? 'yes' : end < 0 ? 'more' : 'no'
  }
  return around.length < TEXT_AROUND.ahead ? 'more' : 'no'
}

/** How texts of models begin, without any white space. */
const STARTS: readonly (readonly [format: string, start: string])[] = [
  ['xgboost-json', '{"learner":{"'],
  ['xgboost-dump', '[{"nodeid":0,"depth":0,"split":'],
  ['xgboost-dump', 'booster[0]:0:['],
  ['lightgbm', 'treeversion=v'],
  ['lightgbm', '{"name":"tree","version":"v'],
  ['catboost-json', '{"features_info":{"'],
  ['catboost-json', '{"oblivious_trees":[{'],
  ['openvino', '<netname="'],
  ['pmml', '<PMML'],
  ['pickle', 'ccopy_reg_reconstructor'],
  ['pickle', 'csklearn.'],
  ['pickle', '(dp0S'],
  ['pickle', '(dp0V'],
  ['pickle', '(dp0c'],
  ['pickle', '(lp0c'],
  ['pickle', '(lp0F'],
]

/** Bytes of white space that a text may begin with. */
const SPACE_BYTES_MAX = 64 * 1024
const COMPACT_CHARS = 160

/** Judges how a text begins, white space and a byte order mark aside. */
export class TextStart {
  private compact = ''
  private spaces = 0
  private isDone = false

  push(chunk: Buffer): ScanFinding | undefined {
    for (let i = 0; i < chunk.length && !this.isDone; i++) {
      const byte = chunk[i] ?? 0
      if (byte <= 0x20 || byte >= 0x7f) {
        if (++this.spaces > SPACE_BYTES_MAX) this.close()
        continue
      }
      this.compact += String.fromCharCode(byte)
      const found = this.judge()
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Of most texts two or three characters tell that they are none of these. */
  private judge(): ScanFinding | undefined {
    const { compact } = this
    const isXml = compact.startsWith(DECLARATION)
    const text = isXml ? behindDeclaration(compact) : compact
    if (text === undefined) {
      if (compact.length >= COMPACT_CHARS) this.close()
      return undefined
    }
    const format = FORMATS_BY_START.get(text)
    if (format === undefined && PREFIXES.has(text)) return undefined
    this.close()
    return format === undefined ? undefined : weights(format)
  }

  private close(): void {
    this.isDone = true
    this.compact = ''
  }
}

const DECLARATION = '<?xml'

/** What is behind an XML declaration, or undefined while that is not whole. */
function behindDeclaration(text: string): string | undefined {
  const end = text.indexOf('?>')
  return end < 0 ? undefined : text.slice(end + 2)
}

const FORMATS_BY_START: ReadonlyMap<string, string> = new Map(
  STARTS.map(([format, start]) => [start, format]),
)

/** Everything a start, or a declaration before it, can begin with. */
const PREFIXES: ReadonlySet<string> = new Set(
  [DECLARATION, ...STARTS.map(([, start]) => start)].flatMap((start) =>
    Array.from({ length: start.length }, (_, length) => start.slice(0, length)),
  ),
)
