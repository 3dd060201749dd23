/** The parts of config/gateway.yaml about this process: trust in hops, limits, files. */
import { z } from 'zod'
import { count, durationBetween, filePath, hostName, sizeBetween } from './fields.ts'
import { trustedNetwork } from './networks.ts'

/** `hosts`. */
export const hosts = z
  .array(hostName)
  .max(1024)
  .prefault([])
  .describe(
    'Host names accepted beside every match.host of the upstreams. When this list is empty and ' +
      'an upstream has no match.host, any well-formed Host is accepted.',
  )

/** `trusted_proxies`. */
export const trustedProxies = z
  .array(trustedNetwork)
  .max(1024)
  .prefault([])
  .describe(
    'Networks (CIDR) of the proxies in front whose forwarding and posture headers count. ' +
      'None by default; a network that holds everyone is refused.',
  )

/** `forwarded_header`. */
export const forwardedHeader = z
  .enum(['x-forwarded-for', 'forwarded'])
  .prefault('x-forwarded-for')
  .describe('The one header in which trusted proxies write the client address (RFC 7239).')

/** `limits`. */
export const limits = z
  .strictObject({
    header_bytes: sizeBetween('1KiB', '256KiB')
      .prefault('16KiB')
      .describe('Size of all header fields of a request together.'),
    header_count: count(8, 1000).prefault(100).describe('Number of header fields of a request.'),
    target_bytes: sizeBetween('64B', '64KiB')
      .prefault('8KiB')
      .describe('Length of the request target, path and query.'),
    body_bytes: sizeBetween('1B', '1024TiB')
      .optional()
      .describe('Size of a request body; bodies of any size stream when absent.'),
    peek_bytes: sizeBetween('1KiB', '64MiB')
      .prefault('1MiB')
      .describe(
        'How much of a body is held to find the model; of a longer one the rest is watched.',
      ),
    concurrent_requests: count(1, 1_000_000)
      .prefault(10_000)
      .describe('Requests in flight at once; more are refused with 503.'),
    connections: count(1, 1_000_000)
      .prefault(20_000)
      .describe('Client connections open at once; more are closed.'),
    headers_timeout: durationBetween('100ms', '5m')
      .prefault('10s')
      .describe('Time for a client to send all header fields.'),
    body_idle_timeout: durationBetween('100ms', '1h')
      .prefault('60s')
      .describe('Longest pause of a client within a request body.'),
    keep_alive_timeout: durationBetween('1s', '1h')
      .prefault('65s')
      .describe('How long an idle client connection is kept open.'),
  })
  .prefault({})
  .describe('Bounds on what clients send and hold.')

/** `rules`. */
export const rules = z
  .strictObject({
    dir: filePath.prefault('rules').describe('Directory with the policy files.'),
    poll: durationBetween('100ms', '1h')
      .prefault('10s')
      .describe('How often the files are looked at besides change notifications.'),
    history_dir: filePath
      .prefault('data/rules')
      .describe('Directory in which every accepted rule set is kept, and the pin.'),
    history_max: count(2, 10_000)
      .prefault(100)
      .describe('Rule sets kept; the pinned one and the one in force are never removed.'),
    trusted_keys_files: z
      .array(filePath)
      .max(16)
      .prefault([])
      .describe(
        'PEM files with Ed25519 public keys; when set, only rule sets signed with one of them ' +
          'are accepted (modelgate rules sign).',
      ),
  })
  .prefault({})
  .describe('Where the policy is.')

/** `assertion`. */
export const assertion = z
  .strictObject({
    signing_key_file: filePath
      .optional()
      .describe(
        'PEM file (PKCS #8) with the private key that signs identity assertions for upstreams; ' +
          'a key that lives as long as the process when absent.',
      ),
    lifetime: durationBetween('1s', '30s')
      .prefault('30s')
      .describe('How long an assertion is good for, at most 30s.'),
  })
  .prefault({})
  .describe('The signed statement of who calls, for upstreams.')

/** `log`. */
export const log = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .prefault('info')
      .describe('Least severe level that is written.'),
  })
  .prefault({})
  .describe('The operational log on standard output.')

/** `shutdown`. */
export const shutdown = z
  .strictObject({
    drain: durationBetween('0s', '1h')
      .prefault('25s')
      .describe('How long requests in flight may take to finish.'),
    delay: durationBetween('0s', '5m')
      .prefault('0s')
      .describe('Wait before the listener closes, for load balancers to notice.'),
  })
  .prefault({})
  .describe('What happens on SIGTERM.')

/** `pdp`. */
export const pdp = z
  .strictObject({
    engine: z
      .enum(['compiled', 'casbin'])
      .prefault('compiled')
      .describe(
        'What evaluates the rules: an index compiled from them, or the Casbin interpreter, which ' +
          'gives the same answers and takes longer with every rule.',
      ),
  })
  .prefault({})
  .describe('The decision point.')
