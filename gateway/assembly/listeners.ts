import { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { GatewayError } from '../domain/errors.ts'

/** Starts listening and resolves to the port, which is a free one when `port` was 0. @throws ERR_LISTEN */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      const message = `cannot listen on ${host}:${port}: ${error.message}`
      reject(new GatewayError('ERR_LISTEN', message, { cause: error }))
    }
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Stops accepting and resolves when every connection is closed. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    if (server instanceof HttpServer) server.closeIdleConnections()
  })
}
