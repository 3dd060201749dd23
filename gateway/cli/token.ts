import { resolve } from 'node:path'
import { createDevIssuer } from '../authn/dev-issuer.ts'
import { isLoopbackAddress } from '../authn/http-fetch.ts'
import { systemClock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import { noteUnused, textOption, wantsJson } from './report.ts'
import { claimsFrom, lifetimeFrom } from './token-claims.ts'
import { keyFrom, type PrivateKey } from './token-key.ts'
import type { OptionValues, Verb } from './verb.ts'

/**
 * `modelgate token`: tokens for development, from an issuer that listens on loopback only. `serve`
 * publishes the key with which `mint` signs; both find it in the same file.
 */
export const token: Verb = {
  positionals: 'serve|mint',
  options: {
    port: { type: 'string', value: 'PORT', help: 'port of the issuer (default 9400)' },
    host: {
      type: 'string',
      value: 'ADDRESS',
      help: 'loopback address of the issuer (default 127.0.0.1)',
    },
    key: {
      type: 'string',
      value: 'FILE',
      help: 'private key, created when missing (default data/dev-issuer.json)',
    },
    subject: { type: 'string', value: 'NAME', help: 'mint: who the token is for' },
    audience: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'mint: who it is meant for (default modelgate)',
    },
    role: { type: 'string', value: 'NAME', multiple: true, help: 'mint: a role (repeatable)' },
    group: { type: 'string', value: 'NAME', multiple: true, help: 'mint: a group (repeatable)' },
    amr: { type: 'string', value: 'LIST', help: 'mint: how they logged in, now: pwd,otp' },
    claim: {
      type: 'string',
      value: 'NAME=VALUE',
      multiple: true,
      help: 'mint: another claim; the value is JSON, or else text (repeatable)',
    },
    lifetime: { type: 'string', value: 'TIME', help: 'mint: 1s to 24h (default 15m)' },
  },
  examples: [
    'modelgate token serve --port 9400',
    'modelgate token mint --subject alice --role reader --role inference',
    'modelgate token mint --subject erin --group ml-platform --amr pwd,otp --lifetime 1h',
    'curl -H "Authorization: Bearer $(modelgate token mint --subject alice)" localhost:8080/v2/models',
  ],
  run(options, positionals, io) {
    const [what, ...rest] = positionals
    if (rest.length === 0 && what === 'serve') return serve(options, io)
    if (rest.length === 0 && what === 'mint') return mint(options, io)
    throw new GatewayError('ERR_USAGE', 'token takes serve or mint. Run: modelgate token --help')
  },
}

/** Options that shape a token, and mean nothing to `serve`. */
const MINT_ONLY = ['subject', 'audience', 'role', 'group', 'amr', 'claim', 'lifetime'] as const

async function serve(options: OptionValues, io: CliIo): Promise<number> {
  const stray = MINT_ONLY.find((name) => options[name] !== undefined)
  if (stray !== undefined) throw new GatewayError('ERR_USAGE', `--${stray} is for token mint`)
  const { host, port, file, key } = await commonOptions(options, io)
  const stopped = new Promise<void>((done) => io.onSignal('stop', done))
  const issuer = await createDevIssuer({ host, port, clock: systemClock, privateJwk: key })
  if (wantsJson(options)) {
    io.out(
      `${JSON.stringify({ issuer: issuer.issuer, jwks: `${issuer.issuer}/jwks`, key: file })}\n`,
    )
  } else {
    io.out(`${issuer.issuer}\n`)
    io.err(
      `For development only: whoever reads ${file} is anybody to whoever accepts this issuer.\n` +
        'Accept it in the `issuers` of gateway.yaml:\n' +
        `  - { issuer: "${issuer.issuer}", name: dev, audience: modelgate, roles: [reader] }\n` +
        'Roles of a token count only when `roles` names them.\n' +
        'Ctrl-C stops it.\n',
    )
  }
  await stopped
  await issuer.close()
  return EXIT.ok
}

async function mint(options: OptionValues, io: CliIo): Promise<number> {
  const nowS = Math.floor(systemClock.now() / 1000)
  const claims = claimsFrom(options, nowS)
  const lifetimeS = lifetimeFrom(options)
  const { host, port, key } = await commonOptions(options, io)
  const iss = issuerUrl(host, port)
  // The port of the issuer may be taken, by the very issuer that publishes this key: signing is
  // done by one on a free port, in the name of the other.
  const signer = await createDevIssuer({ host, port: 0, clock: systemClock, privateJwk: key })
  try {
    const payload = { ...claims, iss, iat: nowS, exp: nowS + lifetimeS }
    const text = await signer.mint(payload, { lifetimeS })
    const expires = new Date((nowS + lifetimeS) * 1000).toISOString()
    io.out(wantsJson(options) ? json({ token: text, expires, claims: payload }) : `${text}\n`)
    return EXIT.ok
  } finally {
    await signer.close()
  }
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

async function commonOptions(
  options: OptionValues,
  io: CliIo,
): Promise<{ host: string; port: number; file: string; key: PrivateKey }> {
  noteUnused(options, io, 'a development token depends on its key and claims alone')
  const host = textOption(options, 'host', '127.0.0.1')
  if (!isLoopbackAddress(host)) {
    const message = '--host must be a loopback address (127.0.0.1 or ::1): this issuer asks nobody'
    throw new GatewayError('ERR_USAGE', `${message} for a password`)
  }
  const port = portFrom(textOption(options, 'port', '9400'))
  const file = textOption(options, 'key', 'data/dev-issuer.json')
  const key = await keyFrom(resolve(io.cwd, file), io.process.uid !== undefined)
  return { host: host.replaceAll(/[[\]]/g, ''), port, file, key }
}

function portFrom(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new GatewayError('ERR_USAGE', '--port takes 1 to 65535')
  return port
}

/** As `iss` says it, and as the gateway must be told it, byte for byte. */
function issuerUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
