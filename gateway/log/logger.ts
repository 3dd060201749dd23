/**
 * The operational log: one JSON object per line on standard output, without credentials, whatever
 * callers hand over. The ledger, not this log, is the record of decisions.
 */
import { pino, type Logger as PinoLogger } from 'pino'
import { systemClock, type Clock } from '../domain/clock.ts'
import { createOutput, type LogDestination } from './output.ts'
import { safeFields, scrubText } from './redact.ts'

/** From chatty to urgent. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Facts beside the message; keys in camelCase. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes log lines. No method throws or waits. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}

/** The logger of the process. */
export interface RootLogger extends Logger {
  /** Resolves once everything handed over has been written, or cannot be: at most a second. */
  flush(): Promise<void>
  /** Where its lines go, for other lines that go there too. */
  readonly output: LogDestination
}

/** Keys that the line itself uses; fields of that name are written as `field_<name>`. */
const LINE_KEYS: ReadonlySet<string> = new Set(['level', 'time', 'msg'])

/**
 * Builds the logger. Lines carry `level`, `time` (RFC 3339), the fields and `msg`. Without a
 * destination they go to standard output, buffered; when its reader goes away (EPIPE) lines are
 * dropped and the gateway goes on.
 */
export function createLogger(options: {
  readonly level: LogLevel
  readonly destination?: LogDestination
  readonly clock?: Clock
}): RootLogger {
  const clock = options.clock ?? systemClock
  const onDropped = (lines: number): void => logger.warn({ lines }, 'log lines were dropped')
  const out = options.destination ?? createOutput({ fd: 1, onDropped })
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => out.write(escapeLine(line)) },
  )
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      if (out.flush === undefined) resolve()
      else out.flush(() => resolve())
    })
  const logger: RootLogger = { ...wrap(root), flush, output: out }
  return logger
}

function wrap(target: PinoLogger): Logger {
  const at =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (target.isLevelEnabled(level)) target[level](lineFields(fields), scrubText(message))
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(target.child(lineFields(fields))),
  }
}

function lineFields(fields: LogFields): Record<string, unknown> {
  const entries = Object.entries(safeFields(fields))
  return Object.fromEntries(
    entries.map(([key, value]) => [LINE_KEYS.has(key) ? `field_${key}` : key, value]),
  )
}

/**
 * JSON leaves DEL, C1 controls, U+2028/2029 and the bidirectional controls as they are; terminals
 * and some readers do not (CVE-2021-42574). JSON reads their escapes as the same characters.
 */
function escapeLine(line: string): string {
  return line.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
