/**
 * How systems write the names of models. One model has several spellings in some of them; what is
 * judged is one spelling, so that a rule on a model holds however it is asked for.
 */
import type { NAME_FORMS } from '../settings/schemas/pack-fields.ts'
import { isResourceName, isVersion } from './names.ts'

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
  if (!isResourceName(parsed.name)) return undefined
  return parsed.version === undefined || isVersion(parsed.version) ? parsed : undefined
}

const PARSERS: Readonly<Record<Exclude<NameForm, 'plain'>, (text: string) => ParsedName>> = {
  ollama: parseOllama,
  'at-version': parseAtVersion,
  bedrock: parseBedrock,
}

/** Left out by Ollama, and there all the same (types/model/name.go). */
const OLLAMA_DEFAULTS = ['registry.ollama.ai/', 'library/']

/** `host/namespace/model:tag`, all but the model optional, compared without regard to case. */
function parseOllama(text: string): ParsedName {
  let name = text.toLowerCase()
  const colon = name.lastIndexOf(':')
  const hasTag = colon > name.lastIndexOf('/')
  const version = hasTag ? name.slice(colon + 1) : 'latest'
  if (hasTag) name = name.slice(0, colon)
  for (const implied of OLLAMA_DEFAULTS) {
    if (name.startsWith(implied)) name = name.slice(implied.length)
  }
  return { name, version }
}

/** `name@version`, as Vertex AI writes it; without a version the default one is served. */
function parseAtVersion(text: string): ParsedName {
  const at = text.indexOf('@')
  return at === -1 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) }
}

const FOUNDATION_MODEL = /^arn:[a-z-]{3,16}:bedrock:[a-z0-9-]{0,32}::foundation-model\/(.+)$/

/** An ARN of a foundation model is its id; every other ARN names something of its own. */
function parseBedrock(text: string): ParsedName {
  return { name: FOUNDATION_MODEL.exec(text)?.[1] ?? text }
}
