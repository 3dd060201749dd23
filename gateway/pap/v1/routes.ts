/** Every route of the control API. To add some: write `routes/<area>.ts` and add a line here. */
import { RULE_ROUTES } from '../rule-routes.ts'
import type { ApiRoute, DescribedRoute } from './api-route.ts'
import { GRANT_ROUTES } from './routes/grants.ts'
import { LOCK_ROUTES } from './routes/locks.ts'
import { REQUEST_ROUTES } from './routes/requests.ts'
import { PRIVILEGE_ROUTES } from './routes/privileges.ts'
import { REVIEW_ROUTES } from './routes/reviews.ts'
import { STATE_ROUTES } from './routes/state.ts'
import { VERSION_ROUTES } from './routes/versions.ts'

/** The table of `/v1`: what is served, documented and tested. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...REQUEST_ROUTES,
  ...GRANT_ROUTES,
  ...LOCK_ROUTES,
  ...STATE_ROUTES,
  ...REVIEW_ROUTES,
  ...PRIVILEGE_ROUTES,
  ...VERSION_ROUTES,
]

/** What the description is of: also the rules in force and lockouts, which are not below `/v1`. */
export const DESCRIBED_ROUTES: readonly DescribedRoute[] = [...API_ROUTES, ...RULE_ROUTES]
