/** Verbs by which somebody accepts a loss: who, and why, goes on the record. */
import { osUser } from '../assembly/process-facts.ts'
import { checkedReason } from '../assembly/revisions/operator.ts'
import { GatewayError } from '../domain/errors.ts'
import type { CliIo } from './io.ts'
import { textOption } from './report.ts'
import type { OptionValues, VerbOption } from './verb.ts'

/** Options of such a verb. */
export const ACCEPTANCE_OPTIONS = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for whoever reads the ledger' },
  by: { type: 'string', value: 'NAME', help: 'who accepts it (default: the user of this shell)' },
} as const satisfies Record<string, VerbOption>

/** Who accepts what is lost, and why. @throws ERR_USAGE without a reason */
export function acceptanceOf(
  options: OptionValues,
  io: CliIo,
): { readonly by: string; readonly reason: string } {
  const reason = checkedReason(textOption(options, 'reason', ''))
  if (reason.trim() === '') throw new GatewayError('ERR_USAGE', 'say why: --reason TEXT')
  return { by: textOption(options, 'by') ?? osUser(io.process), reason }
}
