import { resolve } from 'node:path'
import type { Clock } from '../domain/clock.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import type { StoreContents } from '../store/contents.ts'
import { openEmbeddedStore } from '../store/embedded-store.ts'
import { observedStore } from '../store/observed-store.ts'
import { createRedisStream, type RedisStream } from '../store/redis-stream.ts'
import { createRedisStore, type RedisEvent } from '../store/redis-store.ts'
import { openRedisPlace } from './redis-place.ts'

/** The shared state of a running gateway. */
export interface RunningStore extends SharedStore {
  /** Whether it was ever reached: a replica that shares nothing with the others takes no callers. */
  readonly wasReached: boolean
  /** Opens a stream beside it; absent where the store is not Redis. Whoever opens it closes it. */
  readonly openStream?: OpenStream
}

/** Opens a stream in Redis. */
export type OpenStream = (options: {
  readonly stream: string
  readonly entriesMax: number
}) => RedisStream

/** What a store is opened with. */
export interface StoreOpening {
  readonly settings: Settings
  /** Directories of settings are relative to it. */
  readonly cwd: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** The store itself, instead of what the settings say. */
  readonly state?: SharedStore
}

/**
 * Opens `store`, with its asks counted. The embedded one is open then; Redis is waited for as long
 * as a connection may take, and goes on connecting in the background.
 * @throws ERR_STORE_UNAVAILABLE ERR_CONFIG_INVALID
 */
export async function openStore(opening: StoreOpening): Promise<RunningStore> {
  const { clock, log, metrics } = opening
  const store = await opened(opening)
  metrics.storeUp(store.healthy)
  log.info({ kind: store.kind, up: store.healthy }, 'store opened')
  let wasReached = store.healthy
  const observed = observedStore(store, {
    clock,
    onAsk(operation, durationMs, isAnswered) {
      metrics.storeAsk(operation, durationMs, isAnswered)
      metrics.storeUp(store.healthy)
    },
  })
  return Object.defineProperties(observed, {
    wasReached: { get: () => (wasReached ||= store.healthy) },
    openStream: { value: store.openStream },
  }) as RunningStore
}

type OpenedStore = SharedStore & Pick<RunningStore, 'openStream'>

async function opened(opening: StoreOpening): Promise<OpenedStore> {
  const { settings, cwd, clock, state } = opening
  if (state !== undefined) return state
  const onEvent = redisEvents(opening)
  return openConfigured(settings.store, { cwd, clock, log: opening.log, onEvent })
}

/** What {@link openConfigured} works with. */
export interface ConfiguredOpening extends Pick<StoreOpening, 'cwd' | 'clock'> {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly onEvent?: (event: RedisEvent) => void
}

/** A store with what it keeps for good. */
export interface ConfiguredStore extends OpenedStore {
  readonly contents: StoreContents
}

/** Opens the store that settings name. @throws ERR_STORE_UNAVAILABLE ERR_CONFIG_INVALID */
export async function openConfigured(
  settings: Settings['store'],
  opening: ConfiguredOpening,
): Promise<ConfiguredStore> {
  if (settings.kind === 'redis') return openRedis(opening, settings)
  const { cwd, clock } = opening
  return openEmbeddedStore({ dir: resolve(cwd, settings.dir), clock })
}

type RedisSettings = Extract<Settings['store'], { kind: 'redis' }>

async function openRedis(
  { log, onEvent }: ConfiguredOpening,
  settings: RedisSettings,
): Promise<ConfiguredStore> {
  const place = await openRedisPlace(settings, log)
  const { prefix, commandTimeout: commandTimeoutMs, connectTimeout: connectTimeoutMs } = settings
  const bounds = { prefix, commandTimeoutMs, connectTimeoutMs }
  const { waitReplicas: replicas, waitTimeout: timeoutMs } = settings
  const store = createRedisStore({
    ...bounds,
    ...place.current,
    ...(replicas === 0 ? {} : { wait: { replicas, timeoutMs } }),
    onEvent(event) {
      // The password may be another one by now: that is not waited for.
      if (event.type === 'down' || event.type === 'problem') void place.reread()
      onEvent?.(event)
    },
  })
  const streams: RedisStream[] = []
  const unwatch = place.watch((there) => {
    for (const one of [store, ...streams]) one.connect(there)
  })
  await reached(store.whenUp(), settings.connectTimeout)
  return Object.defineProperties(
    { ...store },
    {
      healthy: { get: () => store.healthy },
      openStream: {
        value: (options: Parameters<OpenStream>[0]) => {
          const stream = createRedisStream({ ...bounds, ...place.current, ...options })
          streams.push(stream)
          return stream
        },
      },
      close: {
        value: () => {
          unwatch()
          return store.close()
        },
      },
    },
  )
}

function redisEvents({ log, metrics }: StoreOpening): (event: RedisEvent) => void {
  return (event) => {
    if (event.type === 'up') {
      metrics.storeUp(true)
      log.info({ version: event.version }, 'Redis was reached')
    } else if (event.type === 'down') {
      metrics.storeUp(false)
      log.error({ why: event.why }, 'Redis does not answer')
    } else if (event.type === 'problem') log.warn({ why: event.why }, 'Redis cannot be reached')
    else log.warn({}, event.message)
  }
}

/** Resolves when it was reached, or when the time is over. */
async function reached(whenUp: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([whenUp, over])
  clearTimeout(timer)
}
