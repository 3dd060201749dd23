/**
 * Caps, strips and refuses parameters of one JSON body. Only bytes of listed fields change: what the
 * classifier read in the same body (the name of the model) is what goes on.
 */
import { foldFieldName } from '../../classify/names.ts'
import type { ParameterName } from '../../domain/parameters.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { isWatchedOnly, type ApartDuty, type ParameterDuty } from './duties.ts'
import {
  applyEdits,
  editsOf,
  textOfString,
  type Edit,
  type Interest,
  type Place,
  type Scope,
  type Span,
  type Verdict,
} from './json-edit.ts'
import { isFalse, kindOf, strictest, type Kind } from './json-kind.ts'
import {
  INPUTS,
  LISTED,
  OBJECTS,
  SOURCES,
  SPELLINGS,
  takesFlags,
  type LengthFields,
  type Spelt,
} from './spelling-table.ts'

/** What is done to a body. */
export interface BodyLimits extends LengthFields {
  readonly duties: ReadonlyMap<ParameterName, ParameterDuty>
  /** Parameters that must not come together. */
  readonly apart?: readonly ApartDuty[]
}

/** A body that keeps its limits. */
export interface LimitedBody {
  /** The very buffer that was given, when nothing had to change. */
  readonly bytes: Buffer
  readonly changed: ReadonlySet<ParameterName>
}

/**
 * The body as it may go on. Refuses with `parameter_refused` what must not be asked for and what
 * cannot be limited: a value of another type, a spelling nobody knows, a parameter in a list of
 * inputs. Refuses with `body_unparsable` anything but one JSON object, in UTF-8, at most 64 deep and
 * without repeated keys where parameters can stand.
 *
 * @param bytes the whole body; untrusted
 */
export function limitBody(bytes: Buffer, limits: BodyLimits): LimitedBody | Refusal {
  return new BodyEdit(bytes, limits).run()
}

/** What is said of a body that cannot be read; names the limits, never the body. */
export function unreadable(duties: ReadonlyMap<ParameterName, ParameterDuty>): string {
  const named = [...duties].map(([name, { source }]) => `${name} (${source})`).join(', ')
  return `The request is subject to limits on ${named}, so that its body must be read.`
}

class BodyEdit {
  private refusal: Refusal | undefined
  private readonly changed = new Set<ParameterName>()
  /** Parameters that the body asks for, as it goes on. */
  private readonly present = new Set<ParameterName>()
  /** Whether a field that the API obeys asks for a length. */
  private hasLength = false
  /** The shortest that other fields ask for. */
  private leastElsewhere = Infinity
  /** Fields at which something could be added, by path: `null`s, and objects. */
  private readonly nulls = new Map<string, Span>()
  private readonly places = new Map<string, Place>()
  private readonly bytes: Buffer
  private readonly limits: BodyLimits

  /** Lists of inputs, and what is in them: nothing is changed there, see `INPUT_LISTS`. */
  private readonly inputs: Scope

  constructor(bytes: Buffer, limits: BodyLimits) {
    this.bytes = bytes
    this.limits = limits
    const element: { below?: Scope } = {}
    // Not strict: a tabular input may have thousands of features.
    this.inputs = { strict: false, member: (key) => this.inputMember(key), element }
    element.below = this.inputs
  }

  run(): LimitedBody | Refusal {
    const { bytes, limits } = this
    const edits = editsOf(bytes, this.objectAt(''))
    if (this.refusal !== undefined) return this.refusal
    const root = this.places.get('')
    // Without a place the text is a list or a scalar, whose fields nobody could find.
    if (edits === undefined || root === undefined) {
      return refuse('body_unparsable', { detail: unreadable(limits.duties) })
    }
    const together = this.together()
    if (together !== undefined) return together
    const added = this.addition(root)
    if (added !== undefined) edits.push(added)
    return { bytes: applyEdits(bytes, edits), changed: this.changed }
  }

  /** What is there of what must not come together; a parameter that was removed is not there. */
  private together(): Refusal | undefined {
    for (const { names, source } of this.limits.apart ?? []) {
      const found = names.filter((name) => this.present.has(name))
      if (found.length < 2) continue
      return refuse('parameter_refused', {
        detail: `The parameters ${found.join(' and ')} are not allowed together, says the limit in ${source}.`,
      })
    }
    return undefined
  }

  /** Objects whose members are parameters: the body itself (`''`), or one within it. */
  private objectAt(path: string): Scope {
    return {
      strict: true,
      member: (key) => this.memberAt(path, key),
      closed: (place) => void this.places.set(path, place),
    }
  }

