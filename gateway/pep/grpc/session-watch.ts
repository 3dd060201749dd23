import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'

/** Bounds of one HTTP/2 connection. */
export interface SessionBounds {
  /** Time to the first call. */
  readonly firstCallTimeoutMs: number
  /** How long a connection without a call is kept. */
  readonly unusedTimeoutMs: number
}

/** A call that a client takes back before it was answered costs one; so many are given back a second. */
const RESETS_BURST = 200
const RESETS_PER_S = 20

/** Frames that ask for an answer and carry nothing: keep-alive needs one in some seconds. */
const CONTROL_BURST = 60
const CONTROL_PER_S = 2

/** A connection that is told to go has this long. */
const GO_MS = 1_000

/** What one connection is watched for. */
export interface SessionWatch {
  /** A call began. */
  opened(stream: ServerHttp2Stream): void
}

/**
 * Watches one connection for what HTTP/2 lets a client do at the cost of others: calls taken back as
 * fast as they are made (CVE-2023-44487), floods of PING and SETTINGS (CVE-2019-9512, -9515), and
 * keeping a connection without using it. Floods of CONTINUATION (CVE-2024-27316) and of what is
 * never read end in the bounds of nghttp2 itself.
 * @param onAbuse told why a connection is closed for what its client did
 */
export function watchSession(
  session: ServerHttp2Session,
  bounds: SessionBounds,
  onAbuse: (what: string) => void,
): SessionWatch {
  const resets = createBucket(RESETS_BURST, RESETS_PER_S)
  const controls = createBucket(CONTROL_BURST, CONTROL_PER_S)
  let calls = 0
  let timer = setTimeout(() => close(session), bounds.firstCallTimeoutMs)
  const end = (what: string): void => {
    if (session.destroyed) return
    onAbuse(what)
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }
  const onControl = (): void => {
    if (!controls.take()) end('ERR_HTTP2_CONTROL_FLOOD')
  }
  session.on('ping', onControl).on('remoteSettings', onControl)
  session.once('close', () => clearTimeout(timer))
  return {
    opened(stream) {
      calls += 1
      clearTimeout(timer)
      stream.once('aborted', () => {
        if (!stream.headersSent && !resets.take()) end('ERR_HTTP2_RAPID_RESET')
      })
      stream.once('close', () => {
        calls -= 1
        if (calls > 0 || session.destroyed) return
        clearTimeout(timer)
        timer = setTimeout(() => close(session), bounds.unusedTimeoutMs)
      })
    },
  }
}

/** In good order first: a call may be on its way. */
function close(session: ServerHttp2Session): void {
  if (session.destroyed) return
  session.close()
  const timer = setTimeout(() => session.destroy(), GO_MS)
  session.once('close', () => clearTimeout(timer))
}

interface Bucket {
  /** `false` when it is empty. */
  take(): boolean
}

/** Counts by the monotonic clock of the process: nothing is decided by it but who is a flood. */
function createBucket(size: number, perSecond: number): Bucket {
  let left = size
  let at = performance.now()
  return {
    take() {
      const now = performance.now()
      left = Math.min(size, left + ((now - at) * perSecond) / 1000) - 1
      at = now
      return left >= 0
    },
  }
}
