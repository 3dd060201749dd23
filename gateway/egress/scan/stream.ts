import { binaryNeedles } from './binary-needles.ts'
import { Carry } from './carry.ts'
import { EncodedRuns } from './encoded-runs.ts'
import { archive, mismatch, type ByteSink, type ScanFinding } from './finding.ts'
import { DEPTH_MAX, mayOpen, type Spending } from './limits.ts'
import { beginsAs, mediaKind, type MediaKind } from './media-kinds.ts'
import { MultipartStream } from './multipart-stream.ts'
import { PackedStreams } from './packed-streams.ts'
import { PlainLetters } from './plain-letters.ts'
import { searchMarks } from './short-marks.ts'
import { judgeStart, START_BYTES } from './start-formats.ts'
import { TEXT_AROUND, TEXT_NEEDLES, TextStart } from './text-formats.ts'
import { TextCheck } from './utf8-check.ts'

/** What the streams of one body share. */
export interface StreamContext {
  readonly depth: number
  readonly expects: ReadonlySet<string>
  readonly hasProse: boolean
  /** Whether the first bytes of the body are kept until they can be told. */
  readonly mayWait: boolean
  /** Whether text is in UTF-8 (or ASCII). */
  readonly isUtf8: boolean
  readonly spending: Spending
}

/** A stream whose start may wait. */
export interface Stream extends ByteSink {
  /** Whether the first bytes do not tell yet what it is, and could still be told. */
  readonly isOpen: boolean
}

/** The scanner of a stream of a declared media type. */
export function createStream(type: string, context: StreamContext): Stream {
  const kind = mediaKind(type)
  if (kind.kind === 'text') return new TextStream(context)
  if (kind.kind === 'multipart') return new MultipartStream(openerOf(context))
  const expects = new Set([...context.expects, ...kind.expects])
  const hasProse = context.hasProse || kind.hasProse
  return new BytesStream(type, kind, { ...context, expects, hasProse })
}

/** What is found in a stream has no type of its own: it may be anything. */
const ANY: MediaKind = mediaKind('application/octet-stream')

function openerOf(context: StreamContext) {
  // Made once: a text may have thousands of runs, and each opens several streams.
  let bare: StreamContext | undefined
  return (type?: string): ByteSink | ScanFinding => {
    if (context.depth >= DEPTH_MAX || !mayOpen(context.spending)) return archive('nested')
    if (type !== undefined) return createStream(type, { ...context, depth: context.depth + 1 })
    bare ??= {
      ...context,
      depth: context.depth + 1,
      expects: new Set([...context.expects, ...TABLES]),
    }
    return new BytesStream('', ANY, bare)
  }
}

const NOTHING = Buffer.alloc(0)

/** Formats of tables: data wherever they are packed or encoded. */
const TABLES = ['parquet', 'arrow']

/** Text: it must be one, and may hold formats that are text, or encoded ones. */
class TextStream implements Stream {
  readonly isOpen = false
  private readonly context: StreamContext
  private readonly check: TextCheck
  private readonly start = new TextStart()
  private readonly needles = new Carry(
    (data, from, to) => TEXT_NEEDLES.search(data, from, to),
    TEXT_AROUND,
  )
  private readonly letters = new PlainLetters()
  private readonly runs: EncodedRuns

  constructor(context: StreamContext) {
    this.context = context
    this.check = new TextCheck(context.isUtf8)
    this.runs = new EncodedRuns(openerOf(context))
  }

  push(chunk: Buffer): ScanFinding | undefined {
    if (!this.check.accepts(chunk)) return this.named(chunk)
    return (
      this.start.push(chunk) ?? this.needles.push(chunk) ?? this.runs.push(this.letters.push(chunk))
    )
  }

  end(): ScanFinding | undefined {
    return this.runs.end()
  }

  /** What no text has in it: weights, if they can be told, for the record. */
  private named(chunk: Buffer): ScanFinding {
    const found = new BytesStream('', ANY, this.context).push(chunk)
    return found?.how === 'weights' ? found : mismatch('text')
  }
}

/** Bytes: they begin as their type does, and hold no weights, raw, packed or encoded. */
class BytesStream implements Stream {
  isOpen = true
  private window: Buffer | undefined = NOTHING
  private hasBegun = false
  private seenBytes = 0
  private readonly type: string
  private readonly kind: MediaKind
  private readonly expects: ReadonlySet<string>
  private readonly mayWait: boolean
  private readonly needles: Carry
  private readonly runs: EncodedRuns
  private readonly packed: PackedStreams
  /** Bytes may be a text that was encoded or packed. */
  private readonly text = new TextStart()

  constructor(type: string, kind: MediaKind, context: StreamContext) {
    const table = binaryNeedles(context)
    const open = openerOf(context)
    this.type = type
    this.kind = kind
    this.expects = context.expects
    this.mayWait = context.mayWait
    this.needles = new Carry(
      (data, from, to) =>
        table.search(data, from, to) ??
        (this.seenBytes < MARKS_REACH_BYTES ? searchMarks(data, from, to) : undefined),
    )
    this.runs = new EncodedRuns(open)
    this.packed = new PackedStreams({ open, spending: context.spending })
  }

  push(chunk: Buffer): ScanFinding | undefined {
    const { window } = this
    const found =
      (window === undefined ? undefined : this.begin(window, chunk)) ??
      this.text.push(chunk) ??
      this.needles.push(chunk) ??
      this.packed.push(chunk) ??
      this.runs.push(chunk)
    this.seenBytes += chunk.length
    return found
  }

  end(): ScanFinding | undefined {
    this.isOpen = false
    const isCut = this.window !== undefined && this.window.length > 0 && !this.hasBegun
    return this.packed.end() ?? this.runs.end() ?? (isCut ? mismatch(this.type) : undefined)
  }

  /** Judges the first bytes: as its type, and by what formats begin with. */
  private begin(before: Buffer, chunk: Buffer): ScanFinding | undefined {
    const taken = chunk.subarray(0, WINDOW_BYTES - before.length)
    const window = before.length === 0 ? taken : Buffer.concat([before, taken])
    // A weight format has the better name for what is not of its type either.
    const start = judgeStart(window.subarray(0, START_BYTES), this.expects)
    if (typeof start !== 'string') return start
    const begins = beginsAs(this.kind, window)
    const waits = start === 'more' && this.mayWait
    if ((begins === 'no' && !waits) || (begins === 'more' && window.length >= WINDOW_BYTES)) {
      return mismatch(this.type)
    }
    this.hasBegun = begins === 'yes'
    this.isOpen = (start === 'more' || begins === 'more') && window.length < START_BYTES
    this.window = start === 'none' && begins === 'yes' ? undefined : window
    return undefined
  }
}

/** How far into a stream the marks of three and four bytes are searched; each costs a pass. */
const MARKS_REACH_BYTES = 4 * 1024 * 1024

/** Bytes that tell whether a body begins as its type does; a tar archive is told the last. */
const WINDOW_BYTES = 512