  private memberAt(path: string, key: string): Interest | 'reject' | undefined {
    const folded = foldFieldName(key)
    const spelt = this.speltAs(folded)
    if (spelt.length > 0) {
      const known = spelt.some(({ name }) => name === key)
      if (!known) return this.reject(spelt[0]?.parameter, 'is spelt in a way no API knows')
      return { judge: (span) => this.judge(spelt, span, `${path}.${key}`) }
    }
    const objects = OBJECTS.get(folded)
    if (objects !== undefined) {
      if (!objects.includes(key)) return this.reject(undefined, 'stand in an object no API knows')
      const below = `${path}.${key}`
      return { judge: (span) => this.judgeObject(span, below), below: this.objectAt(below) }
    }
    if (INPUTS.has(folded)) return { below: this.inputs }
    if (path === '' && SOURCES.has(folded)) return { judge: (span) => this.judgeSource(span) }
    return this.listedAt(folded)
  }

  private speltAs(folded: string): readonly Spelt[] {
    const { duties } = this.limits
    return (SPELLINGS.get(folded) ?? []).filter(({ parameter }) => duties.has(parameter))
  }

  /** The strictest of what is demanded of the one field. */
  private judge(spelt: readonly Spelt[], span: Span, field: string): Verdict {
    const kind = kindOf(this.bytes, span)
    const verdicts = new Map<ParameterName, Verdict>()
    for (const { parameter, exceptFlags } of spelt) {
      if (verdicts.has(parameter) || (exceptFlags && kind === 'flag')) continue
      verdicts.set(parameter, this.verdictOn(parameter, span, kind))
    }
    const final = strictest([...verdicts.values()])
    for (const [parameter, verdict] of verdicts) {
      if (verdict !== 'keep') this.changed.add(parameter)
    }
    this.noteAsked(verdicts.keys(), final, { span, kind })
    // What is gone is not there, and `null` asks for nothing.
    if (kind === 'null' && final !== 'remove') this.nulls.set(field, span)
    if (kind === 'number' && verdicts.has('max_tokens')) {
      this.noteLength(field, typeof final === 'object' ? Number(final.text) : this.numberAt(span))
    }
    return final
  }

  private noteAsked(
    parameters: Iterable<ParameterName>,
    final: Verdict,
    { span, kind }: { readonly span: Span; readonly kind: Kind },
  ): void {
    if (final === 'remove' || !this.asks(span, kind)) return
    for (const parameter of parameters) this.present.add(parameter)
  }

  /** `null` and `false` ask for nothing. */
  private asks(span: Span, kind: Kind): boolean {
    return kind !== 'null' && !isFalse(this.bytes, span)
  }

  /** A length in a field that the API does not know is none, but whoever wrote it meant one. */
  private noteLength(field: string, tokens: number): void {
    const { addAt, alsoAt = [] } = this.limits
    const isObeyed = [addAt.join('.'), ...alsoAt].some((path) => field === `.${path}`)
    if (isObeyed) this.hasLength = true
    else this.leastElsewhere = Math.min(this.leastElsewhere, Math.max(1, Math.floor(tokens)))
  }

  private numberAt({ start, end }: Span): number {
    return Number(this.bytes.toString('latin1', start, end))
  }

  private verdictOn(parameter: ParameterName, span: Span, kind: Kind): Verdict {
    const duty = this.limits.duties.get(parameter)
    if (duty === undefined) return 'keep'
    if (duty.refuse) {
      return kind === 'null' || isFalse(this.bytes, span) ? 'keep' : this.reject(parameter, REFUSED)
    }
    if (duty.strip) return 'remove'
    if (isWatchedOnly(duty)) return 'keep'
    if (kind === 'null' || (kind === 'flag' && takesFlags(parameter))) return 'keep'
    return this.capped(parameter, duty.max, { span, kind })
  }

  private capped(
    parameter: ParameterName,
    max: number,
    { span, kind }: { span: Span; kind: Kind },
  ): Verdict {
    if (kind !== 'number') return this.reject(parameter, 'must be a number')
    const value = this.numberAt(span)
    if (!Number.isFinite(value)) return this.reject(parameter, 'must be a finite number')
    // To the servers that take them, negative numbers mean without end, or all there is; to Ollama
    // 0 tokens are without end as well, and it makes 0 of a half.
    const isEndless = value < 0 || (value < 1 && parameter === 'max_tokens')
    return isEndless || value > max ? { text: String(max) } : 'keep'
  }

  private judgeObject(span: Span, path: string): Verdict {
    const kind = kindOf(this.bytes, span)
    if (kind === 'null') this.nulls.set(path, span)
    const readable = kind === 'object' || kind === 'null'
    return readable ? 'keep' : this.reject(undefined, 'must stand in a plain JSON object')
  }

  /** What is asked for by the requests of a file is not here. */
  private judgeSource(span: Span): Verdict {
    if (kindOf(this.bytes, span) === 'null') return 'keep'
    return this.reject(undefined, 'cannot be limited in a file of requests')
  }

