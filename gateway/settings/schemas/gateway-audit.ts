/** The part of config/gateway.yaml about the ledger. */
import { z } from 'zod'
import {
  durationBetween,
  filePath,
  isLoopbackHost,
  secureUrl,
  shortName,
  sizeBetween,
} from './fields.ts'

const vkey = z
  .string()
  .regex(
    /^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/,
    'expected a key of signed notes: <name>+<id>+<base64>',
  )

/** Some; an empty list would let nothing through, which nobody means. */
function named<T extends z.ZodType>(one: T): z.ZodArray<T> {
  return z.array(one).min(1).max(64)
}

const filter = z
  .strictObject({
    types: named(
      z
        .string()
        .regex(/^[a-z][a-z0-9._-]{0,63}\*?$/, 'expected a type of records such as export or log.*'),
    )
      .optional()
      .describe('Types of records: decision, export, log.*.'),
    actions: named(z.string().min(1).max(64)).optional().describe('Actions that were asked for.'),
    effects: z
      .array(z.enum(['permit', 'deny']))
      .min(1)
      .optional()
      .describe('permit, deny.'),
    reasons: named(z.string().min(1).max(64)).optional().describe('Reasons of refusals.'),
  })
  .prefault({})
  .describe('Only records for which everything that is named here is so.')

const shared = {
  name: shortName.describe('Name of the sink, in metrics and in its cursor file.'),
  when_full: z
    .enum(['block', 'drop'])
    .prefault('drop')
    .describe(
      'What happens once lag_max records wait: block counts as a ledger that cannot be written, ' +
        'drop skips the oldest and counts them.',
    ),
  lag_max: z.int().min(1).max(100_000_000).prefault(100_000).describe('Records that may wait.'),
  filter,
  mask: z
    .array(
      z
        .string()
        .max(200)
        .regex(
          /^(?!(?:v|log|seq|ts|mono|boot|prev|type)(?:\.|$))[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+){0,7}$/,
          'expected the name of a field such as ip or env.ip, not one the ledger itself writes',
        ),
    )
    .max(64)
    .prefault([])
    .describe('Fields that are replaced; each record says which: ip, path, env.ip.'),
}

const sink = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('stdout').describe('stdout: one line each.'), ...shared }),
  z.strictObject({
    type: z.literal('http').describe('http: CloudEvents 1.0 batches.'),
    ...shared,
    url: secureUrl.describe('http: takes a CloudEvents batch by POST.'),
    token_file: filePath.optional().describe('http: file with a bearer token.'),
    ca_file: filePath
      .optional()
      .describe('http, syslog: certificates to trust instead of the system’s.'),
    batch: z.int().min(1).max(1000).prefault(100).describe('http: records in one request at most.'),
    timeout: durationBetween('100ms', '60s').prefault('10s').describe('http: longest wait.'),
  }),
  z.strictObject({
    type: z.literal('syslog').describe('syslog: RFC 5424 over TLS or TCP, octet-counted.'),
    ...shared,
    host: z.string().min(1).max(253).describe('syslog: where it listens.'),
    port: z.int().min(1).max(65_535).prefault(6514).describe('syslog: its port.'),
    tls: z.boolean().prefault(true).describe('syslog: RFC 5425; false only to this machine.'),
    ca_file: filePath
      .optional()
      .describe('http, syslog: certificates to trust instead of the system’s.'),
    facility: z
      .int()
      .min(0)
      .max(23)
      .prefault(13)
      .describe('syslog: 13 is log audit (RFC 5424 §6.2.1).'),
  }),
  z.strictObject({
    type: z.literal('redis').describe('redis: a stream in the Redis of the store.'),
    ...shared,
    stream: z
      .string()
      .min(1)
      .max(200)
      .prefault('audit')
      .describe('redis: name of the stream, behind the prefix of the store.'),
    entries_max: z
      .int()
      .min(1)
      .prefault(1_000_000)
      .describe('redis: about so many entries are kept.'),
  }),
])

