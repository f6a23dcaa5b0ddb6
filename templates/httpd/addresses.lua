-- Addresses as 32 hex digits, as docs/policy.md has them: IPv4 stands in ::ffff:0:0/96.
local M = { MAPPED = '00000000000000000000ffff' }

local function ipv4Hex(text, prefix)
  local hex, count = prefix, 0
  for part in (text .. '.'):gmatch('([^.]*)%.') do
    if not (part == '0' or part:match('^[1-9]%d?%d?$')) or tonumber(part) > 255 then return nil end
    hex = hex .. string.format('%02x', tonumber(part))
    count = count + 1
  end
  return count == 4 and hex or nil
end

local function groupsHex(text, mayEndInIpv4)
  if text == '' then return '' end
  local hex, parts = '', {}
  for part in (text .. ':'):gmatch('([^:]*):') do parts[#parts + 1] = part end
  for i, part in ipairs(parts) do
    if part:find('.', 1, true) then
      local v4 = mayEndInIpv4 and i == #parts and ipv4Hex(part, '') or nil
      if not v4 then return nil end
      hex = hex .. v4
    elseif #part <= 4 and part:match('^[0-9a-f]+$') then
      hex = hex .. string.rep('0', 4 - #part) .. part
    else
      return nil
    end
  end
  return hex
end

local function read(text)
  if not text:find(':', 1, true) then return ipv4Hex(text, M.MAPPED) end
  text = text:lower()
  local head, tail = text:match('^(.-)::(.*)$')
  if not head then
    local hex = groupsHex(text, true)
    return hex and #hex == 32 and hex or nil
  end
  if tail:find('::', 1, true) then return nil end
  head, tail = groupsHex(head, false), groupsHex(tail, true)
  if not head or not tail or #head + #tail > 28 then return nil end
  return head .. string.rep('0', 32 - #head - #tail) .. tail
end

-- The same few are asked about again and again.
local known, count = {}, 0

-- An address as 32 hex digits; IPv4 in ::ffff:0:0/96. Nil when it is no address.
function M.hex(text)
  if known[text] == nil then
    if count >= 200 then known, count = {}, 0 end
    known[text], count = read(text) or false, count + 1
  end
  return known[text] or nil
end

function M.inRanges(ranges, hex)
  for _, range in ipairs(ranges) do
    local whole, rest = math.floor(range.bits / 4), range.bits % 4
    if range.hex:sub(1, whole) == hex:sub(1, whole) then
      if rest == 0 then return true end
      local size = 2 ^ (4 - rest)
      local ours, theirs = tonumber(range.hex:sub(whole + 1, whole + 1), 16), tonumber(hex:sub(whole + 1, whole + 1), 16)
      if math.floor(ours / size) == math.floor(theirs / size) then return true end
    end
  end
  return false
end

function M.stripPort(entry)
  local inside, port = entry:match('^%[([^%]]*)%](.*)$')
  if inside and (port == '' or (port:match('^:%d+$') and #port <= 6)) then return inside end
  local address, digits = entry:match('^([^:]*):(%d+)$')
  return address and #digits <= 5 and address or entry
end

-- The address as text: dotted for IPv4, mapped or not.
function M.text(address)
  local hex = M.hex(address)
  if not hex or hex:sub(1, 24) ~= M.MAPPED then return address:lower() end
  local parts = {}
  for i = 25, 31, 2 do parts[#parts + 1] = tonumber(hex:sub(i, i + 1), 16) end
  return string.format('%d.%d.%d.%d', parts[1], parts[2], parts[3], parts[4])
end

return M
