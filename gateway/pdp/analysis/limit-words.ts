/** Limits in words: whom they are for, what they are about, and what becomes of requests and answers. */
import { BUDGET_UNITS } from '../../domain/obligations.ts'
import type { BudgetSpec } from '../../settings/schemas/limits-use.ts'
import type { LimitSpec } from '../../settings/schemas/limits.ts'
import { durationText } from '../conditions/condition.ts'
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
    demands: [
      ...parameterWords(spec),
      ...responseWords(spec),
      ...budgetWords(spec),
      ...watchWords(spec),
    ],
  }
}

function parameterWords({ parameters, apart = [] }: LimitSpec): string[] {
  const together = apart.map((names) => `requests with two of ${names.join(', ')} refused`)
  const single = Object.entries(parameters ?? {}).flatMap(
    ([parameter, treatment]: [string, unknown]) => {
      if (treatment === 'strip') return [`${parameter} taken out of requests`]
      if (treatment === 'refuse') return [`requests with ${parameter} refused`]
      const cap = treatment as { max?: number; add?: boolean } | undefined
      if (cap?.max === undefined) return []
      const added = cap.add === true ? ', also where the request names none' : ''
      return [`${parameter} at most ${cap.max}${added}`]
    },
  )
  return [...single, ...together]
}

function responseWords({ response }: LimitSpec): string[] {
  const said: string[] = []
  if (response?.bytes !== undefined) said.push(`answers of at most ${sizeWords(response.bytes)}`)
  if (response?.redact !== undefined)
    said.push(`${response.redact.join(', ')} taken out of answers`)
  for (const [name, treatment] of Object.entries(response?.classes ?? {})) {
    const what =
      typeof treatment === 'string' ? TREATED[treatment] : `generalised to ${treatment.generalise}`
    said.push(`data of class ${name} ${what}`)
  }
  return said
}

const TREATED = {
  remove: 'removed',
  mask: 'masked',
  tokenise: 'replaced by tokens',
  pass: 'passed',
} as const

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const

/** `2 GiB`, `1500 bytes`: exact, in the largest unit that divides it. */
function sizeWords(bytes: number): string {
  let size = bytes
  let unit = 'bytes'
  for (const larger of UNITS) {
    if (size % 1024 !== 0) break
    size /= 1024
    unit = larger
  }
  return `${size} ${unit}`
}

/** What is watched for, and what follows. */
function watchWords({ detect, on_incident: after }: LimitSpec): string[] {
  const said: string[] = []
  if (detect !== undefined) {
    const { distinct_prompts: distinct, vectors, logits, sweep, window } = detect
    const marks = [
      ...(distinct === undefined ? [] : [`${distinct} different prompts`]),
      ...(vectors === undefined ? [] : [`embeddings of ${vectors} inputs`]),
      ...(logits === undefined ? [] : [`${percent(logits.share)} of ${logits.of} for logits`]),
      ...(sweep === undefined ? [] : [`${percent(sweep.share)} of ${sweep.of} in a sweep`]),
    ]
    said.push(`an incident at ${marks.join(', ')} in ${durationText(window)}`)
  }
  if (after !== undefined) said.push(`kept out for ${durationText(after.lock)} after an incident`)
  return said
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`
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
        const amount = unit === 'bytes' ? sizeWords(Number(max)) : `${max} ${unit}`
        return `at most ${amount} ${when} ${whom}`
      }),
    )
    if (spec.streams === undefined) return amounts
    return [...amounts, `at most ${spec.streams} answers at once ${whom}`]
  })
}
