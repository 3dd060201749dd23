/** Knows what `rules/grants.yaml` gives to whom. */
import type { Grant } from '../domain/access.ts'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import type { GrantAsk, GrantCatalog, GrantFound } from '../domain/ports.ts'
import type { Subject } from '../domain/subject.ts'
import { isPrivileged, resourceText, type Operation, type Resource } from '../domain/vocabulary.ts'
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
    resources: resources.map(resourceFrom),
    startsAt: starts ?? -Infinity,
    expiresAt: expires,
    ...(uses === undefined ? {} : { usesMax: uses }),
    ...(bytes === undefined ? {} : { bytesMax: bytes }),
    ...(digest === undefined ? {} : { digest }),
    approvals,
  })
}

/** The schema has checked the form: `kind:name[@version]`. */
function resourceFrom(text: string): Resource {
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon) as Resource['kind']
  const at = text.indexOf('@', colon)
  if (at < 0) return { kind, name: text.slice(colon + 1) }
  return { kind, name: text.slice(colon + 1, at), version: text.slice(at + 1) }
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
 * Finds grants in memory. A grant fits a request when its holder is the subject, one of its groups
 * or one of its roles, and its actions and exact resources cover every privileged operation of the
 * request; every operation where none is privileged. One that names a version covers a request that
 * names this version, and no other.
 * @param holdingsOf everything a subject holds, its id included, prefixes written
 */
export function createGrantCatalog(
  grants: readonly Grant[],
  holdingsOf: (subject: Subject) => ReadonlySet<string> = ownNames,
): GrantCatalog {
  const byResource = indexOf(grants)
  return {
    find(ask) {
      const covered = operationsToCover(ask.operations)
      const [first] = covered
      const candidates = first === undefined ? undefined : byResource.get(keyOf(first.resource))
      if (candidates === undefined) return ask.named === undefined ? NOTHING : NAMED_DOES_NOT_FIT
      const holds = holdingsOf(ask.subject)
      const held = candidates.filter(
        (grant) => grant.to.some((holder) => holds.has(holder)) && isInForce(grant, ask.now),
      )
      return choose(held, covered, ask)
    },
  }
}

const NOTHING: GrantFound = Object.freeze({})

const NAMED_DOES_NOT_FIT: GrantFound = Object.freeze({
  hint: 'The grant that is named does not cover this request, or is not in force.',
})

function ownNames({ id, groups, roles }: Subject): ReadonlySet<string> {
  return new Set([id, ...groups, ...roles])
}

/** Each list in the order in which its grants end. */
function indexOf(grants: readonly Grant[]): ReadonlyMap<string, readonly Grant[]> {
  const byResource = new Map<string, Grant[]>()
  for (const grant of [...grants].sort(byEnd)) {
    for (const key of new Set(grant.resources.map(keyOf))) {
      const list = byResource.get(key)
      if (list === undefined) byResource.set(key, [grant])
      else list.push(grant)
    }
  }
  return byResource
}

function byEnd(a: Grant, b: Grant): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt - b.expiresAt
  return a.id < b.id ? -1 : 1
}

function keyOf({ kind, name }: Resource): string {
  return resourceText({ kind, name })
}

/** What a grant has to cover of `operations`. */
export function operationsToCover(operations: readonly Operation[]): readonly Operation[] {
  const privileged = operations.filter(({ action }) => isPrivileged(action))
  return privileged.length > 0 ? privileged : operations
}

function isInForce({ startsAt, expiresAt }: Grant, now: number): boolean {
  return startsAt <= now && now < expiresAt
}

function choose(
  held: readonly Grant[],
  covered: readonly Operation[],
  { named }: GrantAsk,
): GrantFound {
  const fits = (one: Grant): boolean =>
    (named === undefined || one.id === named) && covered.every((op) => grantCovers(one, op))
  const grant = held.find(fits)
  if (grant !== undefined) return { grant }
  const versioned = held.find(
    (one) =>
      (named === undefined || one.id === named) &&
      covered.every((operation) => coversSomeVersion(one, operation)),
  )
  if (versioned !== undefined) {
    const names = versioned.resources.filter(({ version }) => version !== undefined)
    const texts = names.slice(0, 3).map(resourceText).join(', ')
    return { hint: `Grant ${versioned.id} is for ${texts} alone; name this version.` }
  }
  return named === undefined ? NOTHING : NAMED_DOES_NOT_FIT
}

/** Whether the grant is for this operation, as the request names its resource. */
export function grantCovers(grant: Grant, { action, resource }: Operation): boolean {
  if (!grant.actions.includes(action)) return false
  return grant.resources.some(
    ({ kind, name, version }) =>
      kind === resource.kind &&
      name === resource.name &&
      (version === undefined || version === resource.version),
  )
}

function coversSomeVersion(grant: Grant, { action, resource }: Operation): boolean {
  if (!grant.actions.includes(action)) return false
  return grant.resources.some(({ kind, name }) => kind === resource.kind && name === resource.name)
}
