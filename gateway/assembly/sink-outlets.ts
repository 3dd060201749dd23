import { createHttpOutlet } from '../audit/sinks/http-outlet.ts'
import { createLinesOutlet, createStreamOutlet } from '../audit/sinks/simple-outlets.ts'
import type { Outlet } from '../audit/sinks/sink-port.ts'
import { createSyslogOutlet } from '../audit/sinks/syslog-outlet.ts'
import { diagnosticText } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { LogDestination } from '../log/output.ts'
import { createSecretFile, readPemFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import type { RunningStore } from './open-store.ts'

/** One of `audit.sinks`. */
export type SinkSettings = Settings['audit']['sinks'][number]

/** What outlets are made with. */
export interface OutletParts {
  /** Name of this machine. */
  readonly host: string
  readonly log: Logger
  /** Standard output, shared with the log. */
  readonly output: LogDestination
  readonly state: Pick<RunningStore, 'openStream'>
}

/** Milliseconds between readings of a file with a token. */
const TOKEN_REFRESH_MS = 10_000
/** Longest wait for a syslog connection, and for its kernel. */
const SYSLOG_TIMEOUT_MS = 10_000
/** A syslog connection that is good for so long after a write has read it. */
const SYSLOG_SETTLE_MS = 5_000

/**
 * The outlet that a sink of the configuration describes; nothing is connected yet.
 * @throws ERR_CONFIG_INVALID when a file it needs cannot be used
 */
export async function createOutlet(sink: SinkSettings, parts: OutletParts): Promise<Outlet> {
  switch (sink.type) {
    case 'stdout':
      return createLinesOutlet(linesTo(parts.output))
    case 'http':
      return httpOutlet(sink, parts.log)
    case 'syslog': {
      const { facility, host, port, caFile } = sink
      const tls = sink.tls ? await certificates(caFile) : undefined
      const bounds = { timeoutMs: SYSLOG_TIMEOUT_MS, settleMs: SYSLOG_SETTLE_MS }
      return createSyslogOutlet({
        target: { host, port },
        tls,
        facility,
        host: parts.host,
        ...bounds,
      })
    }
    case 'redis':
      return redisOutlet(sink, parts)
  }
}

function linesTo(output: LogDestination): Parameters<typeof createLinesOutlet>[0] {
  return (lines, done) => {
    if (output.deliver === undefined) {
      output.write(lines)
      done()
    } else output.deliver(lines, done)
  }
}

type SinkOf<T extends SinkSettings['type']> = Extract<SinkSettings, { readonly type: T }>

async function httpOutlet(sink: SinkOf<'http'>, log: Logger): Promise<Outlet> {
  const { url, batch: recordsMax, timeout: timeoutMs, tokenFile, caFile } = sink
  const options = { url, recordsMax, timeoutMs, ...(await certificates(caFile)) }
  if (tokenFile === undefined) return createHttpOutlet(options)
  const token = createSecretFile({ path: tokenFile })
  const loaded = await token.refresh()
  if (!loaded.ok) throw invalid(sink, loaded.diagnostics.map(diagnosticText))
  for (const warning of loaded.warnings) log.warn({}, diagnosticText(warning))
  const timer = setInterval(() => void token.refresh(), TOKEN_REFRESH_MS).unref()
  const outlet = createHttpOutlet({ ...options, token: () => token.current() })
  const close: Outlet['close'] = (signal) => {
    clearInterval(timer)
    return outlet.close(signal)
  }
  return { ...outlet, close }
}

function redisOutlet(sink: SinkOf<'redis'>, { state }: OutletParts): Outlet {
  const { stream: name, entriesMax } = sink
  const stream = state.openStream?.({ stream: name, entriesMax })
  if (stream === undefined) throw invalid(sink, ['the store is not Redis'])
  const outlet = createStreamOutlet((entries) =>
    stream.append(
      entries.map(({ seq, type, leaf, line }) => [
        ['seq', String(seq)],
        ['type', type],
        ['leaf', leaf],
        ['record', line],
      ]),
    ),
  )
  const close: Outlet['close'] = (signal) => {
    stream.close()
    return outlet.close(signal)
  }
  return { ...outlet, close }
}

async function certificates(caFile: string | undefined): Promise<{ readonly ca?: string }> {
  if (caFile === undefined) return {}
  const loaded = await readPemFile(caFile)
  if (loaded.ok) return { ca: loaded.value }
  throw new GatewayError('ERR_CONFIG_INVALID', loaded.diagnostics.map(diagnosticText).join('\n'))
}

function invalid({ name }: SinkSettings, problems: readonly string[]): GatewayError {
  const message = `the sink ${name} of the ledger cannot be used\n${problems.join('\n')}`
  return new GatewayError('ERR_CONFIG_INVALID', message)
}
