"""The store's steps that change several keys at once, in Lua. The store runs each whole or not at all."""

# What entries may say. A program reads this version and all before it, and says so when its node comes in. All nodes
# write the newest one that every node reads, which never becomes an older one. 2: entries say which user asks; PURGE.
# 3: who has proved to be an account's is let into no later one of its name.
ENTRY_VERSION = 3

_VERSION = """
local function version()
  return tonumber(redis.call('HGET', KEYS[2], 'version') or '1')
end
"""

# KEYS: log, meta. ARGV: node, epoch, the first sequence number; then user and line of each entry. Those that are there
# already are left out. That some before them are not is an error: a store that lost its newest entries has taken over.
APPEND = """
local node = ARGV[1]
local known = redis.call('HMGET', KEYS[2], 'up:' .. node, 'sequence:' .. node, 'count', 'version')
if known[1] ~= ARGV[2] then return redis.error_reply('GONE ' .. node) end
local last, count, first = tonumber(known[2] or '0'), tonumber(known[3] or '0'), tonumber(ARGV[3])
if first > last + 1 then return redis.error_reply('LOST entries of ' .. node) end
local written = known[4] or '1'
for i = 4, #ARGV, 2 do
  local sequence = first + (i - 4) / 2
  if sequence > last then
    count = count + 1
    redis.call(
      'XADD', KEYS[1], '*', 'c', count, 'v', written, 'n', node, 'e', ARGV[2], 's', sequence,
      'u', ARGV[i], 'l', ARGV[i + 1]
    )
    last = sequence
  end
end
redis.call('HSET', KEYS[2], 'sequence:' .. node, last, 'count', count)
return last
"""

_CHANGE_NODES = (
    _VERSION
    + """
local function settle_version()
  local meta, least = {}, nil
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do meta[fields[i]] = fields[i + 1] end
  for name, epoch in pairs(meta) do
    if string.sub(name, 1, 3) == 'up:' and epoch ~= '0' then
      local reads = tonumber(meta['reads:' .. string.sub(name, 4)] or '1')
      least = math.min(least or reads, reads)
    end
  end
  if least and least > version() then redis.call('HSET', KEYS[2], 'version', least) end
end
local function note(line)
  local count = redis.call('HINCRBY', KEYS[2], 'count', 1)
  redis.call('XADD', KEYS[1], '*', 'c', count, 'v', version(), 'n', '*', 'e', 0, 's', 0, 'u', 0, 'l', line)
end
"""
)

# KEYS: log, meta, lease. ARGV: node, token, lease in ms, "new" or "back", the version that it reads, by how much the
# epoch grows. Gives the epoch; 0 if another has the name.
ENTER = (
    _CHANGE_NODES
    + """
if tonumber(ARGV[5]) < version() then return redis.error_reply('NEWER ' .. version()) end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[2] then return 0 end
local up = redis.call('HGET', KEYS[2], 'up:' .. ARGV[1])
if up and up ~= '0' then note(':' .. ARGV[1] .. ' NODE down ' .. up) end
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch:' .. ARGV[1], ARGV[6])
redis.call('HSET', KEYS[2], 'up:' .. ARGV[1], epoch, 'sequence:' .. ARGV[1], 0, 'reads:' .. ARGV[1], ARGV[5])
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
settle_version()
note(':' .. ARGV[1] .. ' NODE ' .. ARGV[4] .. ' ' .. epoch)
return epoch
"""
)

# KEYS: log, meta, lease. ARGV: node, epoch, token, lease in ms, the sequence number of its last entry that was taken.
# Gives the version to write; 0 when the node was declared gone.
RENEW = (
    _VERSION
    + """
if redis.call('HGET', KEYS[2], 'up:' .. ARGV[1]) ~= ARGV[2] then return 0 end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
if tonumber(ARGV[5]) > tonumber(redis.call('HGET', KEYS[2], 'sequence:' .. ARGV[1])) then
  return redis.error_reply('LOST entries of ' .. ARGV[1])
end
return version()
"""
)

# KEYS: log, meta, lease. ARGV: node, epoch, token (of a node that goes; else empty). 1 when the node is gone by this.
DECLARE_GONE = (
    _CHANGE_NODES
    + """
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[3] then return 0 end
if redis.call('HGET', KEYS[2], 'up:' .. ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], 'up:' .. ARGV[1], 0)
redis.call('DEL', KEYS[3])
settle_version()
note(':' .. ARGV[1] .. ' NODE down ' .. ARGV[2])
return 1
"""
)

# KEYS: log, snapshots (ids by number), states (by id), meta. ARGV: id, number and state of the new one, how many of the
# newest entries the log keeps. It keeps more, back to a snapshot: whoever begins with that can apply all of it.
WRITE_SNAPSHOT = """
local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
local bound = tonumber(redis.call('HGET', KEYS[4], 'count') or '0') - tonumber(ARGV[4])
local first = redis.call('ZREVRANGEBYSCORE', KEYS[2], bound, '-inf', 'LIMIT', 0, 1)[1]
if first then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if id == first then break end
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
  end
  redis.call('XTRIM', KEYS[1], 'MINID', first)
end
return 1
"""

# KEYS: log, snapshots, states. ARGV: an entry's number, or +inf. The id, number and state of the newest snapshot that
# does not reach beyond it; else of the one that the log begins with, which is none if its first entry is there.
READ_SNAPSHOT = """
local found = redis.call('ZREVRANGEBYSCORE', KEYS[2], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
if #found == 0 then
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if first and first[2][2] ~= '1' then found = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES') end
end
if #found == 0 then return {'0-0', '0', ''} end
return {found[1], found[2], redis.call('HGET', KEYS[3], found[1])}
"""

# KEYS: a claim. ARGV: the token of who gives it up; it may have expired, and another's may be there.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# In the order in which `Store` names them.
ALL = (APPEND, ENTER, RENEW, DECLARE_GONE, WRITE_SNAPSHOT, READ_SNAPSHOT, RELEASE)
