/** Bodies of requests to the control API. Strict like every file an operator writes. */
import { z } from 'zod'
import type { Loaded } from '../../domain/diagnostics.ts'
import { loadDocument } from '../document.ts'

const reason = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Bidi_Control}]+$/u, 'expected one line of text without control characters')
  .describe('Why, for the ledger and the history.')

const rollback = z.strictObject({
  revision: z.string().min(1).max(80).describe('A digest, 8 digits of one, previous, or ~N.'),
  reason,
})
const unpin = z.strictObject({ reason })
const lift = z.strictObject({
  subject: z.string().min(1).max(2_048).describe('Who is let in again: user:<issuer>/<sub>.'),
  reason,
})
const reload = z.strictObject({})

/** Body of `POST /rules/rollback`. */
export type RollbackRequest = z.output<typeof rollback>

/** Body of `POST /rules/unpin`. */
export type UnpinRequest = z.output<typeof unpin>

/** Body of `POST /lockouts/lift`. */
export type LiftRequest = z.output<typeof lift>

/** Reads a body that is JSON already: no key twice, none unknown. */
export function readRollback(text: string): Loaded<RollbackRequest> {
  return read(text, rollback)
}

/** As {@link readRollback}. */
export function readUnpin(text: string): Loaded<UnpinRequest> {
  return read(text, unpin)
}

/** As {@link readRollback}. */
export function readLift(text: string): Loaded<LiftRequest> {
  return read(text, lift)
}

/** As {@link readRollback}: there is nothing to say. */
export function readReload(text: string): Loaded<Readonly<Record<string, never>>> {
  return read(text, reload)
}

/** JSON is YAML, and the reader of operators' files knows keys that are there twice. */
function read<S extends z.ZodType>(text: string, schema: S): Loaded<z.output<S>> {
  const loaded = loadDocument({ file: 'body', text }, schema)
  return loaded.ok ? { ...loaded, value: loaded.value.value } : loaded
}
