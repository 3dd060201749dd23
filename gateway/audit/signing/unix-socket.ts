/** A Unix socket that nobody but its owner, or its group, can connect to. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'

/**
 * Listens on a socket with `mode`, 0600 or 0660. A socket that nobody listens on any more is removed;
 * its directory must be one that nobody else can put another socket into.
 *
 * @throws ERR_LISTEN
 */
export async function listenOnSocket(server: Server, path: string, mode: number): Promise<void> {
  const directory = lstatSync(dirname(path), { throwIfNoEntry: false })
  if (directory?.isDirectory() !== true || (directory.mode & 0o022) !== 0) {
    throw failed(path, 'its directory must be there, and writable by its owner alone')
  }
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined) {
    if (!found.isSocket()) throw failed(path, 'something else is there')
    if (await isAnswering(path)) throw failed(path, 'another process listens there')
    unlinkSync(path)
  }
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(failed(path, error.message, error))
    server.once('error', onError)
    server.listen({ path, readableAll: false, writableAll: false }, () => {
      server.off('error', onError)
      resolve()
    })
    // It is bound by now. Before anything is answered, only those may connect who should.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) chmodSync(path, mode)
  })
  if ((lstatSync(path).mode & 0o777) === mode) return
  server.close()
  throw failed(path, 'its mode could not be set')
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const end = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

function failed(path: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_LISTEN', `cannot listen on ${path}: ${why}`, { cause })
}
