-- Writes down that a member is there, at the time of this server, and counts those who were of
-- late.
--
-- KEYS[1]  the sorted set of the members, by the ms since 1970 at which they last came.
-- ARGV     the member, and how many ms ago is of late.
-- Answer   how many there are.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = now - ARGV[2]
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', since))
-- From before the clock went back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
