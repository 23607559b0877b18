// The Lua scripts of the ledger on Redis: each is one atomic step on one hash tag. Layout:
// docs/formats/ledger-redis.md. All share the helpers; KEYS are always lease, meta, applied, record, index, so that
// Cluster finds one slot.
#pragma once

namespace paramedic::redis_scripts {

// After kRedisLeaseLua.
inline constexpr const char* kHelpers = R"lua(
local record, index = KEYS[4], KEYS[5]
-- The members of the index that lead to a record.
local function members(kind, key, id, at, touched, open, worker)
  local out = {'a' .. kind .. at .. id .. key}
  if open == '1' then out[2] = 'o' .. kind .. at .. id .. key else out[2] = 'c' .. kind .. touched .. id .. key end
  if worker ~= '' then out[3] = 'w' .. kind .. worker .. '\0' .. at .. id .. key end
  return out
end
local function parse(value)
  local id, at, touched, open, wlen, plen, stop = string.match(value, '^(%d+) (%d+) (%d+) (%d) (%d+) (%d+)()\n')
  return id, at, touched, open, string.sub(value, stop + 1, stop + wlen)
end
)lua";

// ARGV: epoch, owner, ttl in ms, epoch and sequence of the commit, '1' = what is older than the stored loses; then
// kind, key, at, touched, open, worker, pool, body of each row. → OK | DONE (was here already) | LOST | STALE …
inline constexpr const char* kCommit = R"lua(
local no = refused(ARGV[1], ARGV[2])
if no then return no end
redis.call('HSET', lease, 'until', string.format('%d', now_ms() + ARGV[3]))
if tonumber(redis.call('HGET', applied, ARGV[4]) or '0') >= tonumber(ARGV[5]) then return {'DONE'} end
for i = 7, #ARGV, 8 do
  local kind, key, at, touched, open = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local worker, pool, body = ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
  local before = key ~= '' and redis.call('HGET', record, kind .. key)
  local id, stale
  local old = {}
  if before then
    local oat, otouched, oopen, oworker
    id, oat, otouched, oopen, oworker = parse(before)
    stale = ARGV[6] == '1' and otouched > touched
    old = members(kind, key, id, oat, otouched, oopen, oworker)
  else
    id = string.format('%016d', redis.call('HINCRBY', meta, 'next_id', 1))
    if key == '' then key = '#' .. id end
  end
  if not stale then
    redis.call('HSET', record, kind .. key, table.concat({id, at, touched, open, #worker, #pool}, ' ') .. '\n' ..
      worker .. pool .. body)
    local new = members(kind, key, id, at, touched, open, worker)
    for j = 1, 3 do
      if old[j] ~= new[j] then
        if old[j] then redis.call('ZREM', index, old[j]) end
        if new[j] then redis.call('ZADD', index, 0, new[j]) end
      end
    end
  end
end
redis.call('HSET', applied, ARGV[4], ARGV[5])
return {'OK'}
)lua";

// ARGV: epoch, owner, then members of the index that begin with 'c'. → OK number | LOST | STALE …
inline constexpr const char* kRemove = R"lua(
local no = refused(ARGV[1], ARGV[2])
if no then return no end
local removed = 0
for i = 3, #ARGV do
  local member = ARGV[i]
  -- One that was written again meanwhile has another member now.
  if redis.call('ZSCORE', index, member) then
    local kind, key = string.sub(member, 2, 3), string.sub(member, 40)
    local value = redis.call('HGET', record, kind .. key)
    redis.call('ZREM', index, member)
    if value then
      local id, at, touched, open, worker = parse(value)
      for _, one in ipairs(members(kind, key, id, at, touched, open, worker)) do redis.call('ZREM', index, one) end
      redis.call('HDEL', record, kind .. key)
      removed = removed + 1
    end
  end
end
return {'OK', string.format('%d', removed)}
)lua";

}  // namespace paramedic::redis_scripts
