/** Terms as they come in, checked by themselves and brought into one form. */
import { parseNetwork } from '../../domain/network.ts'
import { isAction } from '../../domain/vocabulary.ts'
import { decline, isDeclined, type Declined } from '../command.ts'
import type { ElevationTerms, Narrowing, TrainingTerms } from '../elevation.ts'
import { isText } from './texts.ts'

/** Terms of a request; its holder is who asks. */
export type TermsAsk = Omit<ElevationTerms, 'holder'>

const LIST_MAX = 64
const DEVICE_CHARACTERS_MAX = 256
const RESOURCE =
  /^(?:(?:model|dataset):[A-Za-z0-9._/:-]{1,256}(?:@[A-Za-z0-9._-]{1,128})?|server:[a-z0-9-]{1,32})$/
const MODEL = /^model:[A-Za-z0-9._/:-]{1,256}$/
/** Where the upstream has no versions, the name is all there is: `gpt-4.1-2025-04-14`. */
const BASE = /^model:[A-Za-z0-9._/:-]{1,256}(?:@[A-Za-z0-9._-]{1,128})?$/
const DATASET = /^[A-Za-z0-9._/:-]{1,256}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * `terms` for `holder`: lists without repetitions and in order, networks as canonical text, nothing
 * that is not known. Declined with `wildcard_refused` or `invalid`.
 */
export function checkedTerms(terms: TermsAsk, holder: string): ElevationTerms | Declined {
  const wrong =
    wrongResources(terms.resources) ?? wrongTraining(terms.training) ?? wrongTimes(terms)
  const places = wrong ?? wrongAmounts(terms) ?? wrongRest(terms) ?? checkedPlaces(terms)
  if (isDeclined(places)) return places
  const { startsAt, digest, training } = terms
  return {
    holder,
    actions: inOrder(terms.actions),
    resources: inOrder(terms.resources),
    ...(startsAt === undefined ? {} : { startsAt }),
    durationMs: terms.durationMs,
    ...amountsOf(terms),
    ...(digest === undefined ? {} : { digest }),
    ...(training === undefined ? {} : { training: trainingOf(training) }),
    ...places,
  }
}

function wrongTimes({ startsAt, durationMs }: TermsAsk): Declined | undefined {
  if (!isCount(durationMs)) return invalid('Say for how long, in whole milliseconds.')
  return startsAt === undefined || isCount(startsAt) ? undefined : invalid('Give a start in time.')
}

function wrongRest({ actions, digest }: TermsAsk): Declined | undefined {
  if (!isSomeOf(actions, isAction)) return invalid('Name the actions it is for.')
  return digest === undefined || DIGEST.test(digest) ? undefined : invalid('Give a sha256 digest.')
}

function amountsOf({ usesMax, bytesMax }: Narrowing): Narrowing {
  return {
    ...(usesMax === undefined ? {} : { usesMax }),
    ...(bytesMax === undefined ? {} : { bytesMax }),
  }
}

/** `narrowing` with its networks as canonical text, checked by itself. */
export function checkedNarrowing(narrowing: Narrowing): Narrowing | Declined {
  const { durationMs } = narrowing
  if (durationMs !== undefined && !isCount(durationMs)) return invalid('Shorten it to some time.')
  const wrong = wrongAmounts(narrowing)
  const places = wrong ?? checkedPlaces(narrowing)
  if (isDeclined(places)) return places
  return {
    ...(durationMs === undefined ? {} : { durationMs }),
    ...amountsOf(narrowing),
    ...places,
  }
}

function invalid(detail: string): Declined {
  return decline('invalid', detail)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isSomeOf<T>(list: readonly T[], isOne: (one: T & string) => boolean): boolean {
  if (!Array.isArray(list) || list.length === 0 || list.length > LIST_MAX) return false
  return list.every((one: unknown) => typeof one === 'string' && isOne(one as T & string))
}

function inOrder<T extends string>(list: readonly T[]): readonly T[] {
  return [...new Set(list)].sort()
}

/** A grant is for what it names: never for all, and never for what lies below (threats §2.H 283). */
function wrongResources(resources: readonly string[]): Declined | undefined {
  if (!isSomeOf(resources, () => true)) return invalid('Name the resources it is for.')
  const wild = resources.find((one) => /[*?[\]{}]/.test(one) || /[:/@]$/.test(one))
  if (wild !== undefined) {
    const detail = 'Name each model, dataset or server; a grant is for no pattern and no path.'
    return decline('wildcard_refused', detail)
  }
  if (resources.every((one) => RESOURCE.test(one))) return undefined
  return invalid('Name resources such as model:fraud-7b@3, dataset:claims or server:llm-eu.')
}

function wrongTraining(training: TrainingTerms | undefined): Declined | undefined {
  if (training === undefined) return undefined
  const { datasets, base, destination } = training
  const isFew = datasets.length > 0 && datasets.length <= LIST_MAX
  const isKnown = datasets.every((one) => DATASET.test(one.name) && DIGEST.test(one.digest))
  if (!isFew || !isKnown || new Set(datasets.map(({ name }) => name)).size < datasets.length) {
    return invalid('Name each dataset once, with its sha256 digest.')
  }
  if (base !== undefined && !BASE.test(base)) {
    return invalid('Name a base as model:<name>@<version>, or model:<name> where it has none.')
  }
  return MODEL.test(destination) ? undefined : invalid('Name the destination as model:<name>.')
}

function trainingOf({ datasets, base, destination }: TrainingTerms): TrainingTerms {
  const sorted = datasets.map(({ name, digest }) => ({ name, digest }))
  sorted.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { datasets: sorted, ...(base === undefined ? {} : { base }), destination }
}

function wrongAmounts({ usesMax, bytesMax }: Narrowing): Declined | undefined {
  if (usesMax !== undefined && !isCount(usesMax))
    return invalid('Give a number of uses, 1 or more.')
  if (bytesMax === undefined || isCount(bytesMax)) return undefined
  return invalid('Give a number of bytes, 1 or more.')
}

type Places = Pick<ElevationTerms, 'networks' | 'devices'>

function checkedPlaces({ networks, devices }: Places): Places | Declined {
  const texts: string[] = []
  if (networks !== undefined && !isSomeOf(networks, () => true)) {
    return invalid('Name 1 to 64 networks, or none at all.')
  }
  for (const text of networks ?? []) {
    const network = parseNetwork(text)
    if ('problem' in network) return invalid('Give networks in CIDR form, such as 10.20.0.0/16.')
    texts.push(network.text)
  }
  if (devices !== undefined && !isSomeOf(devices, (one) => isText(one, DEVICE_CHARACTERS_MAX))) {
    return invalid('Name 1 to 64 devices by their id, or none at all.')
  }
  return {
    ...(networks === undefined ? {} : { networks: inOrder(texts) }),
    ...(devices === undefined ? {} : { devices: inOrder(devices) }),
  }
}
