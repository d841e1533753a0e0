-- What hooks may call, where Lua's own function would loop inside C, where no instruction is counted, or would
-- answer differently from run to run. Written in Lua, so every turn of a loop counts against the budget.
--
-- `host` holds functions of C and of Lua's libraries; `env` is what scripts see.
local host, env = ...
local next, type, error, select, tostring = host.next, host.type, host.error, host.select, host.tostring
local match, plain, charge = host.match, host.plain, host.charge
local sub, rep, find_special, format = host.sub, host.rep, host.find_special, host.format
local stock_concat, stock_unpack, tointeger = host.concat, host.unpack, host.tointeger
local string, table = env.string, env.table

local RESULTS = 4096 -- values that one call may give back
local BYTES = 16777216 -- of a text made in one call

local function wanted(position, what, value, level)
  error("bad argument #" .. position .. " (" .. what .. " expected, got " ..
    (value == nil and "no value" or type(value)) .. ")", level or 3)
end

local function text(position, value)
  if type(value) == "number" then return tostring(value) end
  if type(value) ~= "string" then wanted(position, "string", value, 4) end
  return value
end

local function whole(position, value, default)
  if value == nil and default then return default end
  local n = tointeger(value)
  if not n then wanted(position, "integer", value, 4) end
  return n
end

local function list(position, value)
  if type(value) ~= "table" then wanted(position, "table", value, 4) end
end

-- ---- order -------------------------------------------------------------------------------------------------

-- A merge sort from short runs to long ones: equal things keep their order, and a comparison that contradicts
-- itself does no harm.
local function sort(t, n, before)
  local from, to = t, {}
  local width = 1
  while width < n do
    local at = 1
    while at <= n do
      local left, right, stop = at, at + width, at + 2 * width
      local middle = right
      if stop > n + 1 then stop = n + 1 end
      for i = at, stop - 1 do
        if left < middle and (right >= stop or not before(from[right], from[left])) then
          to[i], left = from[left], left + 1
        else
          to[i], right = from[right], right + 1
        end
      end
      at = at + 2 * width
    end
    from, to = to, from
    width = 2 * width
  end
  if from ~= t then for i = 1, n do t[i] = from[i] end end
end

local class = { number = 1, string = 2, boolean = 3 }

local function key_before(a, b)
  local x, y = class[type(a)], class[type(b)]
  if x ~= y then return x < y end
  if x == 3 then return b and not a end
  return a < b
end

function env.pairs(t)
  list(1, t)
  local keys, n, last, sorted = {}, 0, 0, true
  for k in next, t do
    if not class[type(k)] then error("pairs: a " .. type(k) .. " as a key has no order", 2) end
    n = n + 1
    keys[n] = k
    if sorted and type(k) == "number" and k > last then last = k else sorted = false end
  end
  if not sorted then sort(keys, n, key_before) end
  local i = 0
  return function()
    while i < n do
      i = i + 1
      local k = keys[i]
      local v = t[k]
      if v ~= nil then return k, v end
    end
  end, t, nil
end

local function less(a, b) return a < b end

