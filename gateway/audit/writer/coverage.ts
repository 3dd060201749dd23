/** Binds the tree of a log to what signs it: what the appender tells, and what it waits for. */
import type { CheckpointSigner } from '../signing/signer-port.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import { checkpointLogPath, openCheckpointLog } from '../files/checkpoint-log.ts'
import { asError } from '../files/file-ops.ts'
import { moveTorn, type LogTail, type TornBytes } from './recovery.ts'
import type { Coverage } from './appender.ts'
import { eachLeaf } from './leaves.ts'
import type { ReadyOptions } from './ledger-options.ts'
import { createSealer, type Sealer, type SignedCheckpoint } from './sealer.ts'
import { recoverTree, signersOf, type RecoveredTree } from './tree-recovery.ts'
import type { TreeHead, TreeWriter } from './tree-writer.ts'

/** See the head of this file. */
export interface TreeKeeper {
  readonly coverage: Coverage
  readonly sealer: Sealer | undefined
  /** Undefined before {@link TreeKeeper.recover}. */
  readonly tree: TreeWriter | undefined
  /**
   * The tree of what is in the files, held against what was signed.
   * @throws ERR_AUDIT_UNAVAILABLE
   */
  recover(tail: LogTail): Promise<FoundTree>
  /** The keys have changed since the last checkpoint: those that signed it, `<name>+<id>`. */
  readonly keysBefore: readonly string[] | undefined
  publish(now?: boolean): void
}

/** What {@link TreeKeeper.recover} had to mend. */
export interface FoundTree {
  readonly head: TreeHead
  readonly torn: readonly TornBytes[]
  readonly tilesReplaced: number
}

/** Records after which a signature is due although nobody waits, and how often at most. */
const DUE_RECORDS = 64
const DUE_MS = 100

/** Builds the keeper of a log that is not open yet. */
export function createTreeKeeper(options: ReadyOptions): TreeKeeper {
  return new Keeper(options)
}

class Keeper implements TreeKeeper {
  tree: TreeWriter | undefined
  sealer: Sealer | undefined
  keysBefore: readonly string[] | undefined
  readonly coverage: Coverage
  private readonly options: ReadyOptions
  private lastDueMs = Number.NEGATIVE_INFINITY

  constructor(options: ReadyOptions) {
    this.options = options
    this.coverage = {
      grown: (leaves, count) => this.grown(leaves, count),
      mark: () => (this.sealer === undefined ? undefined : this.tree?.head()),
      isBehind: () => this.unsigned() > 0,
      isDue: () => this.isDue(),
      seal: (head) => this.sealer?.seal(head) ?? Promise.resolve(),
    }
  }

  async recover(tail: LogTail): Promise<FoundTree> {
    const size = tail.last === undefined ? 0 : tail.last.seq + 1
    const { tree } = this
    if (tree === undefined) return this.open(tail, size)
    const { files, dir } = this.options
    // Records of a write that failed may be whole all the same: they belong to the log.
    await eachLeaf({ files, dir }, { from: tree.size, to: size }, (leaves, count) => {
      tree.append(leaves, count)
      tree.writeFull(true)
    })
    return { head: tree.head(), torn: [], tilesReplaced: 0 }
  }

  publish(now?: boolean): void {
    this.sealer?.publish(now)
  }

  private async open(tail: LogTail, size: number): Promise<FoundTree> {
    const { files, dir, log, signer } = this.options
    const found = await recoverTree({
      files,
      dir,
      log,
      size,
      closed: tail.last?.type === 'log.closed',
      verifiers: signer?.verifiers ?? [],
    })
    this.tree = found.tree
    const torn: TornBytes[] = []
    if (found.log.bytes > found.log.size) {
      torn.push(await moveTorn(files, checkpointLogPath(dir), found.log.size))
    }
    const head = found.tree.head()
    if (signer !== undefined) await this.startSealing(signer, found, head)
    return { head, torn, tilesReplaced: found.tilesReplaced }
  }

  private async startSealing(
    signer: CheckpointSigner,
    found: RecoveredTree,
    head: TreeHead,
  ): Promise<void> {
    const { files, dir, log, clock, owner, fsync = true } = this.options
    const { uid } = owner
    const file = openCheckpointLog(files, { dir, size: found.log.size, uid, fsync })
    if (found.missingNote !== undefined) await file.append(found.missingNote)
    const { last } = found
    if (last !== undefined) this.keysBefore = changedKeys(last, signer)
    this.sealer = createSealer({
      origin: log,
      dir,
      files,
      clock,
      signer,
      log: file,
      tree: () => found.tree,
      last,
      onSigned: (signed) => this.onSigned(signed),
      onFailure: (operation, error) =>
        this.options.onEvent?.({ type: 'unsigned', operation, error }),
    })
    // A log that was put back to an earlier state is refused before anything is added to it.
    if (head.size > 0) await this.sealer.confirm(head)
  }

  private onSigned(signed: SignedCheckpoint): void {
    this.options.onSigned?.(signed)
  }

  private grown(leaves: Buffer, count: number): void {
    const { tree } = this
    if (tree === undefined) return
    tree.append(leaves, count)
    try {
      tree.writeFull(true)
    } catch (error) {
      this.options.onEvent?.({ type: 'unsigned', operation: 'publish', error: asError(error) })
    }
  }

  private unsigned(): number {
    const { sealer, tree } = this
    return sealer === undefined || tree === undefined ? 0 : tree.size - sealer.size
  }

  private isDue(): boolean {
    if (this.unsigned() < DUE_RECORDS) return false
    const nowMs = this.options.clock.monotonicMs()
    if (nowMs - this.lastDueMs < DUE_MS) return false
    this.lastDueMs = nowMs
    return true
  }
}

/** The keys of the log that signed `last`, when they are not those that sign now. */
function changedKeys(
  { origin, note }: ReadCheckpoint,
  { verifiers }: CheckpointSigner,
): readonly string[] | undefined {
  // Others that signed, witnesses, have names of their own.
  const before = signersOf(note).filter((key) => key.startsWith(`${origin}+`))
  const now = verifiers.map(({ vkey }) => vkey)
  const isSame =
    before.length === now.length &&
    before.every((key) => now.some((vkey) => vkey.startsWith(`${key}+`)))
  return isSame ? undefined : before
}
