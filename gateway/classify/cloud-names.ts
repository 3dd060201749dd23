/**
 * How the clouds write the names of what they serve: resource names and ids that hold the account,
 * the region or the project, and short forms of them. One thing has one spelling here.
 */

/** A name and its version, not yet checked against the grammar of names. */
interface CloudName {
  readonly name: string
  readonly version?: string
}

const BEDROCK_ARN =
  /^arn:[a-z-]{3,16}:bedrock:[a-z0-9-]{0,32}:(?::foundation-model|\d{12}:inference-profile)\/(.+)$/

/**
 * The ARN of a foundation model is its id, and that of an inference profile across regions is the
 * id of the profile: clients send either. Every other ARN names something of its own.
 */
export function parseBedrock(text: string): CloudName {
  return { name: BEDROCK_ARN.exec(text)?.[1] ?? text }
}

const SAGEMAKER_ARN =
  /^arn:[a-z-]{3,16}:sagemaker:[a-z0-9-]{1,32}:\d{12}:([a-z-]{1,64})\/([a-z0-9-]+)(?:\/(\d{1,18}))?$/

/**
 * Most operations of SageMaker take a name and its ARN alike, and compare names without regard to
 * case. The ARN of a model package ends in its version.
 */
export function parseSagemaker(text: string): CloudName {
  const lower = text.toLowerCase()
  const [, kind, name, version] = SAGEMAKER_ARN.exec(lower) ?? []
  if (name === undefined || (version !== undefined && kind !== 'model-package')) {
    return { name: lower }
  }
  return version === undefined ? { name } : { name, version }
}

const VERTEX_OWN =
  /^projects\/([^/]+)\/locations\/([^/]+)\/(?:models|endpoints|reasoningEngines)\/([^/]+)$/
const VERTEX_PUBLISHED =
  /^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/([^/]+)\/models\/([^/]+)$/

/**
 * `projects/p/locations/l/models/m@3` is `p/l/m`, version 3; `publishers/google/models/m` is
 * `google/m` whichever project asks for it. Of anything else, only the version is split off.
 */
export function parseVertex(text: string): CloudName {
  const [, project, location, own] = VERTEX_OWN.exec(text) ?? []
  if (own !== undefined) return splitVersion(`${project}/${location}/${own}`)
  const [, publisher, model] = VERTEX_PUBLISHED.exec(text) ?? []
  return splitVersion(model === undefined ? text : `${publisher}/${model}`)
}

/**
 * Versions of publishers are labels: `multimodalembedding@001` is one, and there is no `@1`. Of a
 * model of one's own, `01` could be read as 1.
 */
export function isPublishedLabel({ name, version }: CloudName): boolean {
  return /^[^/]+\/[^/]+$/.test(name) && version !== undefined && /^0\d{1,7}$/.test(version)
}

/** `name@version`; without a version the default one is meant. */
export function splitVersion(text: string): CloudName {
  const at = text.indexOf('@')
  return at === -1 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) }
}

const ARM_ID =
  /^\/?subscriptions\/([^/]+)\/resourcegroups\/([^/]+)\/providers\/microsoft\.machinelearningservices\/(?:workspaces|registries)\/([^/]+)\/[a-z]+\/([^/]+)(?:\/(?:versions|deployments)\/([^/]+))?$/
const ARM_REGISTRY = /^azureml:\/\/registries\/([^/]+)\/models\/([^/]+)(?:\/versions\/([^/]+))?$/

/**
 * `/subscriptions/s/resourceGroups/g/providers/…/workspaces/w/models/m/versions/3` is `s/g/w/m`,
 * version 3, and `azureml://registries/r/models/m/versions/3` is `r/m`. Azure compares without
 * regard to case, so all of it is in lower case.
 */
export function parseArm(text: string): CloudName {
  const lower = text.toLowerCase()
  const [, subscription, group, workspace, own, version] = ARM_ID.exec(lower) ?? []
  if (own !== undefined) {
    return withVersion([subscription, group, workspace, own].join('/'), version)
  }
  const [, registry, model, ofModel] = ARM_REGISTRY.exec(lower) ?? []
  return model === undefined ? { name: lower } : withVersion(`${registry}/${model}`, ofModel)
}

function withVersion(name: string, version: string | undefined): CloudName {
  return version === undefined ? { name } : { name, version }
}
