/** Limits in words: whom they are for, what they are about, and what becomes of requests and answers. */
import { BUDGET_UNITS } from '../../domain/obligations.ts'
import type { BudgetSpec } from '../../settings/schemas/limits-use.ts'
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
    demands: [...parameterWords(spec), ...responseWords(spec), ...budgetWords(spec)],
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

/** Whose use is counted together. */
const SCOPES: Readonly<Record<BudgetSpec['per'], string>> = {
  subject: 'each caller',
  model: 'each model',
  'subject-model': 'each caller and model',
  grant: 'each grant',
}

/** `at most 600 requests a minute for each caller`, `at most 8 answers at once for each caller`. */
function budgetWords({ budget }: LimitSpec): string[] {
  return [budget ?? []].flat().flatMap((spec) => {
    const whom = `for ${SCOPES[spec.per]}`
    const amounts = BUDGET_UNITS.flatMap((unit) =>
      Object.entries(spec[unit] ?? {}).map(([window, max]) => {
        const when = window === 'hour' ? 'an hour' : `a ${window}`
        return `at most ${String(max)} ${unit} ${when} ${whom}`
      }),
    )
    if (spec.streams === undefined) return amounts
    return [...amounts, `at most ${spec.streams} answers at once ${whom}`]
  })
}
