/** What is transferred, and to whom: by what a request says, so that a resumed one is the same. */
import { createHash } from 'node:crypto'
import { established, type AdmittedRequest, type Exchange } from '../exchange.ts'

/** What the gateway answers itself. */
const OWN = { name: 'modelgate' }

/** Whether one request after the other can be the same transfer. */
export function isResumable({ admitted, upgrade }: Exchange): boolean {
  return admitted?.method === 'GET' && upgrade === undefined
}

/**
 * Names the transfer: subject, upstream, method, path, query and the entity tag that `If-Match`
 * names, each with its length before it, as a digest. Not the range, nor `If-Range`: a resumed
 * download has them and its beginning had not. What is no download is a transfer of its own each time.
 */
export function transferOf(exchange: Exchange): string {
  const admitted = established(exchange.admitted, 'admitted')
  const { entry, target } = admitted.route ?? { entry: OWN, target: admitted.target }
  const parts = [
    established(exchange.subject, 'subject').id,
    entry.name,
    admitted.method,
    target.path,
    target.query ?? '',
    admitted.headers.get('if-match') ?? '',
    isResumable(exchange) ? '' : exchange.id,
  ]
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('hex')
}

/**
 * Digests that the target names, `sha256:<hex>`: a registry gives out what has this digest. Of the
 * path, and of the parameters by which a registry is told to take one over.
 */
export function digestsNamed({ route }: AdmittedRequest): readonly string[] {
  const { segments = [], query = '' } = route?.target ?? {}
  const values = query
    .split('&')
    .filter((one) => /^(mount|digest)=/.test(one))
    .map((one) => one.slice(one.indexOf('=') + 1).replace(/%3a/i, ':'))
  return [...segments, ...values].flatMap((text) => {
    const match = /^sha256[:-]([0-9a-fA-F]{64})$/.exec(text)
    return match?.[1] === undefined ? [] : [`sha256:${match[1].toLowerCase()}`]
  })
}
