/**
 * When a grant fits a request: its holder is the subject, one of its groups or one of its roles, and
 * its actions and exact resources cover every privileged operation of the request; every operation
 * where none is privileged. One that names a version covers a request that names this version, and no
 * other. One that names networks or devices covers what is known to come from there.
 */
import type { Grant } from './access.ts'
import { inNetwork, parseIp, parseNetwork, type Network } from './network.ts'
import type { GrantAsk, GrantFound } from './ports.ts'
import { isPrivileged, resourceText, type Operation, type Resource } from './vocabulary.ts'

const NOTHING: GrantFound = Object.freeze({})

/** Said of a grant that is named and of which nothing more is known here. */
export const NAMED_HINT = 'The grant that is named does not cover this request, or is not in force.'

const NAMED_DOES_NOT_FIT: GrantFound = Object.freeze({ hint: NAMED_HINT })

/** A resource whatever its version: what grants are looked up by. */
export function nameOf({ kind, name }: Resource): string {
  return resourceText({ kind, name })
}

/** In the order in which grants end. */
export function byEnd(a: Grant, b: Grant): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt - b.expiresAt
  return a.id < b.id ? -1 : 1
}

/** What a grant has to cover of `operations`. */
export function operationsToCover(operations: readonly Operation[]): readonly Operation[] {
  const privileged = operations.filter(({ action }) => isPrivileged(action))
  return privileged.length > 0 ? privileged : operations
}

/** The first of `held` that fits `ask`; or why one does not. `held`: by their end, of this holder. */
export function chooseGrant(held: readonly Grant[], ask: GrantAsk): GrantFound {
  const covered = operationsToCover(ask.operations)
  const { named, now } = ask
  const candidates = held.filter(
    ({ id, startsAt, expiresAt }) =>
      (named === undefined || id === named) && startsAt <= now && now < expiresAt,
  )
  const fits = candidates.filter((one) => covered.every((op) => grantCovers(one, op)))
  let withheld: string | undefined
  for (const grant of fits) {
    if (!isUsedFrom(grant, ask)) continue
    const why = ask.withheld?.(grant.id)
    if (why === undefined) return { grant }
    withheld ??= why
  }
  if (withheld !== undefined) return { hint: withheld }
  const [elsewhere] = fits
  if (elsewhere !== undefined) return { hint: placeHint(elsewhere, ask) }
  const versioned = candidates.find((one) => covered.every((op) => coversSomeVersion(one, op)))
  if (versioned !== undefined) return { hint: versionHint(versioned) }
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

type Place = Pick<GrantAsk, 'client' | 'device'>

function isUsedFrom({ networks, devices }: Grant, { client, device }: Place): boolean {
  if (devices !== undefined && (device === undefined || !devices.includes(device))) return false
  return networks === undefined || (client !== undefined && isIn(networks, client))
}

/** Networks of a list, read once; a text that is none of them holds no address. */
const read = new WeakMap<readonly string[], readonly Network[]>()

function isIn(networks: readonly string[], client: string): boolean {
  const ip = parseIp(client)
  if (ip === undefined) return false
  const known = read.get(networks) ?? networks.flatMap(networkFrom)
  read.set(networks, known)
  return known.some((network) => inNetwork(network, ip))
}

function networkFrom(text: string): Network[] {
  const network = parseNetwork(text)
  return 'problem' in network ? [] : [network]
}

function placeHint({ id, networks, devices }: Grant, { client }: Place): string {
  const isNetwork = networks !== undefined && (client === undefined || !isIn(networks, client))
  if (isNetwork) return `Grant ${id} is for ${some(networks)} alone; you call from elsewhere.`
  const which = devices?.length === 1 ? 'one device' : `${devices?.length ?? 0} devices`
  return `Grant ${id} is for ${which} alone; this is not known to be one of them.`
}

function versionHint({ id, resources }: Grant): string {
  const names = resources.filter(({ version }) => version !== undefined).map(resourceText)
  return `Grant ${id} is for ${some(names)} alone; name this version.`
}

function some(texts: readonly string[]): string {
  return texts.slice(0, 3).join(', ')
}
