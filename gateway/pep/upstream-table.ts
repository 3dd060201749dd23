import type { Classifier } from '../domain/ports.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { ErrorShape, RequestTarget, Transport } from '../domain/request.ts'

/** An upstream as the request path sees it. */
export interface UpstreamEntry {
  readonly name: string
  /** What reaches it; HTTP when absent. Nothing else ever does. */
  readonly transport?: Transport
  /** Lower-case host this upstream answers for; `undefined` for every host. */
  readonly host: string | undefined
  /** Path prefix without trailing slash, `''` for every path. */
  readonly pathPrefix: string
  readonly stripPrefix: boolean
  /** Path of the upstream itself, put before the target; `''` for none. */
  readonly basePath: string
  readonly errorShape: ErrorShape
  readonly classifier: Classifier
  /** Whether the identity assertion is sent. */
  readonly assertion: boolean
  readonly websocket: boolean
  /** The upstream's own credential as a header pair, re-read when its file changes. */
  credential(): readonly [name: string, value: string] | undefined
}

/** The upstream chosen for a request. */
export interface UpstreamRoute {
  readonly entry: UpstreamEntry
  /** The target as the upstream will receive it: canonical again after the prefix is taken off. */
  readonly target: RequestTarget
}

/** Chooses the upstream by exact host and whole-segment path prefix (I19). */
export interface UpstreamTable {
  /** @param transport what the request came as; HTTP when absent */
  select(
    host: string,
    target: RequestTarget,
    transport?: Transport,
  ): UpstreamRoute | Refusal | undefined
}

/**
 * Builds the table. A named host beats any host; among those the longest prefix wins, so that the
 * answer does not depend on the order in the file. `reparse` canonicalises what is left after a
 * prefix is stripped (I1: after any rewrite the result is parsed again).
 */
export function createUpstreamTable(
  entries: readonly UpstreamEntry[],
  reparse: (raw: string) => RequestTarget | Refusal,
): UpstreamTable {
  const ranked = [...entries].sort(
    (a, b) =>
      Number(b.host !== undefined) - Number(a.host !== undefined) ||
      b.pathPrefix.length - a.pathPrefix.length,
  )
  return {
    select(host, target, transport = 'http') {
      const entry = ranked.find(
        (candidate) =>
          (candidate.transport ?? 'http') === transport &&
          (candidate.host === undefined || candidate.host === host) &&
          withinPrefix(target.path, candidate.pathPrefix),
      )
      if (entry === undefined) return undefined
      if (!entry.stripPrefix || entry.pathPrefix === '') return { entry, target }
      const rest = target.path.slice(entry.pathPrefix.length) || '/'
      const stripped = reparse(target.query === undefined ? rest : `${rest}?${target.query}`)
      return isRefusal(stripped) ? stripped : { entry, target: stripped }
    },
  }
}

function withinPrefix(path: string, prefix: string): boolean {
  return (
    path.startsWith(prefix) &&
    (path.length === prefix.length || prefix === '' || path[prefix.length] === '/')
  )
}
