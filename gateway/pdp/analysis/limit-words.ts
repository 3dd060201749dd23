/** Limits in words: whom they are for, what they are about, and what becomes of requests and answers. */
import type { LimitSpec } from '../../settings/schemas/limits.ts'
import { ANYONE } from '../policy/rule.ts'

/** One limit for people. */
export interface LimitWords {
  readonly name: string
  readonly for: readonly string[]
  readonly except: readonly string[]
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** Absent: always. It applies unless this is known to be false. */
  readonly when?: string
  /** `max_tokens at most 4096`, `logprobs taken out`, … */
  readonly demands: readonly string[]
}

/** Says what `limits.yaml` says under `name`, defaults filled in. */
export function limitWords(name: string, spec: LimitSpec): LimitWords {
  return {
    name,
    for: spec.for ?? [ANYONE],
    except: spec.except ?? [],
    actions: spec.actions ?? ['infer'],
    resources: spec.resources ?? ['*'],
    ...(spec.when !== undefined && { when: spec.when }),
    demands: [...parameterWords(spec), ...responseWords(spec)],
  }
}

function parameterWords({ parameters }: LimitSpec): string[] {
  return Object.entries(parameters ?? {}).flatMap(([parameter, treatment]: [string, unknown]) => {
    if (treatment === 'strip') return [`${parameter} taken out of requests`]
    if (treatment === 'refuse') return [`requests with ${parameter} refused`]
    const cap = treatment as { max?: number; add?: boolean } | undefined
    if (cap?.max === undefined) return []
    const added = cap.add === true ? ', also where the request names none' : ''
    return [`${parameter} at most ${cap.max}${added}`]
  })
}

function responseWords({ response }: LimitSpec): string[] {
  const said: string[] = []
  if (response?.bytes !== undefined) said.push(`answers of at most ${response.bytes} bytes`)
  if (response?.redact !== undefined)
    said.push(`${response.redact.join(', ')} taken out of answers`)
  return said
}
