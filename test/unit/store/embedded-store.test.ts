import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStore } from '../../../gateway/store/embedded-store.ts'
import { journalContract } from '../../support/journal-contract.ts'
import { storeContract, type OpenPair } from '../../support/store-contract.ts'

const open: OpenPair = async (now) => {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-store-'))
  const clock = { now, monotonicMs: now }
  const one = await openEmbeddedStore({ dir, clock })
  const other = await openEmbeddedStore({ dir, clock })
  return {
    one,
    other,
    async close() {
      await Promise.all([one.close(), other.close()])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

storeContract('embedded', open)
journalContract('embedded', open)