  private listedAt(folded: string): Interest | undefined {
    const listed = (LISTED.get(folded) ?? []).filter(({ parameter }) => {
      const duty = this.limits.duties.get(parameter)
      return duty !== undefined && (duty.refuse || duty.strip || this.isApart(parameter))
    })
    if (listed.length === 0) return undefined
    const judge = (span: Span): Verdict => {
      if (kindOf(this.bytes, span) !== 'string') return 'keep'
      const text = textOfString(this.bytes, span)
      const one = listed.find(({ value }) => value === text)
      if (one === undefined) return 'keep'
      if (this.limits.duties.get(one.parameter)?.refuse === true) {
        return this.reject(one.parameter, REFUSED)
      }
      if (this.limits.duties.get(one.parameter)?.strip !== true) {
        this.present.add(one.parameter)
        return 'keep'
      }
      this.changed.add(one.parameter)
      return 'remove'
    }
    return { below: { strict: false, element: { judge } } }
  }

  private inputMember(key: string): Interest | 'reject' | undefined {
    const folded = foldFieldName(key)
    const all = this.speltAs(folded)
    const spelt = all.find(({ parameter }) => !this.isWatchedOnly(parameter))
    const inList = 'cannot be limited in a list of inputs'
    // Libraries in C end a key at NUL.
    if (key.includes('\0')) return this.reject(undefined, inList)
    if (spelt !== undefined) {
      const judge = (span: Span): Verdict =>
        kindOf(this.bytes, span) === 'null' ? 'keep' : this.reject(spelt.parameter, inList)
      return { judge }
    }
    if (all.length > 0) return { judge: (span) => this.notePresent(all, span) }
    if (OBJECTS.has(folded)) return { below: this.inputs }
    const judge = (span: Span): Verdict => this.judgeName(span)
    if (folded === 'columns') return { judge, below: { strict: false, element: { judge } } }
    return folded === 'name' ? { judge } : undefined
  }

  private isApart(parameter: ParameterName): boolean {
    return this.limits.apart?.some(({ names }) => names.includes(parameter)) === true
  }

  private isWatchedOnly(parameter: ParameterName): boolean {
    const duty = this.limits.duties.get(parameter)
    return duty !== undefined && isWatchedOnly(duty)
  }

  /** Nothing is done to it, but what must not come with it must not be there. */
  private notePresent(spelt: readonly Spelt[], span: Span): Verdict {
    const kind = kindOf(this.bytes, span)
    for (const { parameter, exceptFlags } of spelt) {
      if (exceptFlags && kind === 'flag') continue
      if (this.asks(span, kind)) this.present.add(parameter)
    }
    return 'keep'
  }

  /** Of a tensor, or of a column of a table. */
  private judgeName(span: Span): Verdict {
    if (kindOf(this.bytes, span) !== 'string') return 'keep'
    const name = foldFieldName(textOfString(this.bytes, span))
    const all = this.speltAs(name)
    const named = all.find(({ parameter }) => !this.isWatchedOnly(parameter))
    if (named === undefined && all.length > 0) return this.notePresent(all, span)
    if (named === undefined && !OBJECTS.has(name)) return 'keep'
    return this.reject(named?.parameter, 'cannot be limited in a tensor or table')
  }

  /** The length that the request did not ask for. */
  private addition(root: Place): Edit | undefined {
    const add = this.limits.duties.get('max_tokens')?.add
    if (add === undefined || this.hasLength) return undefined
    this.changed.add('max_tokens')
    const tokens = String(Math.min(add, this.leastElsewhere))
    const [first, second] = this.limits.addAt
    if (second === undefined) return this.insertion(root, '', first, tokens)
    const place = this.places.get(`.${first}`)
    if (place !== undefined) return this.insertion(place, `.${first}`, second, tokens)
    return this.insertion(root, '', first, `{"${second}":${tokens}}`)
  }

  private insertion(place: Place, path: string, key: string, text: string): Edit {
    const empty = this.nulls.get(`${path}.${key}`)
    if (empty !== undefined) return { ...empty, text }
    const { insertAt, kept } = place
    return { start: insertAt, end: insertAt, text: `"${key}":${text}${kept > 0 ? ',' : ''}` }
  }

  /** `why` follows the name of the parameter; the value is never told. */
  private reject(parameter: ParameterName | undefined, why: string): 'reject' {
    const { duties } = this.limits
    const source = parameter === undefined ? undefined : duties.get(parameter)?.source
    const what = source === undefined ? [...duties.keys()].join(', ') : parameter
    const where = source ?? [...new Set([...duties.values()].map((duty) => duty.source))].join(', ')
    this.refusal ??= refuse('parameter_refused', {
      detail: `The parameter ${what} ${why}, says the limit in ${where}.`,
    })
    return 'reject'
  }
}

const REFUSED = 'is not allowed here'
