/** Whatever single thing a training differs in from its grant: nothing is sent (threats §2.H 272). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BODY, REGISTERED, startTrainingWorld, type TrainingWorld } from '../support/training.ts'
import { builtInPack } from '../unit/classify/support.ts'

const JOBS = '/v1/fine_tuning/jobs'
let world: TrainingWorld
let catalog: Record<string, object> = { ...REGISTERED }

beforeAll(async () => {
  await builtInPack('openai')
  // The catalog is asked anew for every request, so that one world serves all of them.
  world = await startTrainingWorld({
    datasets: new Proxy(REGISTERED, {
      getOwnPropertyDescriptor: (_, name) => Object.getOwnPropertyDescriptor(catalog, name),
      get: (_, name) => catalog[String(name)],
    }),
  })
}, 60_000)
afterAll(() => world.pipeline.close())

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const members = ['model', 'training_file', 'validation_file', 'suffix'] as const

interface Difference {
  readonly body: object
  readonly catalog?: Record<string, object>
}

const difference: fc.Arbitrary<Difference> = fc.oneof(
  // Another dataset, base or destination.
  fc
    .tuple(fc.constantFrom(...members), name)
    .filter(([member, other]) => BODY[member] !== other)
    .map(([member, other]) => ({ body: { ...BODY, [member]: other } })),
  // One of them absent, empty or of another type.
  fc
    .tuple(fc.constantFrom(...members), fc.constantFrom(undefined, '', null, 7, [], {}, ['x']))
    .map(([member, value]) => ({ body: { ...BODY, [member]: value } })),
  // One of them in another case, or with something around it.
  fc
    .tuple(fc.constantFrom(...members), fc.constantFrom('upper', 'space', 'nul', 'slash'))
    .map(([member, how]) => ({ body: { ...BODY, [member]: twisted(BODY[member], how) } })),
  // A member that nobody knows.
  fc
    .tuple(name, fc.jsonValue())
    .filter(([member]) => !KNOWN.has(member.toLowerCase()))
    .map(([member, value]) => ({ body: { ...BODY, [member]: value } })),
  // The two datasets the one for the other, with one of them twice.
  fc.constant({ body: { ...BODY, validation_file: BODY.training_file } }),
  // The dataset is another one by now, or nobody knows what it is.
  fc
    .tuple(fc.constantFrom('file-train', 'file-check'), fc.option(hex))
    .filter(([file, digest]) => !JSON.stringify(REGISTERED[file]).includes(digest ?? '-'))
    .map(([file, digest]) => ({
      body: BODY,
      catalog: { ...REGISTERED, [file]: registered(digest, { training: 'allowed' }) },
    })),
  // It is of a class that must not be trained with.
  fc
    .tuple(fc.constantFrom('file-train', 'file-check'), name)
    .filter(([, classification]) => classification !== 'internal')
    .map(([file, classification]) => {
      const digest = (file === 'file-train' ? 'a' : 'b').repeat(64)
      return {
        body: BODY,
        catalog: { ...REGISTERED, [file]: registered(digest, { classification }) },
      }
    }),
)

/** Of the API, with or without a meaning for a training. */
const KNOWN = new Set(
  'model training_file validation_file suffix seed method hyperparameters metadata'.split(' '),
)

function twisted(text: string, how: string): string {
  if (how === 'upper') return text.toUpperCase()
  if (how === 'space') return ` ${text}`
  return how === 'nul' ? `${text}\u0000` : `${text}/`
}

function registered(digest: string | null, more: object): object {
  return { tags: [], ...(digest === null ? {} : { digest: `sha256:${digest}` }), ...more }
}

async function sent(given: Difference) {
  catalog = given.catalog ?? { ...REGISTERED }
  const before = { forwarded: world.forwarded.length, runs: world.replica.state.runs.size }
  const { status } = await world.post(JOBS, given.body)
  const forwarded = world.forwarded.length - before.forwarded
  return { status, forwarded, runs: world.replica.state.runs.size - before.runs }
}

describe('a training under a grant for one', () => {
  it('is not sent, and leaves no run, when a single thing differs', async () => {
    await fc.assert(
      fc.asyncProperty(difference, async (given) => {
        const { status, forwarded, runs } = await sent(given)
        expect(status).toBeGreaterThanOrEqual(400)
        expect({ forwarded, runs }).toEqual({ forwarded: 0, runs: 0 })
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  it('is sent, and on record, in whatever order its members come', async () => {
    const order = fc.shuffledSubarray(Object.entries(BODY), { minLength: Object.keys(BODY).length })
    await fc.assert(
      fc.asyncProperty(order, async (entries) => {
        const done = await sent({ body: Object.fromEntries(entries) })
        expect(done).toEqual({ status: 200, forwarded: 1, runs: 1 })
      }),
      { numRuns: 30 },
    )
  }, 60_000)
})
