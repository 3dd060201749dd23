/**
 * What Redis does, as Lua: each script is one atomic step on the keys of one slot. They do what
 * `windows.ts`, `holds.ts` and `claims.ts` do, and one test suite holds for both. Time is that of
 * Redis. Names and texts come in as digests or as arguments and are never part of a script.
 */
import { KEPT_AFTER_END_MS, TRANSFERS_MAX } from '../claims.ts'
import { HOLDERS_MAX } from '../holds.ts'
import { LOCKOUTS_MAX } from '../lockouts.ts'
import { KEPT } from '../windows.ts'
import { script, TIME, type Script } from './script.ts'

/** ARGV: now, length of a sub-bucket, time to keep, …; KEYS: the window. */
const WINDOW = `${TIME}
local width, kept = tonumber(ARGV[2]), ARGV[3]
local index = math.floor(now / width)
local at, amounts = index, {}
local text = redis.call('GET', KEYS[1])
local count = 0
if text then
  for n in string.gmatch(text, '%S+') do
    if count == 0 then at = tonumber(n) else amounts[count] = tonumber(n) end
    count = count + 1
  end
  if count ~= ${KEPT + 1} or not at then return redis.error_reply('ERR damaged window') end
end
local sum = 0
for i = 1, ${KEPT} do
  if text and not amounts[i] then return redis.error_reply('ERR damaged window') end
  amounts[i] = amounts[i] or 0
end
local steps = index - at
if steps < -${KEPT} then
  local all = 0
  for i = 1, ${KEPT} do all = all + amounts[i]; amounts[i] = 0 end
  amounts[1] = all
  at = index
elseif steps > 0 then
  for i = ${KEPT}, 1, -1 do amounts[i] = amounts[i - steps] or 0 end
  at = index
end
for i = 1, ${KEPT} do sum = sum + amounts[i] end
local function keep()
  local parts = { whole(at) }
  for i = 1, ${KEPT} do parts[i + 1] = whole(amounts[i]) end
  redis.call('SET', KEYS[1], table.concat(parts, ' '), 'PX', kept)
end
`

/** ARGV[4..6]: most, amount, length of the window. Answers granted, left, wait. */
const LEASE = `${WINDOW}
local max, amount, window = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local free = math.max(0, max - sum)
local granted = math.min(amount, free)
local wait = 0
if granted < amount then
  local freed, missing = math.min(0, max - sum), amount - granted
  wait = window
  for i = ${KEPT}, 1, -1 do
    if amounts[i] > 0 then
      wait = (at - (i - 1) + ${KEPT}) * width - now
      freed = freed + amounts[i]
      if freed >= missing then break end
    end
  end
  wait = math.max(1, wait)
end
if granted > 0 then
  amounts[1] = amounts[1] + granted
  keep()
end
return { granted, free - granted, wait }
`

/** ARGV[4..5]: amount, how long it was held. */
const GIVE_BACK = `${WINDOW}
local rest, held = tonumber(ARGV[4]), tonumber(ARGV[5])
if not text or math.floor((now - held) / width) <= at - ${KEPT} then return 0 end
for i = ${KEPT}, 1, -1 do
  local taken = math.min(amounts[i], rest)
  rest = rest - taken
  amounts[i] = amounts[i] - taken
end
keep()
return 1
`

/** ARGV[2..5]: holder, places, most, time to live. */
const HOLD = `${TIME}
local holder, wanted, max, ttl = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local all = redis.call('HGETALL', KEYS[1])
local taken, others, last = 0, 0, 0
for i = 1, #all, 2 do
  local places, till = string.match(all[i + 1], '^(%d+) (%d+)$')
  if not places then return redis.error_reply('ERR damaged holder') end
  if tonumber(till) <= now then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= holder then
    taken, others, last = taken + tonumber(places), others + 1, math.max(last, tonumber(till))
  end
end
local places = 0
if others < ${HOLDERS_MAX} then places = math.min(wanted, math.max(0, max - taken)) end
if places > 0 then
  redis.call('HSET', KEYS[1], holder, whole(places) .. ' ' .. whole(now + ttl))
  last = math.max(last, now + ttl)
else
  redis.call('HDEL', KEYS[1], holder)
end
if last > 0 then redis.call('PEXPIRE', KEYS[1], whole(last - now)) end
return places
`

