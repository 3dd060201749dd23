/** The status codes of gRPC, and what our reasons are among them. */
import { REASONS, type Reason } from './reasons.ts'

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html: those this gateway gives by itself. */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** One of {@link GRPC_STATUS}, or what an upstream says: 0 to 16. */
export type GrpcStatus = number

/** Where the HTTP status of a reason does not say enough. */
const BY_REASON: ReadonlyMap<Reason, GrpcStatus> = new Map<Reason, GrpcStatus>([
  ['upstream_unknown', GRPC_STATUS.unimplemented],
  ['unclassified', GRPC_STATUS.unimplemented],
  // A client that may try again elsewhere is told so.
  ['upstream_connect', GRPC_STATUS.unavailable],
  ['upstream_reset', GRPC_STATUS.unavailable],
])

const BY_HTTP_STATUS: ReadonlyMap<number, GrpcStatus> = new Map<number, GrpcStatus>([
  [400, GRPC_STATUS.invalidArgument],
  [401, GRPC_STATUS.unauthenticated],
  [403, GRPC_STATUS.permissionDenied],
  [405, GRPC_STATUS.unimplemented],
  [408, GRPC_STATUS.deadlineExceeded],
  [411, GRPC_STATUS.invalidArgument],
  [413, GRPC_STATUS.resourceExhausted],
  [414, GRPC_STATUS.resourceExhausted],
  [415, GRPC_STATUS.unimplemented],
  [417, GRPC_STATUS.invalidArgument],
  [429, GRPC_STATUS.resourceExhausted],
  [431, GRPC_STATUS.resourceExhausted],
  [499, GRPC_STATUS.cancelled],
  [503, GRPC_STATUS.unavailable],
  [504, GRPC_STATUS.deadlineExceeded],
])

/** The gRPC status of a reason. */
export function grpcStatusOf(reason: Reason): GrpcStatus {
  const { status } = REASONS[reason]
  return BY_REASON.get(reason) ?? BY_HTTP_STATUS.get(status) ?? GRPC_STATUS.internal
}

const MESSAGE_BYTES_MAX = 1_024

/**
 * The value of `grpc-message` (gRPC over HTTP/2): UTF-8, percent-encoded outside visible ASCII and
 * space; at most 1 KiB before it is encoded.
 */
export function grpcMessage(text: string): string {
  let encoded = ''
  for (const byte of new TextEncoder().encode(text).subarray(0, MESSAGE_BYTES_MAX)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
