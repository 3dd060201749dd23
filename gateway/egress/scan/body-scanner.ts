import { createStream, type Stream } from './stream.ts'
import type { ScanFinding } from './finding.ts'
import { noSpending, type Spending } from './limits.ts'

export type { ScanFinding } from './finding.ts'

/** How one body is to be read. */
export interface BodyScannerOptions {
  /** The declared media type, lower case, without parameters; '' when there is none. */
  readonly type: string
  /** Whether the first bytes may wait until they can be told apart; false: every piece is judged now. */
  readonly mayHold: boolean
  /** Formats of data that may pass here although weights come in them too (`hdf5`, `npy` …). */
  readonly expects?: ReadonlySet<string>
  /** The charset parameter, lower case; text is taken for UTF-8 where it says nothing else. */
  readonly charset?: string | undefined
}

/** Judges one body as it passes. */
export interface BodyScanner {
  /**
   * Judges the next piece: a finding (nothing more may leave), `hold` (keep it with those before until
   * it can be told; 64 bytes at most, never of text), or undefined (what was held and this may leave).
   * The piece must not be written to afterwards.
   */
  push(chunk: Buffer): ScanFinding | 'hold' | undefined
  /** Judges what only the end decides; what is still held may leave when nothing is found. */
  end(): ScanFinding | undefined
}

/** Bytes that wait, at most. */
const HOLD_BYTES_MAX = 64

const UTF8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

const NONE: ReadonlySet<string> = new Set()

/**
 * The scanner of one body. It finds weights raw at any offset, in the containers it can open (gzip, zlib,
 * zip, tar, multipart), in base64 and hexadecimal, and in these inside one another, four deep. Memory is
 * bounded whatever the length (docs/weights.md has the numbers, and what is not found).
 */
export function createBodyScanner(options: BodyScannerOptions): BodyScanner {
  const { type, mayHold, expects = NONE } = options
  const spending = noSpending()
  const context = {
    depth: 0,
    expects,
    hasProse: false,
    mayWait: mayHold,
    isUtf8: UTF8.has(options.charset ?? 'utf-8'),
    spending,
  }
  return new Scanner(createStream(type, context), spending, mayHold)
}

class Scanner implements BodyScanner {
  private found: ScanFinding | undefined
  private readonly stream: Stream
  private readonly spending: Spending
  private readonly mayHold: boolean

  constructor(stream: Stream, spending: Spending, mayHold: boolean) {
    this.stream = stream
    this.spending = spending
    this.mayHold = mayHold
  }

  push(chunk: Buffer): ScanFinding | 'hold' | undefined {
    if (this.found !== undefined || chunk.length === 0) return this.found
    this.spending.seenBytes += chunk.length
    this.found = this.stream.push(chunk)
    if (this.found !== undefined) return this.found
    const mayWait = this.mayHold && this.stream.isOpen && this.spending.seenBytes < HOLD_BYTES_MAX
    return mayWait ? 'hold' : undefined
  }

  end(): ScanFinding | undefined {
    this.found ??= this.stream.end()
    return this.found
  }
}
