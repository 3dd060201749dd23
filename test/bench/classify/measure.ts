/** Times classifications one by one. */
import { parseRequestTarget } from '../../../gateway/classify/target/request-target.ts'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import type { ClassifiableRequest, Classifier } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { Method, RequestTarget } from '../../../gateway/domain/request.ts'
import { readHeaders } from '../../../gateway/pep/headers.ts'
import type { Timing } from '../policy/measure.ts'
import { LIMITS } from '../../unit/classify/support.ts'
import type { BenchRequest, Kind } from './requests.ts'

const WARM_UP_MIN = 20_000
const SAMPLES_MAX = 2_000_000
const HEADER_LIMITS = { headerCountMax: 100, headerBytesMax: 16_384 }

/** What is timed, and for how long. */
export interface Subject {
  readonly pack: CompiledPack
  readonly classifier: Classifier
  readonly kind: Kind
  readonly measureMs: number
}

/**
 * Goes round `requests` until the time is up. Each is written and parsed anew right before it is
 * classified, outside of what is timed, as a gateway does: it lies in the caches whatever the size of the
 * pack. Only of the kind `target`, parsing the target is timed too.
 */
export async function measure(
  { pack, classifier, kind, measureMs }: Subject,
  requests: readonly BenchRequest[],
): Promise<Timing> {
  const limits = { ...LIMITS, encodable: pack.encodable, emptySegments: pack.emptySegments }
  let next = 0
  const once = async (): Promise<number> => {
    const sent = requests[next++ % requests.length]
    if (sent === undefined) throw new Error('there is nothing to ask')
    const text = rewritten(sent.target)
    const parsed = kind === 'target' ? undefined : targetOf(text, limits)
    const request = received(sent, parsed)
    const before = performance.now()
    if (parsed === undefined) Object.assign(request, { target: targetOf(text, limits) })
    const outcome = classifier.classify(request)
    // What is at hand needs no turn of the loop, here as in the gateway.
    if (outcome instanceof Promise) await outcome
    return performance.now() - before
  }
  const started = performance.now()
  while (next < WARM_UP_MIN || performance.now() - started < measureMs / 2) await once()
  const samples = new Float64Array(SAMPLES_MAX)
  let count = 0
  let total = 0
  const end = performance.now() + measureMs
  while (count < SAMPLES_MAX && performance.now() < end) {
    const took = await once()
    samples[count++] = took
    total += took
  }
  const sorted = samples.subarray(0, count).sort()
  const at = (share: number) => (sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0) * 1000
  return { decisions: count, p50Us: at(0.5), p99Us: at(0.99), meanUs: (total / count) * 1000 }
}

/** What the classifier answers: the reason of a refusal, or the name of the route. */
export async function answerOf(
  { pack, classifier }: Pick<Subject, 'pack' | 'classifier'>,
  sent: BenchRequest,
): Promise<string> {
  const limits = { ...LIMITS, encodable: pack.encodable, emptySegments: pack.emptySegments }
  const answer = await classifier.classify(received(sent, targetOf(sent.target, limits)))
  return isRefusal(answer) ? answer.reason : `route ${answer.route}`
}

type TargetLimits = Parameters<typeof parseRequestTarget>[1]

function targetOf(text: string, limits: TargetLimits): RequestTarget {
  const target = parseRequestTarget(text, limits)
  if (isRefusal(target)) throw new Error(`${text} is no target`)
  return target
}

const NO_TARGET: RequestTarget = {
  path: '/',
  query: undefined,
  segments: [''],
  encoded: '',
  emptySegments: false,
}

function received(sent: BenchRequest, target: RequestTarget = NO_TARGET): ClassifiableRequest {
  const headers = readHeaders(sent.headers, HEADER_LIMITS)
  if (isRefusal(headers)) throw new Error(`headers: ${headers.reason}`)
  const bytes = sent.body && Buffer.from(sent.body)
  return {
    transport: sent.transport,
    method: sent.method as Method,
    target,
    headers,
    upgrade: false,
    hasBody: bytes !== undefined,
    peekBody: () => Promise.resolve({ bytes: bytes ?? Buffer.alloc(0), complete: true }),
  }
}

/** The text in memory of its own, flat, as it comes from a socket. */
function rewritten(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
