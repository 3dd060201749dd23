import express, { type Express, type Request, type Response } from 'express'
import { addRulesApi, type RulesControl } from './rules-api.ts'
import { addSignalRoutes, type SignalsControl } from './signals-api.ts'
import type { ApiControl } from './v1/api-control.ts'
import { addApi } from './v1/api.ts'

/**
 * What the control plane shows, for operators. Only {@link RulesControl}, {@link ApiControl} and
 * {@link SignalsControl} change anything.
 */
export interface ControlSources {
  /** The metrics page, Prometheus text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Why the gateway is not ready; empty when it is. Closed words only. */
  unreadiness(): readonly string[]
  /** Public keys of the identity assertion. */
  assertionKeys(): object
  /** The revision in force, shown beside the readiness. */
  revision?(): { readonly revision: string; readonly pinned: boolean }
  /** Why nothing privileged is done now, though callers are taken; in words of one line. */
  readonly restraint?: () => string | undefined
  /** The control API; its routes answer 404 when absent. */
  readonly rules?: RulesControl | undefined
  /** Requests, grants, locks, reviews; its routes answer 404 when absent. */
  readonly api?: ApiControl | undefined
  /** What identity providers push; its routes answer 404 when absent. */
  readonly signals?: SignalsControl | undefined
}

/**
 * The control listener's application (I21): its own socket, loopback unless configured otherwise,
 * GET and HEAD only but for {@link addRulesApi}, {@link addApi} and {@link addSignalRoutes}, no CORS,
 * nothing cached, nothing of it reachable on the data listener.
 *
 * - `/healthz`: 200 while the process runs; depends on nothing, so that an IdP outage never makes
 *   an orchestrator restart a healthy gateway.
 * - `/readyz`: 200 when policy, keys, ledger and listeners are up and the gateway is not draining;
 *   the revision in force either way, and why nothing privileged is done where that is so: to infer
 *   and to read may go on then, so that a store that is gone does not take every replica away.
 * - `/metrics`: Prometheus.
 * - `/.well-known/modelgate/jwks.json`: keys with which upstreams verify `X-Modelgate-Assertion`.
 */
export function createControlApp(sources: ControlSources): Express {
  const app = express()
  app
    .disable('x-powered-by')
    .disable('etag')
    .enable('case sensitive routing')
    .enable('strict routing')
  app.use((_request, response, next) => {
    response.set({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    })
    next()
  })
  addSignalRoutes(app, sources.signals)
  addRulesApi(app, sources.rules)
  addApi(app, sources.api)
  app.use((request, response, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') {
      next()
      return
    }
    response.set('allow', 'GET, HEAD').status(405).type('text').send('method not allowed\n')
  })
  app.get(
    '/healthz',
    (_request: Request, response: Response) => void response.type('text').send('ok\n'),
  )
  app.get('/readyz', (_request: Request, response: Response) => {
    const missing = sources.unreadiness()
    response
      .status(missing.length === 0 ? 200 : 503)
      .type('text')
      .send(
        (missing.length === 0 ? 'ready\n' : `not ready: ${missing.join(', ')}\n`) +
          inForce(sources) +
          restrained(sources),
      )
  })
  app.get('/metrics', async (_request: Request, response: Response) => {
    const { contentType, text } = await sources.metrics()
    response.set('content-type', contentType).send(text)
  })
  app.get('/.well-known/modelgate/jwks.json', (_request: Request, response: Response) => {
    response.json(sources.assertionKeys())
  })
  app.use(
    (_request: Request, response: Response) =>
      void response.status(404).type('text').send('not found\n'),
  )
  app.use((error: unknown, _request: Request, response: Response, next: (e?: unknown) => void) => {
    if (response.headersSent) {
      next(error)
      return
    }
    response.status(500).type('text').send('failed\n')
  })
  return app
}

function inForce(sources: ControlSources): string {
  const shown = sources.revision?.()
  if (shown === undefined) return ''
  return `rules ${shown.revision}${shown.pinned ? ' pinned' : ''}\n`
}

function restrained(sources: ControlSources): string {
  const why = sources.restraint?.()
  return why === undefined ? '' : `privileged actions are refused: ${why}\n`
}
