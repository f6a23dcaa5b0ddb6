--[[
Counters that all processes and threads of httpd share, kept in names of directories: making one and renaming one are
atomic, and nothing is lost when a process dies at any point.

  take      a token bucket (GCRA). The state is the time at which the bucket will be full again, in µs, as the name of the
            only directory in the bucket's folder. Whoever renames it from what it read has taken a token; who cannot,
            because another was faster, reads again.
  enter     one of N slots, a directory each: `7` is free, `7-PID-START` is that process's. Whoever renames it has it. Slots of
            dead processes are taken back when no other is free. A rename makes no inode, which is most of what a mkdir costs.
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

-- A folder appears in one step, with everything that it must hold from the beginning.
local function begin(r, folder, names)
  made = made + 1
  local draft = string.format('%s.%s.%s.%d', folder, owner, tostring(r):match('0x%x+') or '', made)
  r:mkdir(draft)
  for _, name in ipairs(names) do r:mkdir(draft .. '/' .. name) end
  if os.rename(draft, folder) then return end
  for _, name in ipairs(names) do os.remove(draft .. '/' .. name) end
  os.remove(draft)
end

local function change(r, bucket, step)
  for _ = 1, 1000 do
    local old = state(r, bucket)
    if old then
      local new, answer = step(tonumber(old))
      if not new then return answer end
      if os.rename(bucket .. '/' .. old, bucket .. '/' .. string.format('%.0f', new)) then return answer end
    else
      begin(r, bucket, { '0' })
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

local function take(folder, name)
  local taken = folder .. '/' .. name:match('^%d+') .. '-' .. owner
  return os.rename(folder .. '/' .. name, taken) and taken
end

-- One that is free after all, or whose owner is dead.
local function search(r, folder)
  local living = { [owner] = true }
  for _, name in pairs(entries(r, folder)) do
    local process, pid = name:match('^%d+%-((%d+)%-%d*)$')
    if process and living[process] == nil then living[process] = processStamp(pid) == process end
    local mine = (name:match('^%d+$') or (process and not living[process])) and take(folder, name)
    if mine then return mine end
  end
  return nil
end

-- httpd gives a slot back just after the last byte of an answer, so that the caller's next request may be here before it.
local PATIENCE = { 0, 2000, 5000 }

-- Enters one of `limit` slots. Returns what `leave` needs, or nil when all are taken. Another limit has slots of its own.
function M.enter(r, folder, limit)
  folder = string.format('%s.%.0f', folder, limit)
  local first = r:clock() % limit
  for k = 0, math.min(limit, 4) - 1 do
    local mine = take(folder, string.format('%.0f', (first + k) % limit))
    if mine then return mine end
  end
  if not r:stat(folder) then
    local names = {}
    for k = 0, limit - 1 do names[#names + 1] = string.format('%.0f', k) end
    begin(r, folder, names)
  end
  for _, microseconds in ipairs(PATIENCE) do
    if microseconds > 0 then r.usleep(microseconds) end
    local mine = search(r, folder)
    if mine then return mine end
  end
  return nil
end

function M.leave(slot) os.rename(slot, (slot:match('^(.*/%d+)%-'))) end

return M
