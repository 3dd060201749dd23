/**
 * The part of oidc-provider that the tests use. Its published types pull in those of koa, which do
 * not compile without `skipLibCheck`.
 */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  /** An OpenID provider as a request listener. */
  export class Provider {
    constructor(
      issuer: string,
      configuration: Readonly<Record<string, unknown>> & {
        readonly extraTokenClaims?: (context: unknown, token: unknown) => object
        readonly features?: Readonly<Record<string, unknown>> & {
          readonly resourceIndicators?: {
            readonly enabled: boolean
            readonly getResourceServerInfo: (context: unknown, resource: string) => object
          }
        }
      },
    )
    callback(): RequestListener
    on(event: string, listener: (...args: unknown[]) => void): this
  }
}
