import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import type { IncidentDetail } from '../guard/response-guard.ts'

/** Told once of an answer that was refused. */
export type OnIncident = (refusal: Refusal, detail: IncidentDetail) => void

/** Changes the bytes of one answer. Whatever it is given has been judged by the guard within. */
export interface AnswerEditor {
  head(head: ResponseHead): ResponseHead | Refusal
  /** What may leave now. */
  push(bytes: Buffer): Buffer | Refusal
  /** What may leave last. */
  end(): Buffer | Refusal
}

const NOTHING = Buffer.alloc(0)

/**
 * A guard that edits an answer. `inner` judges the bytes of the upstream first; what it holds back
 * is not shown to the editor. After a refusal nothing leaves.
 */
export function editResponse(
  inner: ResponseGuard,
  editor: AnswerEditor,
  onIncident?: OnIncident,
): ResponseGuard {
  return new EditingGuard(inner, editor, onIncident)
}

class EditingGuard implements ResponseGuard {
  private refusal: Refusal | undefined
  private bytesBefore = 0
  /** What the inner guard has not judged yet. */
  private unjudged: Buffer[] = []
  private readonly inner: ResponseGuard
  private readonly editor: AnswerEditor
  private readonly onIncident: OnIncident | undefined

  constructor(inner: ResponseGuard, editor: AnswerEditor, onIncident: OnIncident | undefined) {
    this.inner = inner
    this.editor = editor
    this.onIncident = onIncident
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const judged = this.inner.head(head)
    if (isRefusal(judged)) return judged
    const edited = this.editor.head(judged)
    return isRefusal(edited) ? this.refuse(edited) : edited
  }

  chunk(chunk: Buffer): Refusal | Buffer {
    if (this.refusal !== undefined) return this.refusal
    const verdict = this.inner.chunk(chunk)
    if (isRefusal(verdict)) return verdict
    const judged = Buffer.isBuffer(verdict) ? verdict : chunk
    if (verdict === 'hold' || this.unjudged.length > 0) this.unjudged.push(judged)
    if (verdict === 'hold') return NOTHING
    return this.pass(this.unjudged.length > 0 ? this.takeUnjudged() : judged)
  }

  end(): Refusal | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    const last = this.inner.end()
    if (isRefusal(last)) return last
    const rest = this.pass(Buffer.concat([this.takeUnjudged(), last ?? NOTHING]))
    if (isRefusal(rest)) return rest
    const end = this.editor.end()
    return isRefusal(end) ? this.refuse(end) : Buffer.concat([rest, end])
  }

  private takeUnjudged(): Buffer {
    const all = Buffer.concat(this.unjudged)
    this.unjudged = []
    return all
  }

  private pass(bytes: Buffer): Refusal | Buffer {
    if (bytes.length === 0) return NOTHING
    const out = this.editor.push(bytes)
    if (isRefusal(out)) return this.refuse(out)
    this.bytesBefore += out.length
    return out
  }

  private refuse(refusal: Refusal): Refusal {
    this.refusal = refusal
    this.onIncident?.(refusal, { found: 'unreadable', bytesBefore: this.bytesBefore })
    return refusal
  }
}
