import type { VerbOption } from '../verb.ts'

/** `--reason TEXT`, as every verb that changes something has it; `help` says what it is the reason of. */
export function reasonOption(help: string): VerbOption {
  return { type: 'string', value: 'TEXT', help }
}
