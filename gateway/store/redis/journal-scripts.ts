/**
 * The journal in Redis, as Lua. It does what `../journal/journal-state.ts` and `../journal/kept-lists.ts`
 * do, and one test suite holds for both. Entries are those of a stream, with their numbers as ids; a
 * hash says where the journal stands. When the two do not agree, Redis dropped one of them: nothing
 * is answered then, and nothing is begun anew over what is left.
 */
import { CURSORS_MAX, REPLICAS_MAX, USES_MAX } from '../../domain/journal.ts'
import { DROPPED_MAX } from '../journal/journal-state.ts'
import { USE_KEPT_MS } from '../journal/kept-lists.ts'
import { script, TIME, type Script } from './script.ts'

/** Names of the keys, behind the prefix and a tag that puts them into one slot; in this order. */
export const JOURNAL_KEYS = ['head', 'log', 'snapshot', 'cursors', 'replicas', 'uses'] as const

const KEYS = `${TIME}
local head, log, kept, cursors, replicas, uses = unpack(KEYS)
local function damaged(what) return redis.error_reply('ERR damaged journal: ' .. what) end
`

/** ARGV[2]: what a journal that is begun here is called. */
const JOURNAL = `${KEYS}
local mark = redis.call('HMGET', head, 'epoch', 'seq', 'at', 'trimmed', 'filling')
if mark[5] then return damaged('it was not put in place wholly') end
if not mark[1] then
  if redis.call('EXISTS', log, kept, cursors) > 0 then return damaged('no head') end
  mark = { ARGV[2], '0', '0', '0' }
  redis.call('HSET', head, 'epoch', ARGV[2], 'seq', '0', 'at', '0', 'trimmed', '0')
end
local epoch, seq, at, trimmed = mark[1], tonumber(mark[2]), tonumber(mark[3]), tonumber(mark[4])
if not (seq and at and trimmed) then return damaged('head') end
if redis.call('XLEN', log) ~= seq - trimmed then return damaged('entries are missing') end
now = math.max(now, at)
`

const HEAD = `${JOURNAL}
return { epoch, whole(seq), whole(now) }
`

/** ARGV[3..]: epoch, last entry, channel of hints, texts. A hint that cannot be given harms nothing. */
const APPEND = `${JOURNAL}
if epoch ~= ARGV[3] or seq ~= tonumber(ARGV[4]) then
  return { '0', epoch, whole(seq), whole(now) }
end
for i = 6, #ARGV do
  seq = seq + 1
  redis.call('XADD', log, whole(seq) .. '-0', 'at', whole(now), 'text', ARGV[i])
end
redis.call('HSET', head, 'seq', whole(seq), 'at', whole(now))
redis.pcall('PUBLISH', ARGV[5], '1')
return { '1', epoch, whole(seq), whole(now) }
`

/** ARGV[3..5]: entries behind this one, at most so many, bytes past which the page ends. */
const PAGE = `${JOURNAL}
local last, left, bytes = math.max(tonumber(ARGV[3]), trimmed), tonumber(ARGV[4]), 0
local answer = { epoch, whole(seq), whole(now), whole(trimmed) }
while last < seq and left > 0 and bytes < tonumber(ARGV[5]) do
  local from = whole(last + 1) .. '-0'
  local part = redis.call('XRANGE', log, from, '+', 'COUNT', math.min(left, 16))
  if #part == 0 then return damaged('entries are missing') end
  for _, entry in ipairs(part) do
    local id, fields = entry[1], entry[2]
    if id ~= whole(last + 1) .. '-0' or fields[1] ~= 'at' or fields[3] ~= 'text' then
      return damaged('an entry')
    end
    if bytes >= tonumber(ARGV[5]) then break end
    answer[#answer + 1] = fields[2]
    answer[#answer + 1] = fields[4]
    last, left, bytes = last + 1, left - 1, bytes + #fields[4]
  end
end
return answer
`

const SNAPSHOT = `${JOURNAL}
local known = redis.call('HMGET', kept, 'epoch', 'seq', 'text')
if known[1] then return known end
if trimmed > 0 then return damaged('no snapshot') end
return {}
`

/** ARGV[3..6]: epoch, entry, entries to keep, text. */
const KEEP_SNAPSHOT = `${JOURNAL}
local upto, known = tonumber(ARGV[4]), tonumber(redis.call('HGET', kept, 'seq') or 0)
if epoch ~= ARGV[3] or upto <= known or upto > seq then return 0 end
redis.call('HSET', kept, 'epoch', epoch, 'seq', whole(upto), 'text', ARGV[6])
local to = math.min(upto - tonumber(ARGV[5]), trimmed + ${DROPPED_MAX})
if to > trimmed then
  redis.call('XTRIM', log, 'MINID', whole(to + 1) .. '-0')
  redis.call('HSET', head, 'trimmed', whole(to))
end
return 1
`

