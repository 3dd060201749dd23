import { createBodyScanner, type BodyScanner, type ScanFinding } from '../scan/body-scanner.ts'

/** The type of what may be anything. */
export const BYTES = 'application/octet-stream'

/** How messages are to be read. */
export interface MessageScanOptions {
  /** Media type, as of {@link createBodyScanner}. */
  readonly type: string
  /** Whether the first bytes of a message may wait. */
  readonly mayHold: boolean
}

/**
 * Looks at a row of messages twice: at each by itself, as a file of its own begins with one, and at all
 * of them as one stream, as a file may lie across them.
 */
export class MessageScan {
  private message: BodyScanner | undefined
  private readonly stream: BodyScanner
  private readonly options: MessageScanOptions

  constructor(options: MessageScanOptions) {
    this.options = options
    this.stream = createBodyScanner({ type: options.type, mayHold: false })
  }

  /** A message begins. */
  begin(): void {
    this.message = createBodyScanner(this.options)
  }

  /** Judges the next piece of it, which must not be written to afterwards. */
  push(bytes: Buffer): ScanFinding | 'hold' | undefined {
    const inAll = this.stream.push(bytes)
    // A stream that may not hold has nothing to wait for.
    return inAll !== undefined && inAll !== 'hold' ? inAll : this.message?.push(bytes)
  }

  /** The message is whole. */
  end(): ScanFinding | undefined {
    const { message } = this
    this.message = undefined
    return message?.end()
  }
}
