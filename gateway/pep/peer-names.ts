import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

const NONE: readonly string[] = []
const known = new WeakMap<Socket, readonly string[]>()

/**
 * The names in the client certificate of a connection, as `URI:…` and `DNS:…`; none without a
 * certificate that the listener's CAs vouch for. Looked up once per connection.
 */
export function peerNamesOf(socket: Socket): readonly string[] {
  if (!(socket instanceof TLSSocket)) return NONE
  const before = known.get(socket)
  if (before !== undefined) return before
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  const names = namesIn(certificate?.subjectAltName)
  known.set(socket, names)
  return names
}

/**
 * Splits what Node makes of subjectAltName. A text with quotes has a name with odd characters in
 * it, written so that a naive split would find names that are not there (CVE-2021-44532): such a
 * certificate has no names here.
 */
export function namesIn(subjectAltName: string | undefined): readonly string[] {
  if (subjectAltName === undefined || /["\\]/.test(subjectAltName)) return NONE
  return subjectAltName.split(', ')
}
