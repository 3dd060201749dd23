import type { ResponseGuard } from '../../domain/ports.ts'
import type { Action } from '../../domain/vocabulary.ts'
import { isText, mediaType } from '../guard/answer-types.ts'
import { editResponse } from '../edit/edited-response.ts'
import { createLinkMask, type LinkMask, type MaskedKind, type MaskPolicy } from './link-mask.ts'

const NOTHING = Buffer.alloc(0)

/** Actions whose answers say where weights lie; the others answer with what was made or done. */
const TELLING: ReadonlySet<Action> = new Set(['read', 'data:read', 'deploy', 'retrain'])

/** How much of a link goes, by the primary action of a request. */
export function maskPolicyOf(action: Action): MaskPolicy {
  return { storage: TELLING.has(action), keepMedia: action === 'infer' }
}

/** What speaks of the bytes of a body as the upstream had it. */
const DIGESTS: ReadonlySet<string> = new Set([
  'content-digest',
  'content-md5',
  'digest',
  'repr-digest',
])

/**
 * Masks what leads to stored weights in an answer that is text (JSON, NDJSON, events, XML, plain, or
 * of no type); others pass. `inner` judges first. Lengths stay; digests of the body are removed.
 */
export function maskLinks(
  inner: ResponseGuard,
  policy: MaskPolicy,
  onMask?: (kind: MaskedKind) => void,
): ResponseGuard {
  let mask: LinkMask | undefined
  return editResponse(inner, {
    head(head) {
      const { headers } = head
      const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-type')
      const type = at < 0 ? '' : mediaType((headers[at + 1] ?? '').toLowerCase())
      if (type !== '' && !isText(type)) return head
      mask = createLinkMask(policy, onMask)
      const kept = headers.filter((_, i) => !DIGESTS.has(headers[i - (i % 2)] ?? ''))
      return { status: head.status, headers: kept }
    },
    push: (bytes) => mask?.push(bytes) ?? bytes,
    end: () => mask?.end() ?? NOTHING,
  })
}
