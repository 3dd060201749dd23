/** Signals of identity providers over HTTP: RFC 8935 push, OpenID Connect Back-Channel Logout. */
import type { IncomingMessage } from 'node:http'
import type { Express, Request, Response } from 'express'

/** What was pushed, by whom. */
export interface SignalDelivery {
  /** The token. */
  readonly text: string
  readonly authorization: string | undefined
  /** Address of the TCP peer. */
  readonly peer: string
}

/** What came of it. Codes of `err` are those of RFC 8935 §2.4; `unavailable` is to be sent again. */
export type SignalAnswer =
  | { readonly taken: true }
  | { readonly err: string; readonly description: string; readonly retryAfterMs?: number }

/** What the routes need; wired by the composition root. */
export interface SignalsControl {
  /** Whether `peer` (address of the TCP peer) may push now. */
  admits(peer: string): boolean
  /** Verifies and takes a Security Event Token. Never rejects. */
  event(delivery: SignalDelivery): Promise<SignalAnswer>
  /** Verifies and takes a logout token; `peer`: address of the TCP peer. Never rejects. */
  logout(token: string, peer: string): Promise<SignalAnswer>
}

/** Bytes of a body: a token of 64 KiB, and the name of its field in a form. */
export const SIGNAL_BYTES_MAX = 65_536 + 64

interface Route {
  readonly type: string
  readonly run: (
    control: SignalsControl,
    text: string,
    request: Request,
  ) => Promise<SignalAnswer> | SignalAnswer
  readonly ok: number
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  [
    '/signals/events',
    {
      type: 'application/secevent+jwt',
      run: (control, text, request) =>
        control.event({
          text: text.trim(),
          authorization: request.headers.authorization,
          peer: peerOf(request),
        }),
      ok: 202,
    },
  ],
  [
    '/signals/logout',
    {
      type: 'application/x-www-form-urlencoded',
      run: (control, text, request) => {
        const token = logoutToken(text)
        return token === undefined
          ? invalid('one logout_token is expected')
          : control.logout(token, peerOf(request))
      },
      ok: 200,
    },
  ],
])

/**
 * Adds `POST /signals/events` (202, or 400 with `err` and `description`) and `POST /signals/logout`
 * (200 or 400). What is pushed proves itself by its signature: no token of the control API is asked
 * for, and no `Host` is looked at. A browser has no business here and is turned away by its `Origin`.
 * Without `control` the routes answer 404.
 */
export function addSignalRoutes(app: Express, control: SignalsControl | undefined): void {
  app.use((request, response, next) => {
    const route = ROUTES.get(request.path)
    if (route === undefined) {
      next()
      return
    }
    if (control === undefined) {
      refuse(request, response, { status: 404, ...invalid('signals are not configured') })
      return
    }
    answer(request, response, { control, route }).catch(next)
  })
}

interface Refused {
  readonly status: number
  readonly err: string
  readonly description: string
  readonly retryAfterMs?: number
}

async function answer(
  request: Request,
  response: Response,
  { control, route }: { readonly control: SignalsControl; readonly route: Route },
): Promise<void> {
  const guarded = guard(request, control, route)
  if (guarded !== undefined) {
    refuse(request, response, guarded)
    return
  }
  const text = await readText(request)
  if (text === undefined) {
    refuse(request, response, { status: 400, ...invalid('the body is too long or broke off') })
    return
  }
  const came = await route.run(control, text, request)
  if ('taken' in came) response.status(route.ok).end()
  else refuse(request, response, { status: came.err === 'unavailable' ? 503 : 400, ...came })
}

function guard(request: Request, control: SignalsControl, route: Route): Refused | undefined {
  if (request.method !== 'POST') return { status: 405, ...invalid('use POST') }
  const { origin, 'sec-fetch-site': site } = request.headers
  if (origin !== undefined || site !== undefined) {
    return { status: 403, ...invalid('browsers have no business here') }
  }
  if (!control.admits(peerOf(request))) {
    const description = 'too many tokens; send them more slowly'
    return { status: 429, err: 'access_denied', description, retryAfterMs: 60_000 }
  }
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== route.type || request.headers['content-encoding'] !== undefined) {
    return { status: 415, ...invalid(`send ${route.type}, without a content coding`) }
  }
  return undefined
}

function peerOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? ''
}

function invalid(description: string): { readonly err: string; readonly description: string } {
  return { err: 'invalid_request', description }
}

/** The one `logout_token` of a form; what else is in it is of no interest (§2.5). */
function logoutToken(form: string): string | undefined {
  const [token, ...more] = new URLSearchParams(form).getAll('logout_token')
  return more.length === 0 && token !== '' ? token : undefined
}

/** The body as ASCII; `undefined` when there is too much of it. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > SIGNAL_BYTES_MAX) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** RFC 8935 §2.3: an object with `err` and `description`, in the language that is named. */
function refuse(request: Request, response: Response, refused: Refused): void {
  const { status, err, description, retryAfterMs } = refused
  // A body that was not read to its end leaves the connection in no state for another request.
  if (!request.complete) response.set('connection', 'close')
  if (status === 405) response.set('allow', 'POST')
  if (err === 'authentication_failed') response.set('www-authenticate', 'Bearer')
  if (retryAfterMs !== undefined) {
    response.set('retry-after', String(Math.min(3_600, Math.ceil(retryAfterMs / 1_000))))
  }
  response.status(status)
  // Express would add a charset, which this type does not have (RFC 8259 §11).
  response.setHeader('content-type', 'application/json').setHeader('content-language', 'en')
  response.end(JSON.stringify({ err, description }))
}
