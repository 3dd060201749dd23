/** What requests, grants and locks have in common on the command line: they have ids and stand in lists. */
import type { Paint } from '../output/paint.ts'
import { textOption } from '../report.ts'
import type { Verb } from '../verb.ts'
import { allItems, controlVerb, onlyArgument, segment, type ControlUse } from './control-verb.ts'
import type { Document } from './document.ts'

/** Where things of a kind are in the API, and what one is called. */
export interface Things {
  /** `/v1/requests` */
  readonly path: string
  readonly name: string
}

/** The one that the argument names. */
export async function getOne(use: ControlUse, things: Things): Promise<Document> {
  return (await use.call({ method: 'GET', path: pathOf(use, things) })).document
}

/** Does something to the one that the argument names; answers with how it is then. */
export async function changeOne(
  use: ControlUse,
  things: Things,
  change: { readonly what: string; readonly body: object },
): Promise<Document> {
  const path = `${pathOf(use, things)}/${change.what}`
  return (await use.call({ method: 'POST', path, body: change.body })).document
}

function pathOf({ positionals }: ControlUse, { path, name }: Things): string {
  return `${path}/${segment(onlyArgument(positionals, `the id of one ${name}`))}`
}

/** A verb that lists what somebody asked for or holds. */
export function listVerb(
  { path }: Things,
  of: {
    readonly statuses: readonly string[]
    readonly mine: string
    readonly examples: readonly string[]
    readonly table: (items: readonly Document[], paint: Paint) => string
  },
): Verb {
  return controlVerb({
    options: {
      status: {
        type: 'string',
        value: 'STATUS',
        words: of.statuses,
        help: of.statuses.join(', '),
      },
      mine: { type: 'boolean', help: of.mine },
      model: { type: 'string', value: 'NAME', help: 'only those for this model: model:fraud' },
    },
    examples: of.examples,
    async show({ call, options }) {
      const items = await allItems(call, path, {
        status: textOption(options, 'status'),
        mine: options['mine'] === true ? 'true' : undefined,
        // Everywhere else a model is named as rules name it.
        model: textOption(options, 'model')?.replace(/^model:/, ''),
      })
      return { document: { items }, text: (paint) => of.table(items, paint) }
    },
  })
}
