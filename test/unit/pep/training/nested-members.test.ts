/** Nothing in the body of a training names data that the grant does not: at no depth, in no spelling. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { BODY, startTrainingWorld, type TrainingWorld } from '../../../support/training.ts'
import { builtInPack } from '../../classify/support.ts'

let world: TrainingWorld
beforeAll(async () => {
  await builtInPack('openai')
  world = await startTrainingWorld()
}, 60_000)
afterAll(() => world.pipeline.close())
beforeEach(() => void world.forwarded.splice(0))

const JOBS = '/v1/fine_tuning/jobs'
const EPOCHS = { n_epochs: 3, batch_size: 'auto', learning_rate_multiplier: 0.1 }

describe('a body that says how to train', () => {
  it.each([
    ['in the way of before', { hyperparameters: EPOCHS }],
    ['by supervision', { method: { type: 'supervised', supervised: { hyperparameters: EPOCHS } } }],
    [
      'by preference',
      { method: { type: 'dpo', dpo: { hyperparameters: { beta: 0.1, ...EPOCHS } } } },
    ],
    ['with notes', { metadata: { team: 'risk', ticket: 'OPS-7', note: 'quarter 3, 50/50 split' } }],
    ['with nothing where something could be', { hyperparameters: {}, method: null, seed: null }],
  ])('is sent as it is: %s', async (_how, more) => {
    const body = { ...BODY, ...more }
    expect((await world.post(JOBS, body)).status).toBe(200)
    expect(world.forwarded).toEqual([JSON.stringify(body)])
  })
})

describe('a body that names more data, or another place', () => {
  const grader = { type: 'score_model', name: 'g', model: 'gpt-other', input: [] }
  it.each<readonly [string, object]>([
    [
      'a file beside the hyperparameters',
      { hyperparameters: { ...EPOCHS, training_file: 'file-x' } },
    ],
    ['a file instead of a number', { hyperparameters: { n_epochs: 'file-x' } }],
    ['an object instead of a number', { hyperparameters: { n_epochs: { file: 'file-x' } } }],
    ['a list instead of a number', { hyperparameters: { n_epochs: ['file-x'] } }],
    ['a list of hyperparameters', { hyperparameters: [EPOCHS] }],
    ['hyperparameters that are a text', { hyperparameters: 'file-x' }],
    ['a file of a method', { method: { type: 'dpo', dpo: { file: 'file-x' } } }],
    [
      'a file of a method, deeper',
      { method: { dpo: { hyperparameters: { training_file: 'x' } } } },
    ],
    ['a method that nobody knows', { method: { type: 'next', next: { data: 'x' } } }],
    ['a type that is a place', { method: { type: 's3://bucket/x' } }],
    ['a grader with a model', { method: { type: 'reinforcement', reinforcement: { grader } } }],
    ['integrations', { integrations: [{ type: 'wandb', wandb: { project: 'x' } }] }],
    ['empty integrations', { integrations: [] }],
    ['more files', { training_files: ['file-x'] }],
    ['a test file', { test_file: 'file-x' }],
    ['a list in the place of a file', { validation_file: ['file-check', 'file-x'] }],
    ['an object in the place of a file', { validation_file: { id: 'file-check' } }],
    ['a seed that is a file', { seed: 'file-x' }],
    ['notes in notes', { metadata: { a: { training_file: 'file-x' } } }],
    ['a list in notes', { metadata: { a: ['file-x'] } }],
    ['notes that are a list', { metadata: ['file-x'] }],
    ['a name that is a prototype', JSON.parse('{"__proto__":{"training_file":"x"}}') as object],
    ['a suffix with a version', { suffix: 'fraud@2' }],
    ...[
      ...['file-x', ' file-x', 'FILE-x', 'see file-x', 'file_1', 'dataset:x', 'datasets/acme/x'],
      ...['s3://b/x', 'S3://b/x', 'hf://datasets/x', 'hf:acme/x', 'https://h/x', 'abfss://c@a/x'],
      ...['gs://b/x', 'file:///etc/x', 'arn:aws:s3:::b/x', 'azureml:x:1', 'data:text/plain,x'],
      ...[
        '/mnt/x',
        './x',
        '../x',
        'a/../x',
        '~/x',
        'C:\\x',
        '\\\\host\\x',
        'upload_1',
        'runs:/r/x',
      ],
    ].map((text) => [`in notes, ${text}`, { metadata: { note: text } }] as const),
  ])('is not sent: %s', async (_what, more) => {
    const { status, reason } = await world.post(JOBS, Object.assign(copyOf(BODY), more))
    expect({ status, reason }).toEqual({ status: 403, reason: 'grant_mismatch' })
    expect(world.forwarded).toEqual([])
    expect(world.replica.events).toEqual(BEGUN)
  })

  it.each([
    ['a number twice', '"hyperparameters":{"n_epochs":1,"n_epochs":2}'],
    ['a number in another case', '"hyperparameters":{"N_Epochs":2}'],
    ['a method twice', '"method":{"type":"dpo"},"method":{"type":"supervised"}'],
    ['notes twice', '"metadata":{"a":"1","a":"file-x"}'],
  ])('is not sent when it says it in two ways: %s', async (_what, member) => {
    const body = `${JSON.stringify(BODY).slice(0, -1)},${member}}`
    expect((await world.post(JOBS, body)).status).toBeGreaterThanOrEqual(400)
    expect(world.forwarded).toEqual([])
  })
})

const copyOf = (body: object): object => Object.assign(Object.create(null) as object, body)

/** What the bodies before have left in the journal. */
let BEGUN: unknown[] = []
beforeEach(() => {
  BEGUN = [...world.replica.events]
})
