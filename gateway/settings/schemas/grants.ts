/**
 * The shape of `rules/grants.yaml`: extra privilege that was agreed on beforehand, for a while, and
 * that a request makes use of by being of its holder, action and resource. A rule must still allow
 * the request; conditions of kind `grant` and `approval` test what is written here.
 */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { sizeBetween } from './fields.ts'

const holder = z
  .string()
  .regex(/^(user|group|role):\S(.{0,500}\S)?$/, 'expected user:, group: or role: and a name')
  .refine((name) => !name.includes('*'), 'holders are exact; * has no meaning here')

const instant = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-11-22T18:00:00Z' })
  .transform((text) => Date.parse(text))

const resource = z
  .string()
  .regex(
    /^(model|dataset):[A-Za-z0-9._/:-]{1,256}(@[A-Za-z0-9._-]{1,128})?$|^server:[a-z0-9-]{1,32}$/,
    'expected one resource such as model:fraud-7b@3; a grant is for what it names, without *',
  )

const approval = z.strictObject({
  by: z.string().regex(/^user:\S{1,500}$/, 'expected user:<issuer>/<subject>'),
  holds: z.array(holder).max(64).prefault([]).describe('Groups and roles held when agreeing.'),
  at: instant.describe('When.'),
})

const grant = z
  .strictObject({
    description: z.string().max(500).optional().describe('What it is for, for people.'),
    to: z.array(holder).min(1).max(64).describe('Who holds it.'),
    actions: z.array(z.enum(ACTIONS)).min(1).max(ACTIONS.length).describe('For which actions.'),
    resources: z.array(resource).min(1).max(64).describe('For which resources, exactly.'),
    starts: instant.optional().describe('From when; from the beginning of time if absent.'),
    expires: instant.describe('Until when; a transfer ends with it.'),
    uses: z.int().min(1).max(1_000_000).optional().describe('Transfers it is good for.'),
    bytes: sizeBetween('1B', '1024TiB').optional().describe('Bytes of all transfers together.'),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 lower-case hex digits')
      .optional()
      .describe('Of the one file it is for.'),
    approvals: z.array(approval).max(16).prefault([]).describe('Who agreed to it, and when.'),
  })
  .refine(({ starts, expires }) => starts === undefined || starts < expires, {
    path: ['expires'],
    message: 'ends before it starts',
  })

const ID_PROBLEM = 'ids are up to 64 lower-case letters, digits and hyphens, letter first'

/** `rules/grants.yaml`. */
export const grantsSchema = z.strictObject({
  grants: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), grant, {
      error: (issue) => (issue.code === 'invalid_key' ? ID_PROBLEM : undefined),
    })
    .refine((given) => Object.keys(given).length <= 10_000, { message: 'more than 10000 grants' })
    .describe('Grants by id; an id is never used again for something else.'),
})

/** What is written of one grant; times in milliseconds since the epoch, sizes in bytes. */
export type GrantSpec = z.output<typeof grant>
