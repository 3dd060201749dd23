/** Key files that a group may read: secrets as Kubernetes mounts them. */
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readKeyFile } from '../../../gateway/audit/signing/key-file.ts'
import { generateSkey } from '../../../gateway/audit/tree/note.ts'
import { ORIGIN, removeWitnessing, witnessingDirectory } from '../../support/witnessing.ts'

const isRoot = process.getuid?.() === 0
let path: string
/** The user that the file belongs to, and its group. */
let [owner, group] = [0, 0]

beforeAll(() => {
  const dir = witnessingDirectory()
  // A mounted secret is a link to a link to the file of the day.
  mkdirSync(join(dir, '..2026_11_22'))
  const file = join(dir, '..2026_11_22/ledger.key')
  writeFileSync(file, generateSkey(ORIGIN))
  symlinkSync('..2026_11_22', join(dir, '..data'))
  symlinkSync('..data/ledger.key', join(dir, 'ledger.key'))
  path = join(dir, 'ledger.key')
  if (isRoot) chownSync(path, 0, 2000)
  ;({ uid: owner, gid: group } = statSync(path))
})
afterAll(removeWitnessing)

interface Reader {
  readonly uid: number
  readonly groups?: readonly number[]
}

const read = (mode: number, reader: Reader) => {
  chmodSync(path, mode)
  return readKeyFile({ path, type: 'ed25519', name: ORIGIN, ...reader }).verifier.name
}

describe('a key file that its group may read', () => {
  it.each([0o440, 0o640])('is taken when the group is one of ours (%o)', (mode) => {
    expect(read(mode, { uid: owner, groups: [77, group] })).toBe(ORIGIN)
  })

  it.each([0o440, 0o640])('is refused when the group is not one of ours (%o)', (mode) => {
    const refused = () => read(mode, { uid: owner, groups: [77] })
    expect(refused).toThrow(/has mode 0.*chmod 600/)
  })

  it('is refused where the groups are not known and it is our own', () => {
    expect(() => read(0o440, { uid: owner })).toThrow(/has mode 0440/)
  })

  it.each([0o460, 0o660, 0o450, 0o444, 0o445, 0o442, 0o644])('and more (%o) is refused', (mode) => {
    expect(() => read(mode, { uid: owner, groups: [group] })).toThrow(/has mode 0/)
  })

  // Only root has files of root's, and can make some of others.
  const ofRoot = isRoot ? it : it.skip
  ofRoot('is taken when it is of root, and could be opened by somebody else', () => {
    expect(read(0o440, { uid: 1000 })).toBe(ORIGIN)
    expect(read(0o440, { uid: 1000, groups: [2000] })).toBe(ORIGIN)
    expect(() => read(0o440, { uid: 1000, groups: [1000] })).toThrow(/has mode 0440/)
  })

  ofRoot('is refused when it is of a third user', () => {
    chownSync(path, 4242, 2000)
    expect(() => read(0o440, { uid: 1000, groups: [2000] })).toThrow(/belongs to uid 4242/)
    chownSync(path, 0, 2000)
  })
})
