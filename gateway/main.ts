#!/usr/bin/env node
/**
 * The process: the only file that touches `process`. Everything below gets what it needs handed in.
 */
import { url as debuggerUrl } from 'node:inspector'
import { hostname, userInfo } from 'node:os'
import { isAlive } from './assembly/process-facts.ts'
import { runCli } from './cli/run.ts'
import type { CliIo } from './cli/io.ts'

const { env, stdout } = process
const noColour = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'

const io: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get stdin() {
    return process.stdin
  },
  env,
  cwd: process.cwd(),
  interactive: stdout.isTTY,
  colour: stdout.isTTY && !noColour,
  process: {
    pid: process.pid,
    host: hostname(),
    nodeVersion: process.version,
    hasDebugger: debuggerUrl() !== undefined,
    isAlive,
    ...userName(),
    ...(process.getuid === undefined ? {} : { uid: process.getuid() }),
    ...(process.getgroups === undefined ? {} : { groups: process.getgroups() }),
  },
  self: { command: process.execPath, args: [...process.execArgv, process.argv[1] ?? ''] },
  onSignal(kind, listener) {
    for (const signal of kind === 'reload' ? ['SIGHUP'] : ['SIGTERM', 'SIGINT']) {
      process.on(signal, listener)
    }
  },
}

/** A container may run as a user that has no name. */
function userName(): { readonly user?: string } {
  try {
    return { user: userInfo().username }
  } catch {
    return {}
  }
}

// A reader that went away (`modelgate … | head`) is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCli(process.argv.slice(2), io)