function table.sort(t, before)
  list(1, t)
  if before ~= nil and type(before) ~= "function" then wanted(2, "function", before) end
  sort(t, #t, before or less)
end

-- ---- tables ------------------------------------------------------------------------------------------------

function table.insert(t, ...)
  list(1, t)
  local n, place, value = #t + 1, ...
  if select("#", ...) == 1 then t[n] = place return end
  if select("#", ...) ~= 2 then error("wrong number of arguments to 'insert'", 2) end
  place = whole(2, place)
  if place < 1 or place > n then error("bad argument #2 (position out of bounds)", 2) end
  for i = n, place + 1, -1 do t[i] = t[i - 1] end
  t[place] = value
end

function table.remove(t, place)
  list(1, t)
  local n = #t
  if place == nil then place = n else
    place = whole(2, place)
    if n + 1 ~= place and not (n == 0 and place == 0) and (place < 1 or place > n + 1) then
      error("bad argument #2 (position out of bounds)", 2)
    end
  end
  local value = t[place]
  for i = place, n - 1 do t[i] = t[i + 1] end
  if place <= n then t[n] = nil end
  return value
end

function table.move(from, first, last, place, to)
  list(1, from)
  to = to or from
  list(5, to)
  first, last, place = whole(2, first), whole(3, last), whole(4, place)
  if last < first then return to end
  if place > last or place <= first or to ~= from then
    for i = 0, last - first do to[place + i] = from[first + i] end
  else
    for i = last - first, 0, -1 do to[place + i] = from[first + i] end
  end
  return to
end

function table.unpack(t, first, last)
  list(1, t)
  first, last = whole(2, first, 1), whole(3, last, #t)
  if first > last then return end
  if last - first < 0 or last - first >= RESULTS then error("too many results to unpack", 2) end
  return stock_unpack(t, first, last)
end

function table.concat(t, separator, first, last)
  list(1, t)
  separator = separator == nil and "" or text(2, separator)
  first, last = whole(3, first, 1), whole(4, last, #t)
  local bytes = 0
  for i = first, last do
    local v = t[i]
    local kind = type(v)
    if kind ~= "string" and kind ~= "number" then
      error("invalid value (a " .. kind .. ") at index " .. i .. " in table for 'concat'", 2)
    end
    bytes = bytes + (kind == "string" and #v or 24) + #separator
    if bytes > BYTES then error("resulting string too large", 2) end
    if i == last then break end
  end
  charge(bytes // 16)
  return stock_concat(t, separator, first, last)
end

-- ---- texts -------------------------------------------------------------------------------------------------

function string.rep(s, n, separator)
  s, n = text(1, s), whole(2, n)
  separator = separator == nil and "" or text(3, separator)
  local bytes = #s + #separator
  if n <= 0 or bytes == 0 then return "" end
  if n > BYTES // bytes then error("resulting string too large", 2) end
  charge(n + bytes * n // 16)
  return rep(s, n, separator)
end

function string.byte(s, first, last)
  s, first = text(1, s), whole(2, first, 1)
  last = whole(3, last, first)
  local part = sub(s, first, last)
  if #part > RESULTS then error("string slice too long", 2) end
  return host.byte(part, 1, -1)
end

-- Where a search begins: counted from the end if negative.
local function start(s, init)
  if init > 0 then return init end
  if init == 0 or -init > #s then return 1 end
  return #s + init + 1
end

-- The whole match where the pattern captures nothing.
local function captured(s, first, last, ...)
  if not first then return nil end
  if select("#", ...) == 0 then return sub(s, first, last) end
  return ...
end

-- host.match(s, p, from, anchored, last): place and end of the first match at or behind `from` that does not end
-- at `last`, and its captures.
function string.find(s, p, init, exact)
  s, p, init = text(1, s), text(2, p), whole(3, init, 1)
  init = start(s, init)
  if init > #s + 1 then return nil end
  if exact or not find_special(p) then return plain(s, p, init) end
  return match(s, p, init, true, 0)
end

function string.match(s, p, init)
  s, p, init = text(1, s), text(2, p), whole(3, init, 1)
  init = start(s, init)
  if init > #s + 1 then return nil end
  return captured(s, match(s, p, init, true, 0))
end

function string.gmatch(s, p, init)
  s, p, init = text(1, s), text(2, p), whole(3, init, 1)
  local at, last = start(s, init), 0
  local function one(first, ending, ...)
    if not first then
      at = #s + 2
      return nil
    end
    at, last = ending + 1, ending + 1
    return captured(s, first, ending, ...)
  end
  return function()
    if at > #s + 1 then return nil end
    return one(match(s, p, at, false, last))
  end
end

-- The text that takes the place of a match: %0 is all of it, %1 to %9 its captures.
local function filled(r, all, ...)
  local pieces, n, at = {}, 0, 1
  while true do
    local i = plain(r, "%", at)
    if not i then break end
    local digit, piece = sub(r, i + 1, i + 1)
    if digit == "%" then piece = "%"
    elseif digit == "0" then piece = all
    else
      local k = tointeger(digit)
      if not k then error("invalid use of '%' in replacement string", 4) end
      if k == 1 and select("#", ...) == 0 then piece = all
      elseif k > select("#", ...) then error("invalid capture index %" .. k .. " in replacement string", 4)
      else piece = (select(k, ...)) end
    end
    pieces[n + 1], pieces[n + 2], n, at = sub(r, at, i - 1), piece, n + 2, i + 2
  end
  if n == 0 then return r end
  pieces[n + 1] = sub(r, at)
  return stock_concat(pieces)
end

local function replacement(s, r, first, last, ...)
  local all = sub(s, first, last)
  local value
  local kind = type(r)
  if kind == "string" then return filled(r, all, ...)
  elseif kind == "table" then
    local key = all
    if select("#", ...) > 0 then key = (...) end
    value = r[key]
  elseif select("#", ...) == 0 then value = r(all)
  else value = r(...) end
  if not value then return all end
  if type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")", 3)
  end
  return value
end

function string.gsub(s, p, r, most)
  s, p = text(1, s), text(2, p)
  if type(r) == "number" then r = tostring(r) end
  if type(r) ~= "string" and type(r) ~= "table" and type(r) ~= "function" then
    wanted(3, "string/function/table", r)
  end
  most = whole(4, most, #s + 1)
  local anchored = sub(p, 1, 1) == "^"
  local pieces, n, kept, at, last, count, bytes = {}, 0, 1, 1, 0, 0, 0
  local function one(first, ending, ...)
    if not first then return false end
    local made = replacement(s, r, first, ending, ...)
    bytes = bytes + #tostring(made)
    if bytes > BYTES then error("resulting string too large", 3) end
    pieces[n + 1], pieces[n + 2], n = sub(s, kept, first - 1), made, n + 2
    kept, at, last, count = ending + 1, ending + 1, ending + 1, count + 1
    return true
  end
  while count < most and at <= #s + 1 and one(match(s, p, at, anchored, last)) do
    if anchored then break end
  end
  if n == 0 then return s, 0 end
  pieces[n + 1] = sub(s, kept)
  charge((#s + bytes) // 16)
  return stock_concat(pieces), count
end

-- Values without a text of their own are shown by their kind, never by an address.
function string.format(s, ...)
  s = text(1, s)
  local at = plain(s, "%", 1)
  while at do
    if sub(s, at + 1, at + 1) == "%" then at = at + 1
    elseif match(s, "^[^%a%%]*p", at + 1, true, 0) then
      error("'%p' shows an address, which differs from run to run", 2)
    end
    at = plain(s, "%", at + 1)
  end
  local n = select("#", ...)
  if n > 64 then error("more than 64 values to format", 2) end
  local values = { ... }
  for i = 1, n do
    local kind = type(values[i])
    if kind == "table" or kind == "function" or kind == "userdata" then values[i] = tostring(values[i]) end
  end
  return format(s, stock_unpack(values, 1, n))
end
