import type { Obligation } from '../../domain/access.ts'
import type { ExtractionWatch, ShareThreshold } from '../../detect/subject-window.ts'

/** What a `watch.extraction` watches for; `undefined` when it is not understood. */
export function extractionWatchOf({ parameters }: Obligation): ExtractionWatch | undefined {
  const { limit, window_ms: windowMs, distinct_prompts: distinctPrompts, vectors } = parameters
  const logits = shareOf(parameters['logit_share'], parameters['logit_of'])
  const sweep = shareOf(parameters['sweep_share'], parameters['sweep_of'])
  if (typeof limit !== 'string' || !isCount(windowMs)) return undefined
  if (logits === null || sweep === null) return undefined
  if (!isCountOrNone(distinctPrompts) || !isCountOrNone(vectors)) return undefined
  return {
    limit,
    windowMs,
    ...(distinctPrompts === undefined ? {} : { distinctPrompts }),
    ...(vectors === undefined ? {} : { vectors }),
    ...(logits === undefined ? {} : { logits }),
    ...(sweep === undefined ? {} : { sweep }),
  }
}

function shareOf(share: unknown, of: unknown): ShareThreshold | undefined | null {
  if (share === undefined && of === undefined) return undefined
  const isShare = typeof share === 'number' && share > 0 && share <= 1
  return isShare && isCount(of) ? { share, of } : null
}

function isCountOrNone(value: unknown): value is number | undefined {
  return value === undefined || isCount(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
