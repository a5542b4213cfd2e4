"""What the turn log does in Redis as one step, in Lua (https://redis.io/docs/latest/develop/programmability/eval-intro/).

Keys: the turn's state (a hash: length, after, ended, token, origin), its owner's lease, its events.
"""

# Bounds the stream of a turn; no answer has as many events, so what goes are attempts that were given up.
_MAX_EVENTS = 4096

# token, lease in ms, time to live in ms, origin -> (0 running or ended | 1 made | 2 its owner's lease lapsed, after)
CLAIM = """
local length, after, ended = unpack(redis.call('HMGET', KEYS[1], 'length', 'after', 'ended'))
if length and ended == '' then
  return {redis.call('EXISTS', KEYS[2]) == 1 and 0 or 2, tonumber(after)}
end
if length and ended ~= 'interrupted' then
  return {0, tonumber(after)}
end
length = length or '0'
redis.call('HSET', KEYS[1], 'length', length, 'after', length, 'ended', '', 'token', ARGV[1], 'origin', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, tonumber(length)}
"""

# token, lease in ms, time to live in ms, sequence of the first event, 1 if the last one is Done, (kind, event)… ->
# 1 unless the turn has ended or another attempt of it was made
APPEND = f"""
local token, ended, length = unpack(redis.call('HMGET', KEYS[1], 'token', 'ended', 'length'))
if token ~= ARGV[1] then return 0 end
local sequence = tonumber(ARGV[4])
if ended ~= '' then return (ended == 'done' and sequence + (#ARGV - 5) / 2 - 1 <= tonumber(length)) and 1 or 0 end
for i = 6, #ARGV, 2 do
  if sequence > tonumber(length) then
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', '{_MAX_EVENTS}', sequence .. '-0', 'kind', ARGV[i], 'event', ARGV[i + 1])
    length = sequence
  end
  sequence = sequence + 1
end
redis.call('HSET', KEYS[1], 'length', length, 'ended', ARGV[5] == '1' and 'done' or '')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
if ARGV[5] == '1' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return 1
"""

# length that was seen, time to live in ms, (kind, event) twice -> 1 for the one who ended the turn
INTERRUPT = """
local length, ended = unpack(redis.call('HMGET', KEYS[1], 'length', 'ended'))
if not length or ended ~= '' or length ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
for i = 3, #ARGV, 2 do
  length = length + 1
  redis.call('XADD', KEYS[3], length .. '-0', 'kind', ARGV[i], 'event', ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 'length', length, 'ended', 'interrupted')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
"""
