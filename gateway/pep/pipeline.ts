import type { Stage } from '../domain/reasons.ts'
import type { Exchange } from './exchange.ts'
import type { StageResult } from './result.ts'
import type { Services } from './runtime.ts'
import { admit } from './stages/admit.ts'
import { authenticate } from './stages/authenticate.ts'
import { budget } from './stages/budget.ts'
import { classify } from './stages/classify.ts'
import { decide } from './stages/decide.ts'
import { forward } from './stages/forward.ts'
import { gather } from './stages/gather.ts'
import { guard } from './stages/guard.ts'
import { oblige } from './stages/oblige.ts'
import { record } from './stages/record.ts'
import { settle } from './stages/settle.ts'

/** One step of a request's way. */
export interface PipelineStage {
  readonly stage: Stage
  readonly run: (exchange: Exchange, services: Services) => StageResult | Promise<StageResult>
}

/**
 * A request's whole story, in order. This is the only place the order exists: no stage calls
 * another, and every way in (HTTP, WebSocket upgrade) walks this same table. The first refusal
 * stops the walk; `settle` always runs last, whatever happened.
 */
export const PIPELINE: readonly PipelineStage[] = [
  { stage: 'admit', run: admit }, //               one canonical target, one framing, bounded   400 405 411 413 414 417 431
  { stage: 'authenticate', run: authenticate }, // bearer token -> subject                      401 503
  { stage: 'classify', run: classify }, //         route pack + body peek -> operations         403 unclassified, 400 405 413 415
  { stage: 'gather', run: gather }, //             client address, time, posture -> environment 400
  { stage: 'decide', run: decide }, //             every operation must be permitted            403, 401 step-up
  { stage: 'budget', run: budget }, //             counted against what may be used over time   429, 503
  { stage: 'record', run: record }, //             the decision, before anything is forwarded   503
  { stage: 'oblige', run: oblige }, //             discharge obligations, prepare the guard     403
  { stage: 'forward', run: forward }, //           clean headers, own identity last, streamed   502 503 504
  { stage: 'guard', run: guard }, //               what the guard saw as the response streamed  cut + incident
]

/** Stage 11: runs after the walk ended, permitted or refused: the answer, the outcome, metrics. */
export const FINAL: typeof settle = settle
