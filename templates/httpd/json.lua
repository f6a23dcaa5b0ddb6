-- JSON as RFC 8259 has it, and no more: text → Lua values, or an error. Of a repeated name the last one counts.
-- `null` becomes M.null, so that it is not the same as a name that is not there.
local M = { null = {} }
local MAX_DEPTH = 32

local ESCAPES = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }

local function fail(at) error('not JSON at byte ' .. at, 0) end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64) end
  return string.char(0xf0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64, 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- \uXXXX, with its other half where it is a surrogate.
local function unicode(text, at)
  local hex = text:match('^%x%x%x%x', at)
  if not hex then fail(at) end
  local code = tonumber(hex, 16)
  if code < 0xd800 or code > 0xdfff then return utf8(code), at + 4 end
  local low = text:match('^\\u([dD][c-fC-F]%x%x)', at + 4)
  if code > 0xdbff or not low then fail(at) end
  return utf8(0x10000 + (code - 0xd800) * 1024 + (tonumber(low, 16) - 0xdc00)), at + 10
end

local function string_(text, at)
  local parts = {}
  while true do
    local plain, next_ = text:match('^([^%c"\\]*)()', at)
    parts[#parts + 1] = plain
    local char = text:sub(next_, next_)
    if char == '"' then return table.concat(parts), next_ + 1 end
    -- DEL is a control character to Lua and none to JSON.
    if char == '\127' then
      parts[#parts + 1] = char
      at = next_ + 1
    else
      if char ~= '\\' then fail(next_) end
      local kind = text:sub(next_ + 1, next_ + 1)
      if kind == 'u' then
        parts[#parts + 1], at = unicode(text, next_ + 2)
      else
        if not ESCAPES[kind] then fail(next_) end
        parts[#parts + 1], at = ESCAPES[kind], next_ + 2
      end
    end
  end
end

local function blank(text, at) return text:match('^[ \t\r\n]*()', at) end

local value

local function list(text, at, depth)
  local items = {}
  at = blank(text, at)
  if text:sub(at, at) == ']' then return items, at + 1 end
  while true do
    items[#items + 1], at = value(text, at, depth)
    at = blank(text, at)
    local char = text:sub(at, at)
    if char == ']' then return items, at + 1 end
    if char ~= ',' then fail(at) end
    at = at + 1
  end
end

local function object(text, at, depth)
  local members = {}
  at = blank(text, at)
  if text:sub(at, at) == '}' then return members, at + 1 end
  while true do
    at = blank(text, at)
    if text:sub(at, at) ~= '"' then fail(at) end
    local name
    name, at = string_(text, at + 1)
    at = blank(text, at)
    if text:sub(at, at) ~= ':' then fail(at) end
    members[name], at = value(text, at + 1, depth)
    at = blank(text, at)
    local char = text:sub(at, at)
    if char == '}' then return members, at + 1 end
    if char ~= ',' then fail(at) end
    at = at + 1
  end
end

function value(text, at, depth)
  if depth > MAX_DEPTH then fail(at) end
  at = blank(text, at)
  local char = text:sub(at, at)
  if char == '"' then return string_(text, at + 1) end
  if char == '{' then return object(text, at + 1, depth + 1) end
  if char == '[' then return list(text, at + 1, depth + 1) end
  if text:sub(at, at + 3) == 'true' then return true, at + 4 end
  if text:sub(at, at + 4) == 'false' then return false, at + 5 end
  if text:sub(at, at + 3) == 'null' then return M.null, at + 4 end
  local whole, after = text:match('^(%-?%d+)()', at)
  if not whole or whole:match('^%-?0%d') then fail(at) end
  local fraction, exponent = text:match('^%.%d+()', after) or after, nil
  exponent = text:match('^[eE][+-]?%d+()', fraction) or fraction
  return tonumber(text:sub(at, exponent - 1)), exponent
end

function M.decode(text)
  local result, at = value(text, 1, 0)
  if blank(text, at) <= #text then fail(at) end
  return result
end

return M
