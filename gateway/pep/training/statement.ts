/**
 * What is said of a training, for whoever asks later what a version was made of: an in-toto
 * Statement v1 in the manner of SLSA provenance v1. Canonical JSON, so that a digest names it.
 */
import { canonicalText, digestOf, type Json } from '../../access/canonical.ts'
import type { Approval, Grant } from '../../domain/access.ts'
import type { ResourceCatalog } from '../../domain/ports.ts'
import type { TrainingFacts } from '../../domain/training.ts'
import type { Resource } from '../../domain/vocabulary.ts'

/** What a statement is made of. */
export interface StatementParts {
  /** Of the decision. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** `sha256:<hex>` of the body as it was sent; absent where it streamed. */
  readonly bodyDigest: string | undefined
  readonly facts: TrainingFacts | undefined
  /** What the request was permitted for, as rules write it. */
  readonly operations: readonly string[]
  readonly upstream: string
  readonly pack: string
  readonly route: string
  readonly policyRevision: string
  readonly configRevision: string
  readonly grant: Grant | undefined
  readonly resources: ResourceCatalog
}

/** A statement, and what names it. */
export interface Statement {
  readonly text: string
  /** `sha256:<hex>` of the text. */
  readonly digest: string
}

/** Names what `externalParameters` and `internalParameters` mean. */
export const BUILD_TYPE = 'https://modelgate.dev/training/v1'
const BUILDER = 'https://modelgate.dev/gateway'

/** The statement. People are not in it: `approver 1` is the first of those the record names. */
export function createStatement(parts: StatementParts): Statement {
  const request = digestOf({
    method: parts.method,
    path: parts.path,
    body: parts.bodyDigest ?? null,
  })
  const value: Json = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      {
        name: parts.facts?.destination ?? parts.operations[0] ?? 'unknown',
        // What will come of it has no digest yet: it is known by the request that it comes of.
        digest: { sha256: hexOf(request) },
        annotations: { digestOf: 'request' },
      },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: { buildDefinition: definition(parts), runDetails: details(parts, request) },
  }
  return { text: canonicalText(value), digest: digestOf(value) }
}

function definition(parts: StatementParts): Json {
  const { facts, grant } = parts
  return {
    buildType: BUILD_TYPE,
    externalParameters: {
      method: parts.method,
      path: parts.path,
      operations: parts.operations,
      datasets: facts?.datasets.map((name) => `dataset:${name}`),
      base: facts?.base,
      destination: facts?.destination,
      parameters: facts?.parameters,
    },
    internalParameters: {
      upstream: parts.upstream,
      pack: parts.pack,
      route: parts.route,
      policyRevision: parts.policyRevision,
      configRevision: parts.configRevision,
      grant: grant?.id,
      approvals: grant?.approvals.map(approvalOf),
    },
    resolvedDependencies: dependencies(parts),
  }
}

function approvalOf({ at }: Approval, index: number): Json {
  return { by: `approver ${index + 1}`, at: new Date(at).toISOString() }
}

function dependencies({ facts, grant, resources }: StatementParts): Json {
  if (facts === undefined) return []
  const granted = new Map(grant?.training?.datasets.map(({ name, digest }) => [name, digest]))
  const datasets = facts.datasets.map((name) => {
    const digest = granted.get(name) ?? resources.attributesOf({ kind: 'dataset', name })?.digest
    return dependency(`dataset:${name}`, digest)
  })
  if (facts.base === undefined) return datasets
  const digest = resources.attributesOf(modelOf(facts.base))?.digest
  return [...datasets, dependency(facts.base, digest)]
}

function modelOf(text: string): Resource {
  const [name = '', version] = text.slice('model:'.length).split('@', 2)
  return { kind: 'model', name, ...(version === undefined ? {} : { version }) }
}

function dependency(uri: string, digest: string | undefined): Json {
  return { uri, digest: digest === undefined ? undefined : { sha256: hexOf(digest) } }
}

function details({ id, at, bodyDigest }: StatementParts, request: string): Json {
  const body = bodyDigest === undefined ? [] : [{ name: 'body', digest: hexed(bodyDigest) }]
  return {
    builder: { id: BUILDER },
    metadata: { invocationId: id, startedOn: new Date(at).toISOString() },
    byproducts: [{ name: 'request', digest: hexed(request) }, ...body],
  }
}

function hexed(digest: string): Json {
  return { sha256: hexOf(digest) }
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length)
}
