/**
 * How systems write the names of models. One model has several spellings in some of them; what is
 * judged is one spelling, so that a rule on a model holds however it is asked for.
 */
import type { NAME_FORMS } from '../settings/schemas/pack-fields.ts'
import {
  isPublishedLabel,
  parseArm,
  parseBedrock,
  parseSagemaker,
  parseVertex,
  splitVersion,
} from './cloud-names.ts'
import { isResourceName, isVersion } from './names.ts'
import { escapeKey, parseCopySource } from './object-keys.ts'

/** One of the forms a route pack may name. */
export type NameForm = (typeof NAME_FORMS)[number]

/** A name as it is judged. */
export interface ParsedName {
  readonly name: string
  readonly version?: string
}

/** The name and, where the form has one, the version; `undefined` when `text` is none of it. */
export function parseName(form: NameForm, text: string): ParsedName | undefined {
  if (form === 'plain') return isResourceName(text) ? { name: text } : undefined
  const parsed = PARSERS[form](text)
  if (parsed === undefined || !isResourceName(parsed.name)) return undefined
  const { version } = parsed
  // Object stores make up the versions of their objects as they like: they come escaped.
  if (version === undefined || form === 'copy-source' || isVersion(version)) return parsed
  return form === 'vertex' && isPublishedLabel(parsed) ? parsed : undefined
}

/**
 * The version as it is judged, `undefined` when `text` is none. `reference`: a branch, a tag or
 * `refs/pr/1` of git, a tag or a digest `sha256:…` of a registry; `:` and `/` stand in no version
 * of another form, so that a digest is never taken for the tag that is written almost like it.
 */
export function parseVersion(form: NameForm, text: string): string | undefined {
  if (form === 'object') return escapeKey(text)
  const spelt = form === 'lower' ? text.toLowerCase() : text
  return (form === 'reference' ? isResourceName : isVersion)(spelt) ? spelt : undefined
}

type Parser = (text: string) => ParsedName | undefined

const PARSERS: Readonly<Record<Exclude<NameForm, 'plain'>, Parser>> = {
  lower: (text) => ({ name: text.toLowerCase() }),
  ollama: parseOllama,
  'at-version': splitVersion,
  tagged: parseTagged,
  bedrock: parseBedrock,
  'mlflow-uri': parseMlflowUri,
  reference: (name) => ({ name }),
  object: (text) => named(escapeKey(text)),
  'copy-source': parseCopySource,
  sagemaker: parseSagemaker,
  vertex: parseVertex,
  arm: parseArm,
  // TorchServe cuts a name at its first colon: `a:b` would be judged as one and run as the other.
  bare: (text) => (text.includes(':') ? undefined : { name: text }),
  feature: parseFeature,
  'triton-redirect': parseTritonRedirect,
  // SGLang answers with the adapter behind the first colon, whatever stands before it.
  adapter: (text) => ({ name: text.slice(text.indexOf(':') + 1) }),
}

function named(name: string | undefined): ParsedName | undefined {
  return name === undefined ? undefined : { name }
}

/**
 * Left out by Ollama, and there all the same (types/model/name.go): the first of three parts, and of
 * two. In `library/acme/m` the first is the host of another registry.
 */
const OLLAMA_DEFAULTS = [
  { parts: 3, implied: 'registry.ollama.ai/' },
  { parts: 2, implied: 'library/' },
] as const

/**
 * `host/namespace/model:tag`, all but the model optional, compared without regard to case. A tag of
 * `local`, and a second one, are refused: newer versions read `m:local` as `m:latest`, and
 * `m:7b:local` as `m:7b` (internal/modelref), older ones as models of their own.
 */
function parseOllama(text: string): ParsedName | undefined {
  let name = text.toLowerCase()
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const version = hasTag ? name.slice(colon + 1) : 'latest'
  if (hasTag) name = name.slice(0, colon)
  if (version === 'local' || name.includes(':', name.lastIndexOf('/') + 1)) return undefined
  for (const { parts, implied } of OLLAMA_DEFAULTS) {
    const isWhole = name.split('/').length === parts
    if (isWhole && name.startsWith(implied)) name = name.slice(implied.length)
  }
  return { name, version }
}

/** `namespace/name:provider`, as routers of several providers write it. */
function parseTagged(text: string): ParsedName {
  const colon = text.lastIndexOf(':')
  if (colon <= text.lastIndexOf('/')) return { name: text }
  return { name: text.slice(0, colon), version: text.slice(colon + 1) }
}

/**
 * The model whose files a URI of MLflow stands for: `models:/<name>/<version>`, `models:/<name>@<alias>`
 * and `models:/<name>/<stage>` (of no version that could be told from here), `models:/<model_id>`,
 * and below `mlflow-artifacts:/` what is in `models/<model_id>`.
 */
function parseMlflowUri(text: string): ParsedName | undefined {
  const [, scheme, path = ''] = /^(models|mlflow-artifacts):\/([A-Za-z0-9._/@-]*)$/.exec(text) ?? []
  const segments = path.split('/')
  if (segments.some((segment) => /^\.{0,2}$/.test(segment))) return undefined
  if (scheme === 'models') return parseModelsPath(segments)
  const at = segments[0] === 'models' ? 1 : 2
  return segments[at - 1] === 'models' ? named(segments[at]) : undefined
}

function parseModelsPath([first = '', second, ...rest]: readonly string[]): ParsedName | undefined {
  if (rest.length > 0) return undefined
  const alias = first.lastIndexOf('@')
  if (second === undefined) return { name: alias === -1 ? first : first.slice(0, alias) }
  return /^\d{1,18}$/.test(second) ? { name: first, version: second } : { name: first }
}

const FEATURE_VERSION = /^[vV](\d{1,18})$/

/**
 * The feature view of `view:feature`, `view@v2:feature` or `view@latest:feature`, of which Feast
 * serves the latest. It reads `V2` as `v2`, which is how the version is judged, and takes what is
 * no version for a part of the name, which no name here can have.
 */
function parseFeature(text: string): ParsedName | undefined {
  const colon = text.indexOf(':')
  if (colon === -1) return undefined
  const { name, version = '' } = splitVersion(text.slice(0, colon))
  if (version === '' || version.toLowerCase() === 'latest') return { name }
  const number = FEATURE_VERSION.exec(version)?.[1]
  if (number === undefined || (number.length > 1 && number.startsWith('0'))) return undefined
  return { name, version: `v${number}` }
}

const TRITON_MODEL =
  /^v2\/models\/([^/]+)(?:\/versions\/(\d+))?(?:\/(?:infer|ready|config|stats))?$/

/** The model of what `X-Vertex-Ai-Triton-Redirect` names, as Triton's own pattern finds it. */
function parseTritonRedirect(text: string): ParsedName | undefined {
  const [, name, version] = TRITON_MODEL.exec(text) ?? []
  if (name === undefined) return undefined
  return version === undefined ? { name } : { name, version }
}
