/** Logs that grow and fork in memory, and who signs for them, for signers and witnesses. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { growthBody } from '../../gateway/audit/signing/growth.ts'
import {
  createMemoryDirectory,
  openGrowthMemory,
  type GrowthMemory,
} from '../../gateway/audit/signing/growth-memory.ts'
import type { SignedNotice } from '../../gateway/audit/signing/witness-client.ts'
import { checkpointText } from '../../gateway/audit/tree/checkpoint.ts'
import {
  consistencyProof,
  leafHashOf,
  nodeHash,
  rootAt,
  type HashAt,
} from '../../gateway/audit/tree/merkle.ts'
import type { NoteSigner } from '../../gateway/audit/tree/note.ts'
import { newSigner } from './tree-log.ts'

export const ORIGIN = 'test/audit/n1'

/** A log of as many leaves as are asked for; two of other `words` are forks of each other. */
export interface GrowingLog {
  readonly signer: NoteSigner
  rootAt(size: number): Buffer
  proof(from: number, to: number): readonly Buffer[]
  text(size: number): string
  notice(size: number): SignedNotice
  /** The body of add-checkpoint. */
  body(from: number, to: number, more?: { readonly proof?: readonly Buffer[] }): string
  /** The body of sign-checkpoint. */
  unsigned(from: number, to: number): string
}

export function growingLog(words = 'leaf', signer = newSigner(ORIGIN)): GrowingLog {
  const hashAt: HashAt = (level, index) =>
    level === 0
      ? leafHashOf(Buffer.from(`${index < 3 ? 'same' : words} ${index}`))
      : nodeHash(hashAt(level - 1, index * 2), hashAt(level - 1, index * 2 + 1))
  const { name: origin } = signer.verifier
  const rootOf = (size: number) => rootAt(size, hashAt)
  const proof = (from: number, to: number) => consistencyProof(from, to, hashAt)
  const text = (size: number) => checkpointText({ origin, size, root: rootOf(size) })
  const note = (size: number) => `${text(size)}\n${signer.sign(text(size))}`
  return {
    signer,
    rootAt: rootOf,
    proof,
    text,
    notice: (size) => ({
      checkpoint: { origin, size, root: rootOf(size) },
      note: note(size),
      proofFrom: (from) => proof(from, size),
    }),
    body: (from, to, more = {}) => growthBody(from, more.proof ?? proof(from, to), note(to)),
    unsigned: (from, to) => growthBody(from, proof(from, to), text(to)),
  }
}

const directories: string[] = []

/** A directory, 0700, removed by {@link removeWitnessing}. */
export function witnessingDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'modelgate-witness-'))
  directories.push(dir)
  return dir
}

export function removeWitnessing(): void {
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
}

/** The memory of a signer or witness, in a new directory unless one is given. */
export function newMemory(
  signers: readonly NoteSigner[],
  more: { readonly dir?: string; readonly assertHeld?: () => void } = {},
): { readonly memory: GrowthMemory; readonly dir: string } {
  const dir = more.dir ?? join(witnessingDirectory(), 'state')
  if (more.dir === undefined) createMemoryDirectory(dir)
  const memory = openGrowthMemory({
    dir,
    uid: process.getuid?.(),
    verifiers: signers.map(({ verifier }) => verifier),
    assertHeld: more.assertHeld ?? (() => undefined),
  })
  return { memory, dir }
}
