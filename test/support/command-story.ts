/** Command lines of several people against one built gateway, in which `…` stands for what came before. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runModelgate, startBuiltWorld, type BuiltWorld } from './built-gateway.ts'
import { CONTROL_AUDIENCE, PRIVILEGE_FILES, tokenOf, type Name } from './privilege-world.ts'

/** A story, one line after the other. */
export interface Story {
  /** Runs `modelgate …` as `as`; `req-…` is the last request that was shown, and so on. */
  run(as: Name, line: string): Promise<{ readonly code: number | null; readonly output: string }>
  close(): Promise<void>
}

/** What outputs are looked through for. */
const IDS = /\b(req-|grant-|lock-|review-|drill-|sha256:)(?:[0-9a-f]{64}|[0-9a-z]{26})\b/g

/** Begins one; the gateway is started with its first line. */
export function createStory(): Story {
  let started: Promise<BuiltWorld> | undefined
  const known = new Map<string, string>()
  return {
    async run(as, line) {
      const world = await (started ??= startBuiltWorld(PRIVILEGE_FILES))
      const file = join(world.dir, `${as}.token`)
      await writeFile(file, await tokenOf(world.issuer, as, CONTROL_AUDIENCE))
      const env = { MODELGATE_CONTROL_URL: world.controlUrl, MODELGATE_TOKEN_FILE: file }
      const words = line.match(/"[^"]*"|[^\s"]+/g) ?? []
      const args = words.slice(1).map((word) => {
        const bare = word.replaceAll('"', '')
        return bare.endsWith('…') ? (known.get(bare.slice(0, -1)) ?? bare) : bare
      })
      const { code, stdout, stderr } = await runModelgate(args, { cwd: world.dir, env })
      for (const [id, prefix = ''] of stdout.matchAll(IDS)) known.set(prefix, id)
      return { code, output: stdout + stderr }
    },
    close: async () => (await started)?.close(),
  }
}
