import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Operation } from '../../domain/vocabulary.ts'
import type { ListingShape } from '../../domain/watch.ts'
import { hasBody, isJsonType, readableType, withoutBodyFields } from '../answer-head.ts'
import { editResponse, type AnswerEditor, type OnIncident } from '../edit/edited-response.ts'
import { ListingText } from './listing-text.ts'

/** What of a list a caller gets. */
export interface ListingFilterOptions {
  /** Where the answer may list models; each array of them is filtered. */
  readonly shapes: readonly ListingShape[]
  /** Whether the caller may know of it. Asked once for each element that names something. */
  readonly visible: (resource: Operation['resource']) => boolean
  /** Whether the answer has no body whatever its head says (HEAD). */
  readonly bodyless: boolean
  /** Called once when the answer cannot be filtered. */
  readonly onIncident?: OnIncident
  /** Called for each element that was judged. */
  readonly onElement?: (isListed: boolean) => void
}

/** A filtered list is one caller's own, and as old as the rules: no cache may keep it. */
const CACHE_FIELDS: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'cdn-cache-control',
  'expires',
  'last-modified',
  'surrogate-control',
])

/**
 * Leaves in an answer that lists models only those the caller may know of. Successful answers (2xx)
 * must be JSON in UTF-8, whole and not coded: others do not pass (`response_unfilterable`), nor does
 * one that turns out to be something else; what had left by then held nothing that was not judged.
 * An element that names no model that can be read is left out; so is one in which a key repeats. An
 * answer without the array passes if it is an object of plain values: the empty page of some systems.
 * Answers with another status are not lists, and pass. `inner` judges the bytes of the upstream first.
 */
export function filterListing(inner: ResponseGuard, options: ListingFilterOptions): ResponseGuard {
  return editResponse(inner, new ListingEditor(options), options.onIncident)
}

const UNFILTERABLE = refuse('response_unfilterable')
const NOTHING = Buffer.alloc(0)

class ListingEditor implements AnswerEditor {
  private text: ListingText | undefined
  /** Whether bytes pass as they are: those of an error. */
  private isNoList = false
  private readonly options: ListingFilterOptions

  constructor(options: ListingFilterOptions) {
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const { status, headers } = head
    const isSuccess = status >= 200 && status < 300
    if (!isSuccess && status !== 304) {
      this.isNoList = true
      return head
    }
    const filtered = {
      status,
      headers: [...withoutBodyFields(headers, CACHE_FIELDS), 'cache-control', 'no-store'],
    }
    if (!hasBody(head, this.options.bodyless)) return filtered
    // A part of a list cannot be read.
    if (status === 206 || !isJsonType(readableType(headers) ?? '')) return UNFILTERABLE
    this.text = new ListingText(this.options.shapes, (shape, element) =>
      this.isVisible(shape, element),
    )
    return filtered
  }

  push(bytes: Buffer): Buffer | Refusal {
    // The head of a list that said there was no body is not believed against the body.
    return this.isNoList ? bytes : (this.text?.push(bytes) ?? UNFILTERABLE)
  }

  end(): Buffer | Refusal {
    return this.text === undefined ? NOTHING : (this.text.end() ?? UNFILTERABLE)
  }

  private isVisible(shape: ListingShape, element: unknown): boolean {
    const resource = element === undefined ? undefined : shape.read(element)
    const isListed = resource !== undefined && this.options.visible(resource)
    this.options.onElement?.(isListed)
    return isListed
  }
}
