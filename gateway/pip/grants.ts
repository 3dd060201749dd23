/** Knows what `rules/grants.yaml` gives to whom. */
import type { Grant } from '../domain/access.ts'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { byEnd, chooseGrant, nameOf, operationsToCover } from '../domain/grants.ts'
import type { GrantCatalog } from '../domain/ports.ts'
import { parseResource } from '../domain/vocabulary.ts'
import type { Subject } from '../domain/subject.ts'
import { loadDocument, type LoadedDocument } from '../settings/document.ts'
import { grantsSchema, type GrantSpec } from '../settings/schemas/grants.ts'

/**
 * Loads the grants of the file. One that is over already is a warning, and so is one that gives what
 * another gives, or that names a thing twice.
 * @param now milliseconds since the epoch
 */
export function loadGrants(
  source: { readonly file: string; readonly text: string },
  now: number,
): Loaded<readonly Grant[]> {
  const loaded = loadDocument(source, grantsSchema)
  if (!loaded.ok) return loaded
  const document = loaded.value
  const grants: Grant[] = []
  const warnings: Diagnostic[] = [...loaded.warnings]
  const meanings = new Map<string, string>()
  for (const [id, spec] of Object.entries(document.value.grants)) {
    grants.push(grantFrom(id, spec))
    warnings.push(...warningsOf({ id, spec, now, meanings, document }))
  }
  return { ok: true, value: grants, warnings }
}

function grantFrom(id: string, spec: GrantSpec): Grant {
  const { to, actions, resources, starts, expires, uses, bytes, digest, approvals } = spec
  return Object.freeze({
    id,
    to: [...new Set(to)],
    actions: [...new Set(actions)],
    resources: resources.map(parseResource),
    startsAt: starts ?? -Infinity,
    expiresAt: expires,
    ...(uses === undefined ? {} : { usesMax: uses }),
    ...(bytes === undefined ? {} : { bytesMax: bytes }),
    ...(digest === undefined ? {} : { digest }),
    approvals,
  })
}

interface Checked {
  readonly id: string
  readonly spec: GrantSpec
  readonly now: number
  /** Ids by what they give. */
  readonly meanings: Map<string, string>
  readonly document: LoadedDocument<unknown>
}

function warningsOf({ id, spec, now, meanings, document }: Checked): Diagnostic[] {
  const at = (key: string, code: string, message: string, remedy: string): Diagnostic => ({
    ...document.positionOf(['grants', id, key]),
    severity: 'warning',
    code,
    message,
    remedy,
  })
  const found: Diagnostic[] = []
  if (spec.expires <= now) {
    found.push(at('expires', 'grant-ended', `grant ${id} is over`, 'Remove it.'))
  }
  for (const key of ['to', 'actions', 'resources'] as const) {
    const twice = spec[key].find((one, i) => (spec[key] as readonly string[]).indexOf(one) !== i)
    if (twice === undefined) continue
    found.push(at(key, 'named-twice', `grant ${id} names ${twice} twice`, 'Write it once.'))
  }
  if (spec.digest !== undefined && !spec.actions.includes('export')) {
    const message = `grant ${id} has a digest, which only an export is compared with`
    found.push(at('digest', 'digest-without-export', message, 'Remove it, or give export.'))
  }
  const said = [spec.to, spec.actions, spec.resources].map((list) => [...list].sort())
  const key = JSON.stringify([...said, spec.starts, spec.expires, spec.digest])
  const other = meanings.get(key)
  if (other === undefined) meanings.set(key, id)
  else {
    const message = `grant ${id} gives what grant ${other} gives, for the same time`
    found.push(at('to', 'duplicate-grant', message, 'Remove one, or give it more uses.'))
  }
  return found
}

/**
 * Finds grants in memory; what fits is said in `domain/grants.ts`.
 * @param holdingsOf everything a subject holds, its id included, prefixes written
 */
export function createGrantCatalog(
  grants: readonly Grant[],
  holdingsOf: (subject: Subject) => ReadonlySet<string> = ownNames,
): GrantCatalog {
  const byResource = indexOf(grants)
  return {
    find(ask) {
      const [first] = operationsToCover(ask.operations)
      const candidates = first === undefined ? undefined : byResource.get(nameOf(first.resource))
      if (candidates === undefined) return chooseGrant([], ask)
      const holds = holdingsOf(ask.subject)
      const held = candidates.filter((grant) => grant.to.some((holder) => holds.has(holder)))
      return chooseGrant(held, ask)
    },
  }
}

function ownNames({ id, groups, roles }: Subject): ReadonlySet<string> {
  return new Set([id, ...groups, ...roles])
}

/** Each list in the order in which its grants end. */
function indexOf(grants: readonly Grant[]): ReadonlyMap<string, readonly Grant[]> {
  const byResource = new Map<string, Grant[]>()
  for (const grant of [...grants].sort(byEnd)) {
    for (const key of new Set(grant.resources.map(nameOf))) {
      const list = byResource.get(key)
      if (list === undefined) byResource.set(key, [grant])
      else list.push(grant)
    }
  }
  return byResource
}