/** ARGV[2..4]: digest of the replica, time to live, what it says. A field holds end, time and text. */
const ANNOUNCE = `${KEYS}
local mine, ends = ARGV[2], now + tonumber(ARGV[3])
local all = redis.call('HGETALL', replicas)
local answer, count, last = {}, 0, ends
for i = 1, #all, 2 do
  local till, at, text = string.match(all[i + 1], '^(%d+) (%d+) (.*)$')
  if not till then return damaged('a replica') end
  if tonumber(till) <= now then redis.call('HDEL', replicas, all[i])
  elseif all[i] ~= mine then
    count, last = count + 1, math.max(last, tonumber(till))
    answer[#answer + 1] = at
    answer[#answer + 1] = text
  end
end
if count >= ${REPLICAS_MAX} then return damaged('too many replicas are there') end
redis.call('HSET', replicas, mine, whole(ends) .. ' ' .. whole(now) .. ' ' .. ARGV[4])
redis.call('PEXPIRE', replicas, whole(last - now))
answer[#answer + 1] = whole(now)
answer[#answer + 1] = ARGV[4]
return answer
`

/** ARGV[2..]: times and privileges in turn. */
const NOTE_USES = `${KEYS}
local oldest = now - ${USE_KEPT_MS}
for i = 2, #ARGV, 2 do
  if tonumber(ARGV[i]) > oldest then redis.call('ZADD', uses, 'GT', ARGV[i], ARGV[i + 1]) end
end
redis.call('ZREMRANGEBYSCORE', uses, '-inf', whole(oldest))
redis.call('ZREMRANGEBYRANK', uses, 0, -${USES_MAX + 1})
return 1
`

/** ARGV[2..3]: first place, places; the latest first. */
const USES = `${KEYS}
local first = tonumber(ARGV[2])
local page = redis.call('ZREVRANGE', uses, first, first + tonumber(ARGV[3]) - 1, 'WITHSCORES')
for i = 2, #page, 2 do page[i] = whole(tonumber(page[i])) end
return page
`

/** ARGV[2..3]: name, where it goes, or empty. */
const CURSOR = `${KEYS}
local known = redis.call('HGET', cursors, ARGV[2])
local at = tonumber(known or 0)
if not at then return damaged('a cursor') end
local to = tonumber(ARGV[3])
if not to or to <= at then return at end
if not known and redis.call('HLEN', cursors) >= ${CURSORS_MAX} then
  return damaged('too many cursors')
end
redis.call('HSET', cursors, ARGV[2], whole(to))
return to
`

const CURSORS = `${KEYS}
return redis.call('HGETALL', cursors)
`

const BEGIN = `${KEYS}
redis.call('HSET', head, 'filling', '1')
redis.call('DEL', log, kept, cursors)
return 1
`

/** ARGV[2..]: numbers, times and texts in turn. */
const PUT = `${KEYS}
if redis.call('HGET', head, 'filling') ~= '1' then return damaged('nobody puts it in place') end
for i = 2, #ARGV, 3 do
  redis.call('XADD', log, ARGV[i] .. '-0', 'at', ARGV[i + 1], 'text', ARGV[i + 2])
end
return 1
`

/** ARGV[2..7]: epoch, last entry, its time, trimmed to, end and text of the snapshot or empty, cursors. */
const FINISH = `${KEYS}
if redis.call('HGET', head, 'filling') ~= '1' then return damaged('nobody puts it in place') end
local seq, trimmed = tonumber(ARGV[3]), tonumber(ARGV[5])
if redis.call('XLEN', log) ~= seq - trimmed then return damaged('entries are missing') end
if ARGV[6] ~= '' then
  redis.call('HSET', kept, 'epoch', ARGV[2], 'seq', ARGV[6], 'text', ARGV[7])
end
for i = 8, #ARGV, 2 do redis.call('HSET', cursors, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', head, 'epoch', ARGV[2], 'seq', ARGV[3], 'at', ARGV[4], 'trimmed', ARGV[5])
redis.call('HDEL', head, 'filling')
return 1
`

/** The scripts of the journal by what they do. */
export const JOURNAL_SCRIPTS = {
  head: journalScript(HEAD),
  append: journalScript(APPEND),
  page: journalScript(PAGE),
  snapshot: journalScript(SNAPSHOT),
  keepSnapshot: journalScript(KEEP_SNAPSHOT),
  announce: journalScript(ANNOUNCE),
  noteUses: journalScript(NOTE_USES),
  uses: journalScript(USES),
  cursor: journalScript(CURSOR),
  cursors: journalScript(CURSORS),
  begin: journalScript(BEGIN),
  put: journalScript(PUT),
  finish: journalScript(FINISH),
} as const satisfies Record<string, Script>

function journalScript(lua: string): Script {
  return script(lua, JOURNAL_KEYS.length)
}
