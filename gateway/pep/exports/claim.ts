/** One transfer that uses a grant up, from the store's leave to the report of its end. */
import type { Clock } from '../../domain/clock.ts'
import type { ByteMeter } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Claim, ClaimAsk, ClaimProgress, ClaimStore } from '../../domain/shared-state.ts'

/** Bytes after which the store is told; so many again may leave until it has answered. */
export const REPORT_BYTES = 1024 * 1024

/** How often the store is told of a transfer, however slow. */
const REPORT_MS = 1_000

/** How often the end of a transfer is told to a store that does not answer, once a second. */
const RELEASE_TRIES = 600

/** A transfer of which the store hears nothing for so long can be resumed by another attempt. */
export const CLAIM_TTL_MS = 10_000

/** What a claim is made with. */
export interface ClaimDeps {
  readonly state: ClaimStore
  readonly clock: Clock
  /** Told once when the transfer has to end now. */
  readonly onLost: (refusal: Refusal) => void
  /** Calls `run` again and again; returns what stops it. */
  readonly every?: (ms: number, run: () => void) => () => void
}

/** A grant that is being used by one transfer. */
export interface GrantClaim {
  /** Whether an earlier attempt at the same transfer used the grant already. */
  readonly resumed: boolean
  /** Bytes that earlier attempts at it had. */
  readonly bytesBefore: number
  /**
   * Counts what leaves; `grant_spent` when the bytes of the grant are used up. Other transfers of
   * the grant, at the same time, may each have up to 2 MiB and two chunks that are not counted yet.
   */
  readonly account: ByteMeter
  /** Bytes that may still leave, as far as it is known. */
  bytesLeft(): number
  /**
   * To be called once. @throws ERR_STORE_UNAVAILABLE: it is then told again and again for ten
   * minutes, so that a file that was whole when the store was not there is not given a second time
   */
  release(complete: boolean): Promise<void>
}

/**
 * Asks the store for leave. Refusals: `grant_in_use`, `grant_spent`, and `state_unavailable` when
 * the store does not answer: what was claimed without our hearing of it is given back, if it can be.
 */
export async function claimGrant(
  deps: ClaimDeps,
  wanted: Omit<ClaimAsk, 'ttlMs'>,
): Promise<GrantClaim | Refusal> {
  const ask = { ...wanted, ttlMs: CLAIM_TTL_MS }
  try {
    const claim = await deps.state.claim(ask)
    return claim.granted ? new RunningClaim(deps, ask, claim) : refusalFor(claim.why, ask)
  } catch {
    const { grant, transfer, attempt, ttlMs } = ask
    const part = { grant, transfer, attempt, ttlMs, bytes: 0, complete: false }
    deps.state.release(part).catch(() => undefined)
    return refuse('state_unavailable', { retryAfter: 5 })
  }
}

type Refused = Extract<Claim, { granted: false }>['why']

function refusalFor(why: Refused, { grant }: ClaimAsk): Refusal {
  if (why === 'in-use') {
    return refuse('grant_in_use', { retryAfter: Math.ceil(CLAIM_TTL_MS / 1000) })
  }
  return refuse('grant_spent', { detail: `Grant ${grant} ${WHY[why]}.` })
}

const WHY: Readonly<Record<Exclude<Refused, 'in-use'>, string>> = {
  spent: 'has no use left',
  bytes: 'has no bytes left',
  expired: 'has ended',
}

class RunningClaim implements GrantClaim {
  readonly resumed: boolean
  readonly bytesBefore: number
  readonly account: ByteMeter
  private readonly deps: ClaimDeps
  private readonly ask: ClaimAsk
  private readonly stop: () => void
  private left: number
  /** Bytes that left and that no report was begun with. */
  private unreported = 0
  private report: Promise<void> | undefined
  private heardMs: number
  private lost: Refusal | undefined
  private isReleased = false
  /** Opened when the store answers again, or when the transfer has to end. */
  private gate: Gate | undefined

  constructor(deps: ClaimDeps, ask: ClaimAsk, claim: Extract<Claim, { granted: true }>) {
    this.deps = deps
    this.ask = ask
    this.resumed = claim.resumed
    this.bytesBefore = claim.bytesBefore
    this.left = claim.bytesLeft
    this.heardMs = deps.clock.monotonicMs()
    this.account = { take: (bytes) => this.take(bytes), ready: () => this.ready() }
    this.stop = (deps.every ?? everyMs)(REPORT_MS, () => this.tick())
  }

  bytesLeft(): number {
    return this.left
  }

  async release(complete: boolean): Promise<void> {
    this.stop()
    this.isReleased = true
    await this.report
    const { grant, transfer, attempt, ttlMs } = this.ask
    const part = { grant, transfer, attempt, ttlMs, bytes: this.unreported, complete }
    try {
      await this.deps.state.release(part)
    } catch (error) {
      this.releaseLater(part)
      throw error
    }
  }

  /** Told twice, bytes count twice and nothing else: never too little. */
  private releaseLater(part: ClaimProgress & { readonly complete: boolean }): void {
    let [tries, isAsking] = [0, false]
    const stop = (this.deps.every ?? everyMs)(REPORT_MS, () => {
      if (isAsking) return
      isAsking = true
      tries += 1
      this.deps.state.release(part).then(stop, () => {
        isAsking = false
        if (tries >= RELEASE_TRIES) stop()
      })
    })
  }

  private take(bytes: number): Refusal | undefined {
    if (this.lost !== undefined) return this.lost
    if (bytes > this.left) {
      this.lost = refuse('grant_spent', { detail: `Grant ${this.ask.grant} has no bytes left.` })
      return this.lost
    }
    this.left -= bytes
    this.unreported += bytes
    if (this.unreported >= REPORT_BYTES) this.tell()
    return undefined
  }

  private ready(): Promise<void> | undefined {
    if (this.unreported < REPORT_BYTES || this.lost !== undefined) return undefined
    this.gate ??= newGate()
    return this.gate.opened
  }

  /** Tells the store what left. One report at a time. */
  private tell(): void {
    if (this.report !== undefined || this.isReleased) return
    const bytes = this.unreported
    this.unreported = 0
    const { grant, transfer, attempt, ttlMs } = this.ask
    this.report = this.deps.state.progress({ grant, transfer, attempt, ttlMs, bytes }).then(
      (left) => this.heard(left),
      () => {
        // Counted twice if the store did hear of it: never too little.
        this.unreported += bytes
        this.report = undefined
      },
    )
  }

  private heard(left: number): void {
    this.report = undefined
    this.heardMs = this.deps.clock.monotonicMs()
    this.left = left - this.unreported
    // Of a grant without a limit, nothing left means that the attempt is not the living one.
    if (left === 0 && this.ask.bytesMax === undefined) this.lose(refuse('grant_ended'))
    this.open()
    if (this.unreported >= REPORT_BYTES) this.tell()
  }

  private tick(): void {
    const silentMs = this.deps.clock.monotonicMs() - this.heardMs
    // Past this, another attempt may be given what this one believes to have.
    if (silentMs >= CLAIM_TTL_MS) this.lose(refuse('state_unavailable'))
    else if (this.unreported > 0 || silentMs >= CLAIM_TTL_MS / 4) this.tell()
  }

  private lose(refusal: Refusal): void {
    if (this.lost !== undefined || this.isReleased) return
    this.lost = refusal
    this.open()
    this.deps.onLost(refusal)
  }

  private open(): void {
    this.gate?.open()
    this.gate = undefined
  }
}

interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

function newGate(): Gate {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

function everyMs(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}
