--[[
Counters that all processes and threads of httpd share, kept in names of directories: making one and renaming one are
atomic, and nothing is lost when a process dies at any point.

  take      a token bucket (GCRA). The state is the time at which the bucket will be full again, in µs, as the name of the
            only directory in the bucket's folder. Whoever renames it from what it read has taken a token; who cannot,
            because another was faster, reads again.
  enter     one of N slots, a directory each, with its owner inside. Slots of dead processes are taken back.
]]
local M = {}

-- This process, and when it began: a number alone is used again.
local function processStamp(pid)
  local file = io.open('/proc/' .. pid .. '/stat')
  if not file then return nil end
  local text = file:read('*a') or ''
  file:close()
  -- The name of the program stands in parentheses and may hold anything; fields are counted after it.
  local number, rest = text:match('^(%d+) %(.*%) (.*)$')
  if not number then return nil end
  local fields = {}
  for field in rest:gmatch('%S+') do fields[#fields + 1] = field end
  if fields[1] == 'Z' then return nil end
  return number .. '-' .. (fields[20] or '')
end

local owner = processStamp('self')
local made = 0

local function entries(r, folder)
  local ok, names = pcall(function() return r:get_direntries(folder) end)
  return ok and names or {}
end

local function state(r, bucket)
  for _, name in pairs(entries(r, bucket)) do
    if name:match('^%d+$') then return name end
  end
  return nil
end

-- A new bucket appears in one step, with its state inside.
local function begin(r, bucket)
  made = made + 1
  local draft = string.format('%s.%s.%s.%d', bucket, owner, tostring(r):match('0x%x+') or '', made)
  r:mkdir(draft)
  r:mkdir(draft .. '/0')
  if not os.rename(draft, bucket) then
    os.remove(draft .. '/0')
    os.remove(draft)
  end
end

local function change(r, bucket, step)
  for _ = 1, 1000 do
    local old = state(r, bucket)
    if old then
      local new, answer = step(tonumber(old))
      if not new then return answer end
      if os.rename(bucket .. '/' .. old, bucket .. '/' .. string.format('%.0f', new)) then return answer end
    else
      begin(r, bucket)
    end
  end
  error('the counter ' .. bucket .. ' cannot be kept', 0)
end

-- Takes one of `count` in `seconds`. Returns nil, or the seconds after which one is there again.
function M.take(r, bucket, count, seconds)
  local now, capacity = r:clock(), seconds * 1000000
  local each = capacity / count
  return change(r, bucket, function(full)
    local new = math.max(full, now) + each
    if new - now > capacity + 1 then return nil, math.max(1, math.ceil((new - now - capacity) / 1000000)) end
    return math.ceil(new), nil
  end)
end

-- Gives back what `take` took.
function M.refund(r, bucket, count, seconds)
  local each = seconds * 1000000 / count
  return change(r, bucket, function(full) return math.max(0, math.floor(full - each)), nil end)
end

local function reclaim(r, slot)
  for _, name in pairs(entries(r, slot)) do
    local pid = name:match('^(%d+)%-')
    if pid then
      -- Only whoever removes the owner frees the slot.
      if processStamp(pid) ~= name and os.remove(slot .. '/' .. name) then return os.remove(slot) end
      return false
    end
  end
  -- Without an owner: made just now, or by a process that died in between.
  local made_at = r:stat(slot)
  return made_at and r:clock() - made_at.mtime > 2000000 and os.remove(slot)
end

-- Enters one of `limit` slots. Returns what `leave` needs, or nil when all are taken.
function M.enter(r, folder, limit)
  local first = r:clock() % limit
  for round = 1, 2 do
    for k = 0, limit - 1 do
      local slot = string.format('%s/%.0f', folder, (first + k) % limit)
      local got = r:mkdir(slot)
      if not got and k == 0 and round == 1 then
        r:mkdir(folder)
        got = r:mkdir(slot)
      end
      if not got and round == 2 then got = reclaim(r, slot) and r:mkdir(slot) end
      if got then
        r:mkdir(slot .. '/' .. owner)
        return slot
      end
    end
  end
  return nil
end

function M.leave(slot)
  os.remove(slot .. '/' .. owner)
  os.remove(slot)
end

return M
