/** The parts of config/gateway.yaml about what replicas share and about keys for data. */
import { z } from 'zod'
import { durationBetween, filePath } from './fields.ts'

/** How far the state may be behind; the same for both kinds. */
const staleness = {
  max_staleness: durationBetween('1s', '5m')
    .prefault('5s')
    .describe(
      'Longest time that a replica relies on requests, grants, locks and reviews as it last read ' +
        'them; past it, privileged actions are refused.',
    ),
  when_stale: z
    .enum(['refuse', 'continue'])
    .prefault('refuse')
    .describe(
      'What read and infer do past max_staleness: continue goes by the locks that are known, and ' +
        'does not see new ones.',
    ),
}

const embedded = z.strictObject({
  kind: z.literal('embedded').describe('One machine; a folder.'),
  dir: filePath.prefault('data/store').describe('Folder of the store; made when absent.'),
  ...staleness,
})

const redis = z.strictObject({
  kind: z.literal('redis').describe('Redis 7 or later, for any number of replicas.'),
  url_file: filePath.describe(
    'File with the URL: redis:// to this machine, else rediss://; or redis+sentinel:// or ' +
      'redis+cluster:// with several hosts.',
  ),
  ca_file: filePath.optional().describe('Certificates to trust instead of the system’s.'),
  prefix: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'expected lower-case letters, digits and hyphens, such as mg')
    .prefault('modelgate')
    .describe('What every key begins with; replicas that share state have the same.'),
  command_timeout: durationBetween('10ms', '10s')
    .prefault('250ms')
    .describe('Longest wait for an answer; after it the store counts as unavailable.'),
  connect_timeout: durationBetween('10ms', '30s')
    .prefault('1s')
    .describe('Longest wait for a connection.'),
  ...staleness,
  wait_replicas: z
    .int()
    .min(0)
    .max(5)
    .prefault(0)
    .describe(
      'Replicas of Redis that must have an entry of the journal, or a use of a grant, before it ' +
        'counts as done (WAIT); with fewer it counts as failed.',
    ),
  wait_timeout: durationBetween('10ms', '10s')
    .prefault('100ms')
    .describe('Longest wait for those replicas, beside command_timeout.'),
})

/** `store`. */
export const store = z
  .discriminatedUnion('kind', [embedded, redis])
  .prefault({ kind: 'embedded' })
  .describe(
    'What replicas share: the journal of requests, grants, locks and reviews; budgets used, uses of ' +
      'grants, callers that are kept out.',
  )

/** `data_tokens`. */
export const dataTokens = z
  .strictObject({
    key_file: filePath.describe('File with at least 32 random bytes, in base64 or hex.'),
  })
  .optional()
  .describe('The key from which the keys of tokens of data are derived, one for each dataset.')

/** `budgets`. */
export const budgets = z
  .strictObject({
    lease: z
      .int()
      .min(1)
      .max(100)
      .prefault(5)
      .describe(
        'Percentage of a budget that a replica takes at a time. What replicas together let ' +
          'through beyond a budget, while the store does not answer, is at most this of each.',
      ),
    when_unavailable: z
      .enum(['refuse', 'continue'])
      .prefault('refuse')
      .describe('What becomes of requests with a budget while the store cannot be asked.'),
  })
  .prefault({})
  .describe('How budgets are counted.')