/** `audit`. */
export const audit = z
  .strictObject({
    dir: filePath.prefault('data/audit').describe('Directory of the ledger.'),
    deployment: shortName
      .prefault('modelgate')
      .describe('First part of the name of the log: <deployment>/audit/<node>.'),
    node: shortName.prefault('gateway').describe('Name of this instance in every record.'),
    segment_bytes: sizeBetween('64KiB', '16GiB')
      .prefault('128MiB')
      .describe('Size at which a new ledger file is started.'),
    segment_age: durationBetween('1m', '366d')
      .prefault('24h')
      .describe('Age at which a new ledger file is started.'),
    reserve: sizeBetween('64KiB', '1GiB')
      .prefault('16MiB')
      .describe('Kept free on the disk, so that a full one can still be recorded.'),
    retention: durationBetween('1d', '36500d')
      .optional()
      .describe('Age at which records are removed; their hashes stay. For ever when absent.'),
    signing_key_file: filePath
      .optional()
      .describe(
        'Private key that signs checkpoints; modelgate audit keygen writes one. Without it, or a ' +
          'signer, nothing speaks for the end of the ledger.',
      ),
    previous_signing_key_file: filePath
      .optional()
      .describe('The key before, while both sign: a rotation with overlap.'),
    signer: z
      .strictObject({
        socket: filePath.describe('Unix socket of modelgate signer.'),
        vkey: vkey.describe('Its public key.'),
      })
      .optional()
      .describe('A signer in a process of its own, instead of signing_key_file.'),
    witnesses: z
      .array(
        z.strictObject({
          url: secureUrl.describe('Submission prefix; /add-checkpoint is put behind it.'),
          vkey: vkey.describe('Its public key.'),
          ca_file: filePath.optional().describe('Certificates to trust instead of the system’s.'),
        }),
      )
      .max(8)
      .prefault([])
      .describe('Machines that remember how far the ledger had come.'),
    witness_max_age: durationBetween('5s', '7d')
      .optional()
      .describe('Privileged actions are refused once no witness has signed for so long.'),
    manifest: z
      .array(filePath)
      .max(256)
      .prefault([])
      .describe('Directories of the logs of other processes, whose checkpoints this one records.'),
    personal: z
      .strictObject({
        key_dir: filePath.describe('Directory of the keys of persons, outside of the ledger.'),
        fields: z
          .array(z.string())
          .min(1)
          .prefault(['sub', 'email', 'name', 'ip'])
          .describe('Fields that are written encrypted.'),
      })
      .optional()
      .describe('Encrypts personal fields with a key for each person, which can be destroyed.'),
    sinks: z.array(sink).max(16).prefault([]).describe('Where else records go.'),
    when_full: z
      .enum(['refuse', 'continue'])
      .prefault('refuse')
      .describe(
        'What read and infer do when the ledger cannot be written; privileged actions are ' +
          'always refused.',
      ),
  })
  .prefault({})
  .describe('The ledger of decisions and outcomes.')

/** What is wrong with the sinks, seen together and with the store. */
export function sinkClashes(
  { sinks }: z.output<typeof audit>,
  storeKind: string,
): { readonly path: (string | number)[]; readonly message: string }[] {
  return sinks.flatMap((one, index) => {
    const path = ['audit', 'sinks', index]
    const first = sinks.findIndex(({ name }) => name === one.name)
    const clashes = []
    if (first < index) {
      const message = `sink ${first + 1} has the name ${one.name} too; names are unique`
      clashes.push({ path: [...path, 'name'], message })
    }
    if (one.type === 'redis' && storeKind !== 'redis') {
      const message = 'the stream is in the Redis of the store; set store.kind: redis'
      clashes.push({ path: [...path, 'type'], message })
    }
    if (one.type === 'syslog' && !one.tls && !isLoopbackHost(one.host) && one.host !== '::1') {
      const message = 'plain TCP is accepted only for localhost, 127.0.0.0/8 and ::1; set tls: true'
      clashes.push({ path: [...path, 'tls'], message })
    }
    return clashes
  })
}
