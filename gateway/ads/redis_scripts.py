"""What the ledger does inside a Redis, in Lua: each script is one step that no other gateway sees half of.

Keys: `spent`, `held` and `paces` by campaign; `places`, a campaign's place being that of its last change, and the `last` one;
`life`, another one once the store has lost what it held; `open`, the shows that hold money by the end of their window; and of
each request its shows, of each visitor what they were shown. Amounts are compared as doubles, which is exact up to
`MOST_MONEY`, and added by HINCRBY, which is exact.
"""

from __future__ import annotations

SPENT, HELD, PACES, PLACES, LAST, OPEN, LIFE = KEYS = tuple(
    f"aisle:ads:{name}" for name in ("spent", "held", "paces", "places", "last", "open", "life")
)
MOST_ENDED = 200
"""Shows that one sale takes leave of at most."""

_COMMON = """
local spent, held, paces, places, last, open, life = unpack(KEYS, 1, 7)
local function whole(number) return string.format('%.0f', number) end
local function touch(campaign) redis.call('ZADD', places, redis.call('INCR', last), campaign) end
local function give_back(campaign, hold) if hold ~= '0' then redis.call('HINCRBY', held, campaign, '-' .. hold) end end
local function has(key, campaign) return tonumber(redis.call('HGET', key, campaign) or '0') end
"""

SELL = (
    _COMMON
    + """
local show, seen = KEYS[8], KEYS[9]
local now, request, capped, kept, most, known = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
if redis.call('GET', life) ~= known then return {} end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', open, '-inf', '(' .. ARGV[1], 'LIMIT', 0, most)) do
  local ended = cjson.decode(member)
  redis.call('ZREM', open, member)
  give_back(ended[3], ended[4])
  touch(ended[3])
end
local times = {}
if seen ~= '' then
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', seen, '(' .. whole(now - capped), '+inf')) do
    local campaign = cjson.decode(member)[1]
    times[campaign] = (times[campaign] or 0) + 1
  end
end
local stand = {}
for place = 7, #ARGV, 8 do
  local campaign, item, price, hold, kind, ends, budget, cap = unpack(ARGV, place, place + 7)
  local fits = has(spent, campaign) + has(held, campaign) + tonumber(price) <= tonumber(budget)
  if cap ~= '' then fits = fits and seen ~= '' and (times[campaign] or 0) < tonumber(cap) end
  local asked_again = redis.call('HEXISTS', show, 'sold:' .. item) == 1
  stand[#stand + 1] = (fits or asked_again) and 1 or 0
  if fits and not asked_again then
    redis.call('HSET', show, 'sold:' .. item, cjson.encode({campaign, price, hold, kind, ends, budget}))
    redis.call('ZADD', open, ends, cjson.encode({request, item, campaign, hold}))
    redis.call('HINCRBY', held, campaign, hold)
    touch(campaign)
    if cap ~= '' then
      redis.call('ZREMRANGEBYSCORE', seen, '-inf', whole(now - capped))
      redis.call('ZADD', seen, now, cjson.encode({campaign, request}))
      redis.call('PEXPIRE', seen, whole(capped / 1000))
    end
    local milliseconds = whole((tonumber(ends) - now + tonumber(kept)) / 1000)
    if redis.call('PTTL', show) < tonumber(milliseconds) then redis.call('PEXPIRE', show, milliseconds) end
  end
end
return stand
"""
)
"""Takes of each sale campaign, item, price, hold, kind, end of the window, budget and cap, "" for none. Nothing is sold in a life
that the asker hasn't told what it knows to be spent."""

CHARGE = (
    _COMMON
    + """
local show, request, item, kind, at, budget = KEYS[8], unpack(ARGV, 1, 5)
local told = redis.call('HGET', show, 'sold:' .. item)
if not told then return '0' end
local campaign, price, hold, paid_for, ends, least = unpack(cjson.decode(told))
if kind ~= paid_for or tonumber(at) > tonumber(ends) then return '0' end
if redis.call('HSETNX', show, 'charged:' .. item, at) == 0 then return '0' end
if budget ~= '' and tonumber(budget) < tonumber(least) then least = budget end
local amount = math.max(0, math.min(tonumber(price), tonumber(least) - has(spent, campaign)))
redis.call('HINCRBY', spent, campaign, whole(amount))
if redis.call('ZREM', open, cjson.encode({request, item, campaign, hold})) == 1 then
  give_back(campaign, hold)
end
touch(campaign)
return whole(amount)
"""
)
"""Takes request, item, what happened, when, and the campaign's budget, "" where it isn't known."""

CHANGES = (
    _COMMON
    + """
redis.call('SET', life, ARGV[3], 'NX')
local found = redis.call('ZRANGEBYSCORE', places, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local names, place = {}, ARGV[1]
for i = 1, #found, 2 do names[#names + 1] = found[i]; place = found[i + 1] end
local columns = {}
for i, key in ipairs({spent, held, paces}) do columns[i] = #names > 0 and redis.call('HMGET', key, unpack(names)) or {} end
local clock = redis.call('TIME')
local now = string.format('%d%06d', clock[1], clock[2])
return cjson.encode({redis.call('GET', life), place, redis.call('GET', last) or '0', names, columns, now})
"""
)
"""Takes a place, how many campaigns at most, and the name of a new life."""

PACE = (
    _COMMON
    + """
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', paces, ARGV[i]) or '') == ARGV[i + 1] then
    redis.call('HSET', paces, ARGV[i], ARGV[i + 2])
    touch(ARGV[i])
  end
end
"""
)
"""Takes of each campaign its name, the old pace and the new one."""

RESTORE = (
    _COMMON
    + """
for i = 1, #ARGV, 2 do
  if has(spent, ARGV[i]) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', spent, ARGV[i], ARGV[i + 1])
    touch(ARGV[i])
  end
end
"""
)
"""Takes of each campaign its name and what was spent at least."""

BIDS = "aisle:ads:bids"
"""The key of how often campaigns bid."""
BID = """
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[8], ARGV[i], ARGV[i + 1]) end
"""
"""Takes of each campaign its name and how often it bid; the key is the last."""
READ_BIDS = "return cjson.encode(redis.call('HGETALL', KEYS[8]))"
"""One text, since redis-py takes milliseconds to read a reply of two hundred."""

MERGE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
redis.call('ZUNIONSTORE', KEYS[2], 2, KEYS[2], KEYS[1], 'AGGREGATE', 'MAX')
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
"""
"""Takes the keys of a session and of a user, and how long they are kept, in milliseconds."""

SCRIPTS = (CHARGE, CHANGES, PACE, RESTORE, BID, READ_BIDS, MERGE)
