import type { Diagnostic } from './diagnostics.ts'

/** Stable codes of failures (style §4.3). A failure is an error; it never becomes a permit. */
export type ErrorCode =
  | 'ERR_CONFIG_INVALID'
  | 'ERR_CONFIG_UNREADABLE'
  | 'ERR_RULES_INVALID'
  | 'ERR_RULES_UNREADABLE'
  | 'ERR_AUTHN_KEYS_UNAVAILABLE'
  | 'ERR_AUTHN_DISCOVERY'
  | 'ERR_DECISION_INDETERMINATE'
  | 'ERR_UPSTREAM_CONNECT'
  | 'ERR_UPSTREAM_HEADERS_TIMEOUT'
  | 'ERR_UPSTREAM_IDLE_TIMEOUT'
  | 'ERR_UPSTREAM_RESET'
  | 'ERR_UPSTREAM_INVALID'
  | 'ERR_AUDIT_UNAVAILABLE'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_LISTEN'
  | 'ERR_USAGE'
  | 'ERR_INTERNAL'

/** The one base error. Only `publicMessage` may leave the process; the rest goes to the log. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly publicMessage: string
  /** What is wrong where, when a file of the operator is to blame. */
  readonly diagnostics: readonly Diagnostic[]

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & {
      publicMessage?: string
      diagnostics?: readonly Diagnostic[]
    } = {},
  ) {
    super(message, options)
    this.name = 'GatewayError'
    this.code = code
    this.publicMessage = options.publicMessage ?? 'The gateway failed.'
    this.diagnostics = options.diagnostics ?? []
  }
}

/** Fails the request (or the boot) when a programmer's assumption is broken. @throws ERR_INTERNAL */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition !== true) throw new GatewayError('ERR_INTERNAL', `invariant broken: ${message}`)
}
