/** All webhooks of a gateway: one replica at a time tells them, each on its own. */
import type { QuotaStore } from '../../domain/shared-state.ts'
import type { Courier } from './courier.ts'

/** What couriers work with. */
export interface CouriersDeps {
  readonly couriers: readonly { readonly name: string; readonly courier: Pick<Courier, 'step'> }[]
  readonly store: Pick<QuotaStore, 'hold'>
  /** This process; chosen at its start. */
  readonly holder: string
  /** Runs something later; the returned function takes it back. */
  readonly schedule: (ms: number, run: () => void) => () => void
  /** A courier failed for a reason that is not the receiver's; it is tried again. */
  readonly onFailure: (name: string, error: unknown) => void
}

/** At work. */
export interface RunningCouriers {
  /** Lets attempts that were begun end; gives the place to another replica. Never rejects. */
  stop(): Promise<void>
}

/**
 * An attempt may outlast the lease, and two replicas then send the same: deliveries are at least
 * once, and receivers tell repetitions by the id.
 */
const LEASE_MS = 15_000
const RENEW_MS = 5_000
const FAILED_MS = 5_000

/** Starts them. */
export function startCouriers(deps: CouriersDeps): RunningCouriers {
  const naps = createNaps(deps.schedule)
  const state = { leads: false }
  const hold = async (places: number): Promise<void> => {
    const ask = { key: 'webhooks', holder: deps.holder, places, max: 1, ttlMs: LEASE_MS }
    // A store that does not answer has given nobody a place.
    state.leads = (await deps.store.hold(ask).catch(() => 0)) > 0
  }
  const lead = async (): Promise<void> => {
    while (!naps.over) {
      await hold(1)
      await naps.nap(RENEW_MS)
    }
  }
  const tell = async (name: string, courier: Pick<Courier, 'step'>): Promise<void> => {
    while (!naps.over) {
      const waitMs = state.leads ? await stepOf(name, courier, deps) : RENEW_MS / 5
      await naps.nap(waitMs)
    }
  }
  const running = [lead(), ...deps.couriers.map((one) => tell(one.name, one.courier))]
  return {
    async stop() {
      naps.end()
      await Promise.all(running)
      await hold(0)
    },
  }
}

async function stepOf(
  name: string,
  courier: Pick<Courier, 'step'>,
  deps: CouriersDeps,
): Promise<number> {
  try {
    return await courier.step()
  } catch (error) {
    deps.onFailure(name, error)
    return FAILED_MS
  }
}

/** Waits that all end at once. */
function createNaps(schedule: CouriersDeps['schedule']) {
  const wakes = new Set<() => void>()
  let over = false
  return {
    get over() {
      return over
    },
    nap: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (over) {
          resolve()
          return
        }
        const cancel = schedule(ms, () => wake())
        const wake = (): void => {
          cancel()
          wakes.delete(wake)
          resolve()
        }
        wakes.add(wake)
      }),
    end() {
      over = true
      for (const wake of [...wakes]) wake()
    },
  }
}
