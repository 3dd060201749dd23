/**
 * Signs checkpoints of records that are on disk: one signature at a time, shared by all who wait.
 * The order is records, signature, `checkpoints.log`: after a power cut no checkpoint speaks of
 * records that are not there. At most once a second, the newest is published with its tiles.
 */
import type { Clock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import { checkpointPath, type CheckpointLog } from '../files/checkpoint-log.ts'
import { asError, defer, type Deferred } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { unavailable } from '../files/segments.ts'
import { replace } from '../files/tile-files.ts'
import type { CheckpointSigner } from '../signing/signer-port.ts'
import { checkpointText, type Checkpoint } from '../tree/checkpoint.ts'
import { consistencyProof } from '../tree/merkle.ts'
import type { TreeHead, TreeWriter } from './tree-writer.ts'

/** A checkpoint that was signed. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The whole note. */
  readonly note: string
  /** The proof that it only appends to the first `size` records. Throws when tiles cannot be read. */
  proofFrom(size: number): readonly Buffer[]
}

/** What {@link createSealer} needs. */
export interface SealerOptions {
  readonly origin: string
  readonly dir: string
  readonly files: FilePort
  readonly clock: Clock
  readonly signer: CheckpointSigner
  readonly log: CheckpointLog
  readonly tree: () => TreeWriter
  /** The checkpoint this run found. */
  readonly last: Checkpoint | undefined
  readonly onSigned?: ((signed: SignedCheckpoint) => void) | undefined
  readonly onFailure: (operation: 'sign' | 'checkpoint' | 'publish', error: Error) => void
}

/** A checkpoint in `checkpoints.log`: its size, and the byte after it. */
export interface CheckpointEntry {
  readonly size: number
  readonly end: number
}

/** See the head of this file. */
export interface Sealer {
  /** The last checkpoint that was signed in this run. */
  readonly signed: SignedCheckpoint | undefined
  /** Records that a checkpoint in `checkpoints.log` covers. */
  readonly size: number
  /** The last checkpoint in `checkpoints.log` and where it ends there, for records to speak of. */
  readonly entry: CheckpointEntry | undefined
  /** Since when it cannot sign, monotonic milliseconds. */
  readonly failingSinceMs: number | undefined
  /**
   * Resolves when a checkpoint that covers `head`, whose records are on disk, is on disk.
   * @throws ERR_AUDIT_UNAVAILABLE
   */
  seal(head: TreeHead): Promise<void>
  /** Asks for a signature of what is covered already: whether the signer agrees with the past. */
  confirm(head: TreeHead): Promise<void>
  /** Publishes the newest checkpoint when it is time, or `now`. */
  publish(now?: boolean): void
  close(): void
}

const PUBLISH_MS = 1_000

/** Builds a {@link Sealer}. */
export function createSealer(options: SealerOptions): Sealer {
  return new OneAtATime(options)
}

class OneAtATime implements Sealer {
  signed: SignedCheckpoint | undefined
  failingSinceMs: number | undefined
  entry: CheckpointEntry | undefined
  private readonly options: SealerOptions
  private covered: number
  private next: TreeHead | undefined
  private waiting: Deferred | undefined
  private isRunning = false
  private publishedSize = -1
  private publishedMs = Number.NEGATIVE_INFINITY

  constructor(options: SealerOptions) {
    this.options = options
    this.covered = options.last?.size ?? 0
    if (options.last !== undefined) this.entry = { size: this.covered, end: options.log.size }
  }

  get size(): number {
    return this.covered
  }

  seal(head: TreeHead): Promise<void> {
    if (head.size <= this.covered) return Promise.resolve()
    if (this.next === undefined || this.next.size < head.size) this.next = head
    this.waiting ??= defer()
    const { promise } = this.waiting
    if (!this.isRunning) {
      this.isRunning = true
      // All whose records went to disk with the same sync are told in this turn.
      queueMicrotask(() => void this.run())
    }
    return promise
  }

  async confirm(head: TreeHead): Promise<void> {
    try {
      await this.sign(head)
    } catch (error) {
      throw refused(error)
    }
  }

  publish(now = false): void {
    const { signed, publishedSize } = this
    const { clock, files, dir, tree } = this.options
    if (signed === undefined || signed.checkpoint.size === publishedSize) return
    const nowMs = clock.monotonicMs()
    if (!now && nowMs - this.publishedMs < PUBLISH_MS) return
    this.publishedMs = nowMs
    try {
      tree().writeFull(true)
      tree().writePartial(signed.checkpoint.size)
      replace(files, checkpointPath(dir), Buffer.from(signed.note))
      tree().dropPartial()
      this.publishedSize = signed.checkpoint.size
    } catch (error) {
      this.options.onFailure('publish', asError(error))
    }
  }

  close(): void {
    this.options.log.close()
  }

  private async run(): Promise<void> {
    while (this.next !== undefined && this.waiting !== undefined) {
      const [head, waiting] = [this.next, this.waiting]
      this.next = undefined
      this.waiting = undefined
      // Signed meanwhile: no size is signed twice.
      if (head.size <= this.covered) waiting.resolve()
      else await this.round(head, waiting)
    }
    this.isRunning = false
  }

  private async round(head: TreeHead, waiting: Deferred): Promise<void> {
    const { clock, log, onFailure, onSigned } = this.options
    let operation: 'sign' | 'checkpoint' = 'sign'
    try {
      const checkpoint = { origin: this.options.origin, ...head }
      const note = `${checkpointText(checkpoint)}\n${await this.sign(head)}`
      operation = 'checkpoint'
      await log.append(note)
      const { tree } = this.options
      this.signed = {
        checkpoint,
        at: clock.now(),
        note,
        proofFrom: (size) => consistencyProof(size, head.size, tree().hashAt),
      }
      this.covered = head.size
      this.entry = { size: head.size, end: log.size }
      this.failingSinceMs = undefined
      waiting.resolve()
      this.publish()
      onSigned?.(this.signed)
    } catch (error) {
      waiting.reject(refused(error))
      if (this.failingSinceMs !== undefined) return
      this.failingSinceMs = clock.monotonicMs()
      onFailure(operation, asError(error))
    }
  }

  private sign(head: TreeHead): Promise<string> | string {
    const { origin, signer, tree } = this.options
    return signer.sign({
      checkpoint: { origin, ...head },
      from: { size: this.covered },
      proofFrom: (size) => consistencyProof(size, head.size, tree().hashAt),
    })
  }
}

function refused(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError && thrown.code === 'ERR_AUDIT_UNAVAILABLE') return thrown
  return unavailable(`no checkpoint could be signed: ${asError(thrown).message}`, thrown)
}
