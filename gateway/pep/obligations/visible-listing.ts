import { filterListing } from '../../egress/listing/listing-filter.ts'
import type { OnIncident } from '../../egress/edit/edited-response.ts'
import { permitsNow } from '../streams/decide-again.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { Services } from '../runtime.ts'

/**
 * Puts a filter around the guard of an answer that lists models: what the caller may not `read`
 * under the rules of that moment is left out. The elements are counted, in `exchange.listing` for the
 * record and in the metrics; decisions on them are not recorded one by one.
 */
export function limitListing(exchange: Exchange, services: Services, onIncident: OnIncident): void {
  const { listing } = established(exchange.classification, 'classification')
  if (listing === undefined) return
  const { upstream } = labelsOf(exchange)
  const counts = { listed: 0, hidden: 0 }
  exchange.listing = counts
  exchange.guard = filterListing(established(exchange.guard, 'guard'), {
    shapes: listing,
    visible: (resource) => permitsNow(exchange, services, { action: 'read', resource }),
    bodyless: established(exchange.admitted, 'admitted').method === 'HEAD',
    onIncident,
    onElement(isListed) {
      if (isListed) counts.listed += 1
      else {
        counts.hidden += 1
        services.metrics.listingHidden(upstream)
      }
    },
  })
}
