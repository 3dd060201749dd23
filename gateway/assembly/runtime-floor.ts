import { GatewayError } from '../domain/errors.ts'

/** The oldest Node that is known to work; `engines` in package.json says the same. */
const FLOOR = [20, 19] as const

/**
 * Refuses to start on a Node older than what was tested (I30): its HTTP parser and TLS are part of
 * what keeps requests apart.
 * @param version such as `v20.19.0`
 * @throws ERR_USAGE
 */
export function assertRuntimeFloor(version: string): void {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const [floorMajor, floorMinor] = FLOOR
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return
  const message = `Node ${floorMajor}.${floorMinor} or newer is needed; this is ${version}`
  throw new GatewayError('ERR_USAGE', message)
}

/**
 * Refuses to start where a debugger can be attached: whoever does is the gateway, with its keys, past
 * every rule and every record (threats §2.J 341).
 * @throws ERR_USAGE
 */
export function assertNoDebugger(hasDebugger = false): void {
  if (!hasDebugger) return
  const message = 'a debugger can be attached; start without --inspect, and look at NODE_OPTIONS'
  throw new GatewayError('ERR_USAGE', message)
}
