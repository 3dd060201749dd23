import { createHash } from 'node:crypto'

/** A script and the name Redis knows it by. */
export interface Script {
  readonly lua: string
  readonly sha: string
  readonly keys: number
}

/** The script of a text that works on so many keys. */
export function script(lua: string, keys: number): Script {
  // Redis knows a script by the SHA-1 of its text; nothing is secured by it.
  return { lua, keys, sha: createHash('sha1').update(lua).digest('hex') }
}

/** ARGV[1] is empty, or the time that a test pins. */
export const TIME = `
local function now_ms()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local now = now_ms()
local function whole(n) return string.format('%.0f', n) end
`
