import { GatewayError } from '../domain/errors.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import type { Exchange } from './exchange.ts'
import { FINAL, PIPELINE } from './pipeline.ts'
import type { StageResult } from './result.ts'
import type { Services } from './runtime.ts'

/**
 * Walks one exchange through {@link PIPELINE} and settles it. Never rejects: an exception in a
 * stage is logged and refuses the request as `internal` (I6, I18). A `barrier` refuses
 * before stage 1: the gateway drains, or is at its limit.
 */
export async function handle(
  exchange: Exchange,
  services: Services,
  barrier: Refusal | undefined,
): Promise<void> {
  const end = barrier ?? (await walk(exchange, services))
  try {
    await FINAL(exchange, services, end)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'settling a request failed')
    if (exchange.transport === 'grpc') exchange.stream.destroy()
    else exchange.response.destroy()
  }
}

async function walk(exchange: Exchange, services: Services): Promise<StageResult> {
  try {
    for (const { stage, run } of PIPELINE) {
      exchange.stage = stage
      const result = run(exchange, services)
      // Awaiting a value that is already here would cost every stage a turn of the event loop.
      const settled = result instanceof Promise ? await result : result
      if (settled !== undefined) return settled
    }
    return undefined
  } catch (error) {
    return failure(exchange, services, error)
  }
}

function failure(exchange: Exchange, services: Services, error: unknown): Refusal {
  const code = error instanceof GatewayError ? error.code : 'ERR_INTERNAL'
  services.log.error(
    { decisionId: exchange.id, stage: exchange.stage, code, err: error },
    'a stage failed',
  )
  return refuse(code === 'ERR_AUDIT_UNAVAILABLE' ? 'audit_unavailable' : 'internal')
}
