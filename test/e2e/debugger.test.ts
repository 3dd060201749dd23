/** The gateway does not run where somebody could take it over with a debugger. */
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { ensureBuilt } from '../support/build.ts'
import { launch, writeGatewayFiles } from '../support/built-gateway.ts'

// 341
it.each([
  ['--inspect on the command line', { nodeArgs: ['--inspect=127.0.0.1:0'] }],
  ['--inspect in the environment', { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }],
])(
  '%s is refused before anything is opened',
  async (_what, more) => {
    const files = await writeGatewayFiles({})
    try {
      const args = ['serve', '--config', files.configFile]
      const running = launch(await ensureBuilt(), args, { cwd: files.dir, ...more })
      expect(await running.exited).toBe(2)
      expect(running.stderr()).toContain('a debugger can be attached')
      await expect(access(join(files.dir, 'audit'))).rejects.toThrow()
    } finally {
      await rm(files.dir, { recursive: true, force: true })
    }
  },
  60_000,
)
