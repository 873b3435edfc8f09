-- Takes units of all the rates of one bucket, or of none: the generic cell rate algorithm (ITU-T
-- I.371, virtual scheduling) in one step, at the time of this server.
--
-- KEYS[1]  holds for each rate its theoretical arrival time since 1970, as "us ns".
-- ARGV     the least and the most units that are wanted; then of each rate the interval in which
--          one comes back (us, and the ns beyond them) and the burst.
-- Answer   the units, or 0; the rate that lacks the longest, and for how many us, rounded up; then
--          of each rate in how long it is whole again (us, and the ns beyond them).
--
-- A number of Lua's is exact up to 2^53: 104 days in nanoseconds, but 285 years in microseconds.
-- So a time is a pair: whole microseconds, and the nanoseconds beyond them.

local function pair(us, ns)
  local carry = math.floor(ns / 1000)
  return {us + carry, ns - carry * 1000}
end

local function plus(a, b) return pair(a[1] + b[1], a[2] + b[2]) end
local function minus(a, b) return pair(a[1] - b[1], a[2] - b[2]) end
local function times(n, a) return pair(n * a[1], n * a[2]) end

local function exceeds(a, b)
  return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2])
end

-- How many whole intervals there are in a time. The quotient may be rounded to its neighbour.
local function fitting(interval, time)
  local n = math.floor((time[1] * 1000 + time[2]) / (interval[1] * 1000 + interval[2]))
  while exceeds(times(n, interval), time) do n = n - 1 end
  while not exceeds(times(n + 1, interval), time) do n = n + 1 end
  return n
end

local time = redis.call('TIME')
local now = {time[1] * 1000000 + time[2], 0}

local arrivals = {}
for us, ns in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%d+) (%d+)') do
  arrivals[#arrivals + 1] = {tonumber(us), tonumber(ns)}
end

local least, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local units, lacking, wait, believed = most, 0, {0, 0}, true
local rates = {}
for i = 1, (#ARGV - 2) / 3 do
  local interval, burst = {tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])}, tonumber(ARGV[3 * i + 2])
  local span = times(burst, interval)
  local debt = minus(arrivals[i] or now, now)
  if debt[1] < 0 then debt = {0, 0} end
  -- After the clock went back, or the rate was another, nobody owes more than a whole burst.
  if exceeds(debt, span) then debt, believed = span, false end

  local left = minus(span, debt)
  local there = fitting(interval, left)
  local missing = minus(times(math.min(least, burst), interval), left)
  if exceeds(missing, wait) then lacking, wait = i, missing end
  -- What costs more than a burst has a whole one, and no more than that comes of a burst.
  units = math.min(units, math.max(there, least))
  rates[i] = {interval = interval, burst = burst, debt = debt}
end
if lacking > 0 then units = 0 end

local answer = {units, lacking, wait[1] + math.min(wait[2], 1)}
for i, rate in ipairs(rates) do
  rate.debt = plus(rate.debt, times(math.min(units, rate.burst), rate.interval))
  arrivals[i] = plus(now, rate.debt)
  answer[2 * i + 2], answer[2 * i + 3] = rate.debt[1], rate.debt[2]
end

-- A debt that was not believed is written down also by who takes nothing: else it would be as
-- high to the next one, however long he has waited.
if units > 0 or not believed then
  local words, longest = {}, 0
  for i, arrival in ipairs(arrivals) do
    words[i] = string.format('%.0f %.0f', arrival[1], arrival[2])
    longest = math.max(longest, arrival[1] - now[1])
  end
  -- Who owes nothing needs no key.
  local whole = string.format('%.0f', math.floor(longest / 1000) + 1)
  redis.call('SET', KEYS[1], table.concat(words, ' '), 'PX', whole)
end
return answer