/** A grant is a hash: uses, bytes, bytes_max, ends, and one field for each transfer. */
const GRANT = `${TIME}
local transfer, attempt, ttl = 't' .. ARGV[2], ARGV[3], tonumber(ARGV[4])
local head = redis.call('HMGET', KEYS[1], 'uses', 'bytes', 'bytes_max', 'ends', transfer)
local uses, bytes = tonumber(head[1] or 0), tonumber(head[2] or 0)
local function read(text)
  local a, u, b, before, again = string.match(text, '^(%S+) (%d+) (%d+) (%d+) ([01])$')
  return a, tonumber(u), tonumber(b), tonumber(before), again
end
local known_attempt, alive, had, before, again
if head[5] then
  known_attempt, alive, had, before, again = read(head[5])
  if not known_attempt then return redis.error_reply('ERR damaged grant') end
end
local function put(a, u)
  local fields = { a, whole(u), whole(had), whole(before), again }
  redis.call('HSET', KEYS[1], transfer, table.concat(fields, ' '))
end
`

/** ARGV[5..7]: uses at most, bytes at most (empty without), end. */
const CLAIM = `${GRANT}
local uses_max, bytes_max, ends = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if now >= ends then return { 0, 'expired' } end
local left = -1
if bytes_max then left = math.max(0, bytes_max - bytes) end
local repeated = known_attempt == attempt
if not repeated then
  if known_attempt and alive > now then return { 0, 'in-use' } end
  if not known_attempt and uses_max and uses >= uses_max then return { 0, 'spent' } end
  if left == 0 then return { 0, 'bytes' } end
end
if not known_attempt then
  local fields = redis.call('HKEYS', KEYS[1])
  if #fields >= ${TRANSFERS_MAX} + 3 then
    local oldest, when, count = nil, math.huge, 0
    for _, field in ipairs(fields) do
      if string.sub(field, 1, 1) == 't' then
        local _, u = read(redis.call('HGET', KEYS[1], field))
        count = count + 1
        if not u then return redis.error_reply('ERR damaged grant') end
        if u < when then oldest, when = field, u end
      end
    end
    if count >= ${TRANSFERS_MAX} then
      if when > now then return { 0, 'in-use' } end
      redis.call('HDEL', KEYS[1], oldest)
    end
  end
  uses, had, before, again = uses + 1, 0, 0, '0'
elseif not repeated then
  before, again = had, '1'
end
put(attempt, now + ttl)
ends = math.max(ends, tonumber(head[4] or 0))
redis.call('HSET', KEYS[1], 'uses', whole(uses), 'bytes', whole(bytes), 'ends', whole(ends))
if bytes_max then redis.call('HSET', KEYS[1], 'bytes_max', whole(bytes_max))
else redis.call('HDEL', KEYS[1], 'bytes_max') end
redis.call('PEXPIRE', KEYS[1], whole(ends - now + ${KEPT_AFTER_END_MS}))
return { 1, tonumber(again), left, before }
`

/** ARGV[5..6]: bytes, how it goes on: '' alive, 'r' released, 'c' complete. */
const PROGRESS = `${GRANT}
local more, how = tonumber(ARGV[5]), ARGV[6]
if not head[1] then return 0 end
bytes = bytes + more
redis.call('HSET', KEYS[1], 'bytes', whole(bytes))
if not known_attempt then return 0 end
had = had + more
local mine = known_attempt == attempt
local living = mine and now < tonumber(head[4])
if mine and how == 'c' then redis.call('HDEL', KEYS[1], transfer)
elseif mine and how == 'r' and had == 0 then
  redis.call('HDEL', KEYS[1], transfer)
  redis.call('HINCRBY', KEYS[1], 'uses', -1)
elseif mine and how == 'r' then put('-', 0)
elseif living then put(known_attempt, now + ttl)
else put(known_attempt, alive) end
if not living then return 0 end
if not head[3] then return -1 end
return math.max(0, tonumber(head[3]) - bytes)
`

/** All there is of a grant. */
const GRANT_READ = `return redis.call('HGETALL', KEYS[1])`

