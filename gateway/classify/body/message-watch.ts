/** What the messages of a client over a WebSocket ask for: the models they name. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { resourceText, type Operation } from '../../domain/vocabulary.ts'
import type { MessageWatch } from '../../domain/watch.ts'
import { parseName } from '../name-forms.ts'
import type { CompiledFrames } from '../pack/compiled-pack.ts'
import type { FieldValue } from './body-fields.ts'
import { readJsonFields } from './json-fields.ts'

/** Models one connection may name: each is decided, and decided again when the rules change. */
const NAMES_MAX = 64

/**
 * Watches the messages of one connection. A message is one JSON object in text, read as strictly as
 * a body (`body_unparsable`); binary messages are refused (`body_encoding`), as no runtime that is
 * catalogued reads them. Until a model has been named, in a message or, as `isNamed` says, before,
 * nothing may pass (`model_missing`). Every model in a message must be permitted; a field
 * for a name that names nothing is refused, `null` included: some upstreams go back to a model of
 * their own then (`model_missing`, `model_invalid`).
 */
export function watchMessages(frames: CompiledFrames): MessageWatch {
  const known = new Set<string>()
  let hasName = frames.isNamed
  return {
    message(kind, payload) {
      if (kind === 'binary') return refuse('body_encoding', { detail: TEXT_ONLY })
      const operations = operationsOf(frames, payload)
      if (isRefusal(operations)) return operations
      if (operations.length === 0) return hasName ? undefined : refuse('model_missing')
      hasName = true
      for (const { resource } of operations) known.add(resourceText(resource))
      if (known.size > NAMES_MAX) return refuse('model_invalid', { detail: TOO_MANY })
      return operations
    },
  }
}

const TEXT_ONLY = 'Send each message as text.'
const TOO_MANY = `A connection names at most ${NAMES_MAX} models.`

function operationsOf(frames: CompiledFrames, payload: Buffer): Operation[] | Refusal {
  const fields = readJsonFields(payload, frames.tree)
  if (isRefusal(fields)) return fields
  if (namesNothing(frames, payload)) return refuse('model_missing')
  const operations: Operation[] = []
  for (const path of frames.paths) {
    for (const value of valuesOf(fields.get(path))) {
      if (value.kind === 'absent') return refuse('model_missing')
      const parsed = value.kind === 'string' ? parseName(frames.form, value.text) : undefined
      if (parsed === undefined) return refuse('model_invalid')
      operations.push({ action: frames.action, resource: { kind: 'model', ...parsed } })
      if (operations.length > NAMES_MAX) return refuse('model_invalid', { detail: TOO_MANY })
    }
  }
  return operations
}

function valuesOf(value: FieldValue | undefined): readonly FieldValue[] {
  if (value === undefined) return []
  return value.kind === 'list' ? value.items : [value]
}

/**
 * Whether a field for a name is there and is `null`, which {@link readJsonFields} takes for absent.
 * The text has been checked; it is parsed only where the word occurs at all.
 */
function namesNothing({ paths }: CompiledFrames, payload: Buffer): boolean {
  if (!payload.includes('null')) return false
  const message: unknown = JSON.parse(payload.toString())
  return paths.some((path) => leadsToNull(message, path.split('.')))
}

function leadsToNull(value: unknown, path: readonly string[]): boolean {
  const [step, ...rest] = path
  if (step === undefined) return value === null
  const isList = step.endsWith('[]')
  const below = memberOf(value, isList ? step.slice(0, -2) : step)
  if (!isList) return leadsToNull(below, rest)
  return Array.isArray(below) && below.some((item) => leadsToNull(item, rest))
}

/** `[]` at the start of a path stands for the message itself. */
function memberOf(value: unknown, name: string): unknown {
  if (name === '') return value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
