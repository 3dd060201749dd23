/** Certificates for tests (RFC 5280), made here: Node can use them but not make them. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as der from './der.ts'

/** Paths of a certificate and its key, PEM. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** Something that signs certificates. */
export interface Authority extends Certificate {
  /** A certificate for `name`, for 127.0.0.1 and localhost, and `uri` if any; good for a day. */
  issue(name: string, usage: 'serverAuth' | 'clientAuth', uri?: string): Promise<Certificate>
}

const USAGES = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const
const ECDSA_SHA256 = der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2'))
const DAY_MS = 86_400_000

/** Makes a certificate authority whose files are below `dir`. */
export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { name, key: keys.privateKey }
  const basic = extension('2.5.29.19', der.sequence(der.tlv(0x01, 0xff)), true)
  const signing = extension('2.5.29.15', der.tlv(0x03, 2, 0x04), true)
  const own = certificate({ issuer, name, key: keys.publicKey, extensions: [basic, signing] })
  return {
    ...(await write(join(dir, name), own, keys.privateKey)),
    async issue(leaf, usage, uri) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const localhost = der.tlv(0x82, Buffer.from('localhost'))
      const loopback = der.tlv(0x87, 127, 0, 0, 1)
      const named = uri === undefined ? [] : [der.tlv(0x86, Buffer.from(uri))]
      const extensions = [
        extension('2.5.29.17', der.sequence(localhost, loopback, ...named)),
        extension('2.5.29.37', der.sequence(der.objectIdentifier(USAGES[usage]))),
      ]
      const made = certificate({ issuer, name: leaf, key: pair.publicKey, extensions })
      return write(join(dir, `${name}-${leaf}`), made, pair.privateKey)
    },
  }
}

interface CertificateParts {
  readonly issuer: { readonly name: string; readonly key: KeyObject }
  readonly name: string
  readonly key: KeyObject
  readonly extensions: readonly Buffer[]
}

function certificate({ issuer, name, key, extensions }: CertificateParts): Buffer {
  const validity = [Date.now() - DAY_MS, Date.now() + DAY_MS].map((at) => der.utcTime(new Date(at)))
  const body = der.sequence(
    der.tlv(0xa0, der.integer(Buffer.of(2))),
    der.integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ECDSA_SHA256,
    distinguishedName(issuer.name),
    der.sequence(...validity),
    distinguishedName(name),
    key.export({ type: 'spki', format: 'der' }),
    der.tlv(0xa3, der.sequence(...extensions)),
  )
  return der.sequence(body, ECDSA_SHA256, der.bitString(sign('sha256', body, issuer.key)))
}

function distinguishedName(name: string): Buffer {
  const commonName = der.sequence(der.objectIdentifier('2.5.4.3'), der.utf8(name))
  return der.sequence(der.tlv(0x31, commonName))
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der.tlv(0x01, 0xff)] : []
  return der.sequence(der.objectIdentifier(id), ...flag, der.octetString(value))
}

async function write(base: string, made: Buffer, key: KeyObject): Promise<Certificate> {
  const lines = made.toString('base64').match(/.{1,64}/g) ?? []
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', '']
  const files = { certFile: `${base}.crt`, keyFile: `${base}.key` }
  await writeFile(files.certFile, pem.join('\n'))
  await writeFile(files.keyFile, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return files
}
