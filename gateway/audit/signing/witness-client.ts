/** The side of a log to one witness (C2SP tlog-witness `add-checkpoint`). */
import type { WitnessResult } from '../../metrics/labels.ts'
import type { Checkpoint } from '../tree/checkpoint.ts'
import type { NoteVerifier } from '../tree/note.ts'
import { askGrowth } from './growth-client.ts'
import { createPeerClient } from './http-exchange.ts'
import { verifiedLines } from './signature-lines.ts'

/** The path of C2SP tlog-witness, behind the submission prefix. */
export const ADD_CHECKPOINT_PATH = '/add-checkpoint'

/** Furthest a cosignature may be from the clock of this machine: older ones were kept for replay. */
export const SKEW_MAX_MS = 5 * 60_000

/** What came of asking a witness once. */
export type WitnessAnswer =
  | {
      readonly result: 'cosigned'
      /** Its signature line, verified. */
      readonly line: string
    }
  | { readonly result: Exclude<WitnessResult, 'cosigned'>; readonly why: string }

/** A checkpoint of the log, signed. */
export interface SignedNotice {
  readonly checkpoint: Checkpoint
  /** The signed note. */
  readonly note: string
  /** The proof that the checkpoint appends to the first `size` records. May throw. */
  proofFrom(size: number): readonly Buffer[]
}

/** One witness. */
export interface WitnessClient {
  readonly name: string
  /** Never rejects. */
  push(notice: SignedNotice): Promise<WitnessAnswer>
  close(): void
}

/** What {@link createWitnessClient} needs. */
export interface WitnessClientOptions {
  /** Submission prefix. */
  readonly url: URL
  readonly verifier: NoteVerifier
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  readonly timeoutMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Builds a {@link WitnessClient}. */
export function createWitnessClient(options: WitnessClientOptions): WitnessClient {
  const { url, ca, verifier, timeoutMs } = options
  const peer = createPeerClient({ url, ca }, timeoutMs)
  // What it cosigned last, as far as this run knows; a 409 says it otherwise.
  let from = 0
  return {
    name: verifier.name,
    close: () => peer.close(),
    async push(notice) {
      const { size } = notice.checkpoint
      const path = ADD_CHECKPOINT_PATH
      const proofFrom = (old: number): readonly Buffer[] => notice.proofFrom(old)
      try {
        const growth = await askGrowth(peer, { path, from, size, rest: notice.note, proofFrom })
        switch (growth.kind) {
          case 'signed': {
            const answer = judge(options, notice, growth.lines)
            if (answer.result === 'cosigned') from = size
            return answer
          }
          case 'ahead':
            return { result: 'ahead', why: `it has cosigned ${growth.size} records` }
          case 'forked':
            return { result: 'forked', why: 'the ledger does not append to what it cosigned' }
          case 'refused':
            return { result: 'refused', why: `it answers ${growth.status} ${growth.why}` }
        }
      } catch (error) {
        return { result: 'unreachable', why: (error as Error).message }
      }
    },
  }
}

function judge(
  { verifier, now }: WitnessClientOptions,
  { note }: SignedNotice,
  answer: Buffer,
): WitnessAnswer {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1)
  const lines = verifiedLines(text, answer, [verifier])
  if (typeof lines === 'string') return { result: 'invalid', why: lines }
  const [own] = lines
  if (own === undefined) return { result: 'invalid', why: 'it did not sign with its key' }
  if (Math.abs(own.at * 1000 - now()) > SKEW_MAX_MS) {
    return { result: 'invalid', why: 'the time of its cosignature is more than 5 minutes off' }
  }
  return { result: 'cosigned', line: own.line }
}
