-- The policy and what is looked up beside it; files of private/run. Everything is read when it is asked for, so that a new key,
-- client or certificate needs no reload.
local here = debug.getinfo(1, 'S').source:match('^@(.*/)')
local json = dofile(here .. 'json.lua')
local M = { null = json.null }

function M.readFile(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('*a')
  file:close()
  return text
end

local policy, policyTime

-- The policy, read again whenever its file has changed. An error when there is none or it is not whole.
function M.currentPolicy(r)
  local stat = r:stat(here .. 'policy.json')
  if not stat then error('policy.json is not there', 0) end
  if not policy or stat.mtime ~= policyTime then
    policy = nil
    for _, folder in ipairs({ 'rates', 'failures', 'slots', 'remembered' }) do r:mkdir(here .. 'run/' .. folder) end
    local read = json.decode(M.readFile(here .. 'policy.json') or '')
    if type(read) ~= 'table' or read.format ~= 1 or type(read.hash) ~= 'string' then error('policy.json has another format', 0) end
    policy, policyTime = read, stat.mtime
  end
  return policy
end

-- The words after `key` in a look-up: sorted lines `key word …`, of which the first names the policy that they belong to.
function M.find(pol, name, key)
  local file = io.open(here .. name, 'rb')
  if not file then error(name .. ' is not there', 0) end
  local head = file:read('*l')
  local low, high = file:seek(), file:seek('end')
  if head ~= '# policy ' .. pol.hash then
    file:close()
    error(name .. ' belongs to another policy', 0)
  end
  local found
  while low < high do
    local middle = math.floor((low + high) / 2)
    -- On to the first line that begins at `middle` or after it; `low` itself is the beginning of one.
    file:seek('set', middle > low and middle - 1 or low)
    if middle > low then file:read('*l') end
    local at = file:seek()
    if at >= high then
      high = middle
    else
      local line = file:read('*l')
      local word, rest = line:match('^(%S+) (.*)$')
      if not word then
        file:close()
        error(name .. ' is not a look-up', 0)
      end
      if word == key then
        found = rest
        break
      elseif word < key then
        low = file:seek()
      else
        high = middle
      end
    end
  end
  file:close()
  return found
end

function M.private(pol, name) return M.readFile(here .. pol.private .. name) end

return M
