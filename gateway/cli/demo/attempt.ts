/** One request of the demo, its answer, and what ledger and model server have of it. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { decisionOn, type Judged } from './evidence.ts'
import { send, type Ask, type HttpAnswer } from './http.ts'
import type { World } from './world.ts'

/** What a request of the demo was answered with, and why. */
export interface Got {
  readonly status: number
  readonly effect: string
  readonly reason?: string
  /** `rules/policy.csv:12`, below the folder of the demo. */
  readonly rule?: string
  /** The rule as written, with single spaces. */
  readonly ruleText?: string
  readonly failed: Judged['failed']
  /** What reached the model server, as its own record has it: `GET /v2/models`. */
  readonly arrived: readonly string[]
  readonly challenge?: string
  /** The JSON body, or what there is to say of a file. */
  readonly body?: unknown
}

/** Sends `ask` to the gateway; resolves once the decision on it is in the ledger. */
export async function attempt(
  world: World,
  ask: Ask,
  requestId: string,
): Promise<{ got: Got; body: Buffer }> {
  const token = ask.caller === undefined ? undefined : await world.tokens.of(ask.caller)
  const countBefore = world.arrivals.count
  const answer = await send(world.urls.gateway, ask, { token, requestId })
  const named = answer.headers['x-modelgate-decision-id']
  const decisionId = typeof named === 'string' ? named : undefined
  const judged = await decisionOn(world, { requestId, decisionId })
  const count = world.arrivals.count - countBefore
  const arrived = count === 0 ? [] : world.arrivals.recent.slice(-count)
  const challenge = answer.headers['www-authenticate']
  const body = answer.body.length === 0 ? undefined : readBody(world, answer)
  const got = {
    status: answer.status,
    ...judged,
    ...cutBecause(answer.status, judged.effect, body),
    ...(judged.rule === undefined ? {} : await ruleAt(world, judged.rule)),
    arrived: arrived.map(({ method, target }) => `${method} ${target}`),
    ...(challenge === undefined ? {} : { challenge }),
    ...(body === undefined ? {} : { body }),
  }
  return { got, body: answer.body }
}

/** Of a request that was permitted and whose answer was cut: why, as the caller reads it. */
function cutBecause(status: number, effect: string, body: unknown): { reason?: string } {
  if (effect !== 'permit' || status < 400 || typeof body !== 'object' || body === null) return {}
  const { reason } = body as Readonly<Record<string, unknown>>
  return typeof reason === 'string' ? { reason } : {}
}

/** The place of a rule (below the rules folder) from the folder of the demo, and what it says. */
async function ruleAt(world: World, place: string): Promise<{ rule: string; ruleText: string }> {
  const colon = place.lastIndexOf(':')
  const path = resolve(world.paths.rules, place.slice(0, colon))
  const line = Number(place.slice(colon + 1))
  const text = (await readFile(path, 'utf8')).split('\n')[line - 1] ?? ''
  return {
    rule: `${relative(world.folder, path)}:${line}`,
    ruleText: text.trim().replaceAll(/\s+/g, ' '),
  }
}

function readBody(world: World, { headers, body }: HttpAnswer): unknown {
  if (headers['content-type']?.includes('json') !== true) {
    const sha256 = createHash('sha256').update(body).digest('hex')
    return { bytes: body.length, sha256 }
  }
  // The folder of the demo is long, random and said once.
  return JSON.parse(body.toString('utf8').replaceAll(`${world.folder}/`, '')) as unknown
}
