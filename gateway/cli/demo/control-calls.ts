/** What people say to the control API between the requests of the demo. */
import { GatewayError } from '../../domain/errors.ts'
import { CALLERS, type CallerName } from './callers.ts'
import { send, type HttpAnswer } from './http.ts'
import type { World } from './world.ts'

/**
 * One call, as data. `{id}` and `{digest}`, in path and body, are those of the last answer that
 * had them.
 */
export interface ControlCall {
  readonly caller: CallerName
  /** What is said by it, in a sentence without an end. */
  readonly says: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What of an answer the next call speaks of. */
type Known = Readonly<Record<string, string>>

/**
 * Makes the calls in order, and says of each what was said, how, and what came of it.
 * @throws GatewayError ERR_INTERNAL when one is not answered with 2xx: the demo cannot go on
 */
export async function makeCalls(world: World, calls: readonly ControlCall[]): Promise<string[]> {
  const done: string[] = []
  let known: Known = {}
  for (const call of calls) {
    const path = filled(call.path, known)
    const document = await makeCall(world, call, { path, known })
    known = { ...known, ...textsOf(document) }
    const status = known['status'] ?? 'done'
    done.push(`${CALLERS[call.caller].sub} ${call.says}: POST ${path}, ${status}`)
  }
  return done
}

async function makeCall(
  world: World,
  { caller, body }: ControlCall,
  { path, known }: { readonly path: string; readonly known: Known },
): Promise<Readonly<Record<string, unknown>>> {
  const token = await world.tokens.of(caller)
  const json = filled(JSON.stringify(body), known)
  const answer = await send(world.urls.control, { method: 'POST', path, json }, { token })
  const text = answer.body.toString('utf8')
  if (!isGood(answer)) {
    throw new GatewayError('ERR_INTERNAL', `POST ${path} of ${caller}: ${answer.status} ${text}`)
  }
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

const isGood = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300

function filled(text: string, known: Known): string {
  return text.replaceAll(/\{(id|digest)\}/g, (whole, name: string) => known[name] ?? whole)
}

function textsOf(document: Readonly<Record<string, unknown>>): Known {
  return Object.fromEntries(
    Object.entries(document).filter((entry): entry is [string, string] => {
      const [name, value] = entry
      return ['id', 'digest', 'status'].includes(name) && typeof value === 'string'
    }),
  )
}
