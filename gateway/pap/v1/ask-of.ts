import { randomUUID } from 'node:crypto'
import type { Request } from 'express'
import { singleFields } from '../request-guard.ts'
import type { ApiAsk } from './api-control.ts'
import type { DescribedRoute } from './api-route.ts'

/** What `request` asks for, under an id of its own. */
export function askOf(request: Request, route: DescribedRoute): ApiAsk {
  return {
    id: randomUUID(),
    authorization: singleFields(request.rawHeaders)?.get('authorization'),
    action: route.action,
    area: route.area,
    what: route.operationId,
    peer: request.socket.remoteAddress ?? '',
    rawHeaders: request.rawHeaders,
    isReading: route.method === 'GET',
  }
}
