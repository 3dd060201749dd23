/** What a pack does not know of the server it is for. */
import type { CompiledPack } from '../../classify/pack/compiled-pack.ts'
import { builtInPackFiles, loadPacks } from '../../classify/pack/pack-loader.ts'
import { GatewayError } from '../../domain/errors.ts'
import { createDocumentReader } from '../../forward/document-reader.ts'
import type { UpstreamSettings } from '../../settings/settings.ts'
import type { LoadedRules } from '../load-rules.ts'
import { openCredential, upstreamOptions } from '../upstream-parts.ts'
import { compareRoutes, type Comparison } from './compare.ts'
import { createProposer } from './proposal.ts'
import { askServer, type SourceAnswer } from './route-sources.ts'
import { ROUTES_MAX, type ServedRoute } from './served-routes.ts'

/** What is compared with what. */
export interface CoverageOptions {
  readonly upstream: UpstreamSettings
  readonly rules: LoadedRules
  /** Where the server is, instead of `upstream.url`; it is then asked without the credential. */
  readonly url?: string
  /** Routes from a file; the server is not asked then, unless `url` says where it is. */
  readonly listed?: { readonly source: string; readonly routes: readonly ServedRoute[] }
}

/** The routes of a server beside those of its pack. */
export interface CoverageReport extends Comparison {
  readonly upstream: string
  readonly pack: string
  readonly sources: readonly SourceAnswer[]
  /** Whether anything listed routes, all of them are mapped or refused, and none was left out. */
  readonly complete: boolean
  /** Routes past {@link ROUTES_MAX}, which were not looked at. */
  readonly leftOut: number
}

/** Longest answer of a server, bytes, and the longest wait for one. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024
const ANSWER_MS = 10_000

/** Compares. @throws ERR_CONFIG_INVALID ERR_CONFIG_UNREADABLE */
export async function measureCoverage(options: CoverageOptions): Promise<CoverageReport> {
  const { upstream, rules, listed } = options
  const pack = rules.packs.get(upstream.pack)
  if (pack === undefined) {
    throw new GatewayError('ERR_CONFIG_INVALID', `there is no route pack ${upstream.pack}`)
  }
  const asked = listed === undefined || options.url !== undefined
  const sources = [...(asked ? await askUpstream(options) : []), ...(listed ? [listed] : [])]
  const all = sources.flatMap(({ routes }) => routes)
  const routes = all.slice(0, ROUTES_MAX)
  const comparison = compareRoutes(pack, routes, createProposer(await allPacks(rules), pack.name))
  const leftOut = all.length - routes.length
  const complete = routes.length > 0 && leftOut === 0 && comparison.unmapped.length === 0
  return { upstream: upstream.name, pack: pack.name, sources, complete, leftOut, ...comparison }
}

/** The packs in force, and those that are shipped beside them: what others call such a route. */
async function allPacks({ packs }: LoadedRules): Promise<ReadonlyMap<string, CompiledPack>> {
  const shipped = loadPacks(await builtInPackFiles())
  return shipped.ok ? new Map([...shipped.value, ...packs]) : packs
}

async function askUpstream(options: CoverageOptions): Promise<readonly SourceAnswer[]> {
  const { upstream } = options
  const url = new URL(options.url ?? upstream.url)
  const secret = options.url === undefined ? await openCredential(upstream) : undefined
  const reader = createDocumentReader({
    upstream: { ...(await upstreamOptions(upstream)), origin: url.origin },
    headers: credentialHeaders(upstream, secret?.current()),
    timeoutMs: ANSWER_MS,
    bytesMax: ANSWER_BYTES_MAX,
  })
  const basePath = url.pathname.replace(/\/$/, '')
  return askServer(reader, { pack: upstream.pack, basePath }).finally(() => reader.close())
}

function credentialHeaders(upstream: UpstreamSettings, value: string | undefined): string[] {
  const { credential } = upstream
  if (credential === undefined || value === undefined) return []
  const text = credential.scheme === '' ? value : `${credential.scheme} ${value}`
  return [credential.header.toLowerCase(), text]
}