/** ARGV[2..5]: uses, bytes, bytes at most (empty without), end; then transfers: fields and values. */
const GRANT_KEEP = `${TIME}
local known = redis.call('HMGET', KEYS[1], 'uses', 'bytes')
local uses, bytes, ends = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local known_uses, known_bytes = tonumber(known[1] or -1), tonumber(known[2] or -1)
if known_uses > uses or (known_uses == uses and known_bytes >= bytes) then return 0 end
local keep = ends - now + ${KEPT_AFTER_END_MS}
if keep <= 0 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'uses', ARGV[2], 'bytes', ARGV[3], 'ends', ARGV[5])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'bytes_max', ARGV[4]) end
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], whole(keep))
return 1
`

/** KEYS: ends by subject, data by subject, version. Every change makes the version a later one. */
const LOCKOUTS = `${TIME}
local ends, data, version = KEYS[1], KEYS[2], KEYS[3]
local function changed()
  local t = redis.call('TIME')
  local last = tonumber(redis.call('GET', version) or 0)
  local next = math.max(tonumber(t[1]) * 1000000 + tonumber(t[2]), last + 1)
  local newest = redis.call('ZREVRANGE', ends, 0, 0, 'WITHSCORES')
  local keep = whole(math.max(0, tonumber(newest[2] or 0) - now) + 60000)
  redis.call('SET', version, whole(next), 'PX', keep)
  redis.call('PEXPIRE', ends, keep)
  redis.call('PEXPIRE', data, keep)
end
local function drop(subject)
  redis.call('ZREM', ends, subject)
  redis.call('HDEL', data, subject)
end
`

/** ARGV[2..4]: subject's digest, time, what to keep. */
const LOCK = `${LOCKOUTS}
local till = now + tonumber(ARGV[3])
local known = redis.call('ZSCORE', ends, ARGV[2])
if known and tonumber(known) >= till then return 0 end
for _, over in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', whole(now), 'LIMIT', 0, 100)) do
  drop(over)
end
redis.call('ZADD', ends, whole(till), ARGV[2])
redis.call('HSET', data, ARGV[2], ARGV[4])
if redis.call('ZCARD', ends) > ${LOCKOUTS_MAX} then drop(redis.call('ZRANGE', ends, 0, 0)[1]) end
changed()
return 1
`

/** ARGV[2]: subject's digest. */
const UNLOCK = `${LOCKOUTS}
drop(ARGV[2])
changed()
return 1
`

/** ARGV[2..4]: version known already, first place, places. */
const LIST = `${LOCKOUTS}
local is = redis.call('GET', version) or ''
if is == ARGV[2] then return { is, whole(now) } end
local first = tonumber(ARGV[3])
local page = redis.call('ZREVRANGE', ends, first, first + tonumber(ARGV[4]) - 1, 'WITHSCORES')
local answer = { is, whole(now) }
for i = 1, #page, 2 do
  answer[#answer + 1] = page[i + 1]
  answer[#answer + 1] = redis.call('HGET', data, page[i]) or ''
end
return answer
`

/** Writes, as asks do: a replica that became read-only, or one without memory, does not pass. */
const PROBE = `redis.call('SET', KEYS[1], '1', 'PX', 60000) return 1`

/** ARGV: entries to keep, then for each entry the number of its fields, and names and values. */
const APPEND = `
local at, count = 2, 0
while at <= #ARGV do
  local fields = tonumber(ARGV[at]) * 2
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, at + 1, at + fields))
  at = at + fields + 1
  count = count + 1
end
return count
`

/** All scripts by what they do. */
export const SCRIPTS = {
  lease: script(LEASE, 1),
  giveBack: script(GIVE_BACK, 1),
  hold: script(HOLD, 1),
  claim: script(CLAIM, 1),
  progress: script(PROGRESS, 1),
  grantRead: script(GRANT_READ, 1),
  grantKeep: script(GRANT_KEEP, 1),
  lock: script(LOCK, 3),
  unlock: script(UNLOCK, 3),
  lockouts: script(LIST, 3),
  append: script(APPEND, 1),
  probe: script(PROBE, 1),
} as const satisfies Record<string, Script>
