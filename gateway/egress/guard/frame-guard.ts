import type { AnswerJudge, AnswerKind, ResponseHead } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { BYTES, MessageScan } from './message-scan.ts'
import { createResponseGuard, type ResponseGuardOptions } from './response-guard.ts'
import type { ScanFinding } from '../scan/body-scanner.ts'

/**
 * Guards what an upstream says on a WebSocket to a caller who may not export; `undefined` for one who
 * may. Refused: what the head of an answer is refused for (`response_blocked`), and weights at any place
 * of a message, or across messages of one kind (`weights_detected`): text, binary, and what pings, pongs
 * and closes carry. The start of a binary message may wait until 64 bytes of it are there, or its end.
 */
export function createFrameGuard(options: ResponseGuardOptions): AnswerJudge | undefined {
  return options.mayExport ? undefined : new FrameGuard(options)
}

class FrameGuard implements AnswerJudge {
  private readonly scans: Readonly<Record<AnswerKind, MessageScan>> = {
    text: new MessageScan({ type: 'text/plain', mayHold: false }),
    binary: new MessageScan({ type: BYTES, mayHold: true }),
    control: new MessageScan({ type: BYTES, mayHold: false }),
  }
  /** Payload that has been let through. */
  private bytesBefore = 0
  private bytesHeld = 0
  private readonly options: ResponseGuardOptions

  constructor(options: ResponseGuardOptions) {
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    // There is no content in it: what it says of content gives nothing away.
    return createResponseGuard({ ...this.options, isHead: true }).head(head)
  }

  begin(kind: AnswerKind): void {
    this.scans[kind].begin()
  }

  piece(kind: AnswerKind, bytes: Buffer): Refusal | 'hold' | undefined {
    const verdict = this.scans[kind].push(bytes)
    this.bytesHeld += bytes.length
    if (verdict === 'hold') return verdict
    if (verdict !== undefined) return this.refuse(verdict)
    this.release()
    return undefined
  }

  end(kind: AnswerKind): Refusal | undefined {
    const finding = this.scans[kind].end()
    if (finding !== undefined) return this.refuse(finding)
    this.release()
    return undefined
  }

  private release(): void {
    this.bytesBefore += this.bytesHeld
    this.bytesHeld = 0
  }

  private refuse(finding: ScanFinding): Refusal {
    const refusal = refusalFor(finding)
    const { found } = finding
    this.options.onIncident?.(refusal, { found, bytesBefore: this.bytesBefore })
    return refusal
  }
}

/** The refusal of an answer in which something was found. */
export function refusalFor({ how }: ScanFinding): Refusal {
  return refuse(how === 'weights' ? 'weights_detected' : 'response_blocked')
}
