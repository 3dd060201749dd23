/** Ways in which a client can be given the bytes of a file as something else. */
import { deflateSync, gzipSync } from 'node:zlib'
import { bytes } from './bytes.ts'
import { multipart, tar, zip } from './containers.ts'

export interface Disguise {
  readonly name: string
  readonly type: string
  /** Bytes of the answer before those of the model. */
  readonly preamble?: number
  readonly dress: (artifact: Buffer) => Buffer
}

const OCTETS = 'application/octet-stream'
const JSON_TYPE = 'application/json'

const inJson = (value: string): Buffer => Buffer.from(JSON.stringify({ id: 'a', data: value }))

const shifted = (shift: number): Disguise => ({
  name: `base64 behind ${shift} other characters`,
  type: JSON_TYPE,
  dress: (artifact) => inJson('x'.repeat(shift) + artifact.toString('base64')),
})

/** All of them; each gives back the artifact by itself alone. */
export const DISGUISES: readonly Disguise[] = [
  { name: 'plain', type: OCTETS, dress: (artifact) => artifact },
  { name: 'as JSON', type: JSON_TYPE, dress: (artifact) => artifact },
  { name: 'as a picture', type: 'image/png', dress: (artifact) => artifact },
  {
    name: 'behind 4 KiB of spaces',
    type: OCTETS,
    preamble: 4096,
    dress: (artifact) => bytes(' '.repeat(4096), artifact),
  },
  {
    name: 'behind JSON',
    type: JSON_TYPE,
    preamble: 21,
    dress: (artifact) => bytes('{"predictions":[0.5]}', artifact),
  },
  {
    name: 'behind the head of a picture',
    type: 'image/png',
    preamble: 33,
    dress: (artifact) => bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', Buffer.alloc(17, 8), artifact),
  },
  {
    name: 'base64 in JSON',
    type: JSON_TYPE,
    dress: (artifact) => inJson(artifact.toString('base64')),
  },
  shifted(1),
  shifted(2),
  shifted(3),
  {
    name: 'base64url in JSON',
    type: JSON_TYPE,
    dress: (artifact) => inJson(artifact.toString('base64url')),
  },
  {
    name: 'base64 in lines, in JSON',
    type: JSON_TYPE,
    dress: (artifact) => inJson(artifact.toString('base64').replace(/.{76}/g, '$&\n')),
  },
  {
    name: 'a data URL in an event',
    type: 'text/event-stream',
    dress: (artifact) => bytes(`data: {"url":"data:;base64,${artifact.toString('base64')}"}\n\n`),
  },
  {
    name: 'hexadecimal in JSON',
    type: JSON_TYPE,
    dress: (artifact) => inJson(artifact.toString('hex')),
  },
  { name: 'gzip', type: OCTETS, dress: (artifact) => gzipSync(artifact) },
  { name: 'zlib', type: OCTETS, dress: (artifact) => deflateSync(artifact) },
  { name: 'tar', type: OCTETS, dress: (artifact) => tar([{ name: 'report', data: artifact }]) },
  {
    name: 'zip, stored',
    type: OCTETS,
    dress: (artifact) => zip([{ name: 'report', data: artifact }]),
  },
  {
    name: 'zip, deflated',
    type: OCTETS,
    dress: (artifact) => zip([{ name: 'report', data: artifact, isDeflated: true }]),
  },
  { name: 'multipart', type: 'multipart/mixed', dress: (artifact) => multipart(artifact) },
  {
    name: 'base64 of gzip in JSON',
    type: JSON_TYPE,
    dress: (artifact) => inJson(gzipSync(artifact).toString('base64')),
  },
  {
    name: 'tar in gzip',
    type: OCTETS,
    dress: (artifact) => gzipSync(tar([{ name: 'report', data: artifact }])),
  },
]
