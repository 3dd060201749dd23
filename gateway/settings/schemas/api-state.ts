/** Answers of the control API about the journal and the replicas that work with it. */
import { z } from 'zod'
import { instant, milliseconds, pageOf } from './api-fields.ts'

const replica = z.strictObject({
  id: z.string(),
  name: z.string().describe('Host and process id.'),
  seq: z.int().min(0).describe('The last entry of the journal in force there.'),
  lag: z
    .int()
    .min(0)
    .describe('Entries that are in force here and were not there when it said so.'),
  said_at: instant,
})

const state = z.strictObject({
  epoch: z.string().describe('Identifies the journal; another one means another journal.'),
  seq: z.int().min(0).describe('The last entry in force here.'),
  at: instant.describe('When the store took that entry; ISO 8601, UTC.'),
  fresh: z.boolean().describe('Whether privileged actions may rely on what is known here.'),
  staleness_ms: milliseconds.describe('Since it was last known that nothing newer is there.'),
  requests: z.strictObject({ pending: z.int().min(0) }),
  grants: z.strictObject({ active: z.int().min(0) }),
  locks: z.strictObject({ active: z.int().min(0) }),
})

/** Answers by name. */
export const STATE_ANSWERS = { state, replicas: pageOf(replica) } as const
