/** What verbs that call the control API have in common. */
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { createPaint, type Paint } from '../output/paint.ts'
import { plainLines } from '../../domain/plain-text.ts'
import { wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { CONTROL_OPTIONS, controlClient, type CallControl } from './client.ts'
import { documentsIn, textIn, type Document } from './document.ts'

/** One use of such a verb. */
export interface ControlUse {
  readonly call: CallControl
  readonly options: OptionValues
  readonly positionals: readonly string[]
  readonly io: CliIo
}

/** What is shown: a document for machines, and the same for people. */
export interface Shown {
  readonly document: object
  readonly text: (paint: Paint) => string
  /** 0 when absent. */
  readonly code?: number
}

/**
 * Where the API has what options say: paths in bodies, without the numbers of lists, each with its
 * option or those of which one is given. What is called alike needs no line.
 */
export type OptionFields = Readonly<Record<string, string | readonly string[]>>

/** A verb that calls the API and shows what came of it. */
export function controlVerb(
  verb: Omit<Verb, 'run'> & {
    readonly fields?: OptionFields
    readonly show: (use: ControlUse) => Promise<Shown>
  },
): Verb {
  const { show, fields = {}, ...rest } = verb
  return {
    ...rest,
    options: { ...verb.options, ...CONTROL_OPTIONS },
    async run(options, positionals, io) {
      const call = await controlClient(options, io, (field) => optionOf(field, fields, options))
      const shown = await show({ call, options, positionals, io })
      if (wantsJson(options)) io.out(`${plainLines(JSON.stringify(shown.document, null, 2))}\n`)
      else io.out(shown.text(createPaint(io.colour)))
      return shown.code ?? EXIT.ok
    },
  }
}

/** The option that was given for `field` or, of a list, for what `field` is part of. */
function optionOf(field: string, fields: OptionFields, options: OptionValues): string | undefined {
  const parts = field.split('.')
  while (parts.length > 0) {
    const path = parts.join('.')
    const names = [Object.hasOwn(fields, path) ? (fields[path] ?? []) : path].flat()
    const name = names.find((one) => options[one] !== undefined)
    if (name !== undefined) return name
    parts.pop()
  }
  return undefined
}

/** The one argument that the verb takes. @throws ERR_USAGE */
export function onlyArgument(positionals: readonly string[], what: string): string {
  const [one, ...more] = positionals
  if (one !== undefined && one !== '' && more.length === 0) return one
  throw new GatewayError('ERR_USAGE', `expected ${what}, and nothing more`)
}

/** An option that must be there. @throws ERR_USAGE */
export function neededOption(options: OptionValues, name: string, why: string): string {
  const value = options[name]
  if (typeof value === 'string' && value !== '') return value
  throw new GatewayError('ERR_USAGE', `--${name} is missing: ${why}`)
}

/** One segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text)
}

/** A query of what is given. */
export function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

/** Pages of the longest list that is read to its end. */
const PAGES_MAX = 500

/** Every item of a list, in order. @throws ERR_INTERNAL when the list does not end */
export async function allItems(
  call: CallControl,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<readonly Document[]> {
  const items: Document[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const asked = query({ ...parameters, limit: '200', cursor })
    const { document } = await call({ method: 'GET', path: `${path}${asked}` })
    if (!Array.isArray(document['items'])) {
      throw new GatewayError('ERR_INTERNAL', 'the answer is no list of the control API')
    }
    items.push(...documentsIn(document, 'items'))
    cursor = textIn(document, 'next')
    if (cursor === undefined) return items
  }
  throw new GatewayError('ERR_INTERNAL', 'the list does not end; ask for less of it')
}

/** Parts that are there. */
export function given<T extends object>(parts: T): Partial<T> {
  const there = Object.entries(parts).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(there) as Partial<T>
}
