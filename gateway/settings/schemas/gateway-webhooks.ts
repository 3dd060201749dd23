/** `webhooks` of config/gateway.yaml: who is told of requests, grants, locks, reviews and incidents. */
import { z } from 'zod'
import { durationBetween, filePath, secureUrl, shortName } from './fields.ts'
import { trustedNetwork } from './networks.ts'

const webhook = z
  .strictObject({
    name: shortName.describe('Name of the webhook, in metrics and in how far it has come.'),
    url: secureUrl.optional().describe('Where to; https, or http to this machine.'),
    url_file: filePath
      .optional()
      .describe('File with the URL, instead of url: for addresses that are secrets, as of Slack.'),
    secret_file: filePath
      .optional()
      .describe('File with the secret that signs, at least 24 bytes: whsec_<base64>, or the text.'),
    events: z
      .array(
        z
          .string()
          .regex(/^[a-z*][a-z.*-]{0,63}$/, 'expected a type of events such as lock.set or grant.*'),
      )
      .min(1)
      .max(64)
      .prefault([
        'request.*',
        'grant.*',
        'lock.*',
        'drill.*',
        'review.*',
        'version.*',
        'incident.*',
      ])
      .describe(
        'Types of events that are sent: request.created, lock.*; decision.refused if wanted.',
      ),
    template: z
      .enum(['json', 'slack'])
      .prefault('json')
      .describe('json: the event as data. slack: text and blocks for an incoming webhook.'),
    timeout: durationBetween('100ms', '60s').prefault('10s').describe('Longest wait.'),
    give_up_after: durationBetween('1m', '7d')
      .prefault('24h')
      .describe('Age at which an event that could not be delivered is dropped, and counted.'),
    allow_networks: z
      .array(trustedNetwork)
      .max(64)
      .prefault([])
      .describe('Private networks (CIDR) it may be in; none by default.'),
    allow_loopback: z.boolean().prefault(false).describe('Whether it may be on this machine.'),
    ca_file: filePath.optional().describe('Certificates to trust instead of the system’s.'),
  })
  .superRefine((value, context) => {
    const issue = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message })
    }
    if ((value.url === undefined) === (value.url_file === undefined)) {
      issue('url', 'write one of url and url_file')
    }
    if (value.template === 'json' && value.secret_file === undefined) {
      issue('secret_file', 'without a signature anybody could send it; write a secret_file')
    }
  })

/** `webhooks`. */
export const webhooks = z
  .array(webhook)
  .max(16)
  .prefault([])
  .describe('Who is told of requests, grants, locks, reviews and incidents.')

/** Webhooks whose names were given before. */
export function webhookClashes(
  all: z.output<typeof webhooks>,
): { readonly path: (string | number)[]; readonly message: string }[] {
  return all.flatMap(({ name }, index) => {
    const first = all.findIndex((one) => one.name === name)
    const message = `webhook ${first + 1} has the name ${name} too; names are unique`
    return first < index ? [{ path: ['webhooks', index, 'name'], message }] : []
  })
}
