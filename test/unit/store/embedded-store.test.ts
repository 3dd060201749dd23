import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedStore } from '../../../gateway/store/embedded-store.ts'
import { storeContract } from '../../support/store-contract.ts'

storeContract('embedded', async (now) => {
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
})
