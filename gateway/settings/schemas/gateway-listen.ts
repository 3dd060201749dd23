/** `listen` of config/gateway.yaml: where callers and operators connect. */
import { z } from 'zod'
import { filePath, hostName, port } from './fields.ts'

const listenerTls = z.strictObject({
  cert_file: filePath.describe('PEM file with the certificate chain of the listener, leaf first.'),
  key_file: filePath.describe('PEM file with the private key of the certificate.'),
  client_ca_file: filePath
    .optional()
    .describe('PEM file with the CAs of client certificates; when set, clients must present one.'),
})

const address = z.string().min(1).max(253)

const dataListener = z.strictObject({
  host: address.prefault('0.0.0.0').describe('Address the data listener binds to.'),
  port: port.prefault(8080).describe('TCP port of the data listener; 0 takes a free one.'),
  tls: listenerTls.optional().describe('TLS on the data listener; plain HTTP when absent.'),
})

const grpcListener = z.strictObject({
  host: address.prefault('0.0.0.0').describe('Address the gRPC listener binds to.'),
  port: port.prefault(8081).describe('TCP port of the gRPC listener; 0 takes a free one.'),
  tls: listenerTls
    .optional()
    .describe('TLS on the gRPC listener (ALPN h2); HTTP/2 with prior knowledge when absent.'),
})

const controlListener = z.strictObject({
  host: address
    .prefault('127.0.0.1')
    .describe('Address of the control listener (health, metrics, administration).'),
  port: port.prefault(9090).describe('TCP port of the control listener; 0 takes a free one.'),
  hosts: z
    .array(hostName)
    .max(64)
    .prefault([])
    .describe(
      'Names under which operators reach the control API, beside localhost and plain addresses. ' +
        'Any other Host is refused there, which stops DNS rebinding.',
    ),
  audience: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 visible ASCII characters without spaces')
    .optional()
    .describe(
      'Audience a token must have, alone, for the control API (rules in force, reload, rollback). ' +
        'It must not be an audience of an issuer. The API is off when absent.',
    ),
})

/** `listen`. */
export const listen = z
  .strictObject({
    data: dataListener.prefault({}).describe('Where callers of models connect.'),
    grpc: grpcListener
      .optional()
      .describe('Where gRPC clients connect; there is no such listener when absent.'),
    control: controlListener.prefault({}).describe('Where operators connect; loopback by default.'),
  })
  .prefault({})
  .describe('Listening sockets.')
