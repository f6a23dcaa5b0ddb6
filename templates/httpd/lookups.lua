-- The policy and what is looked up beside it; files of private/run. Everything is read when it is asked for, so that a new key,
-- client or certificate needs no reload.
local here = debug.getinfo(1, 'S').source:match('^@(.*/)')
local json = require 'json'
local M = { null = json.null }

function M.readFile(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('*a')
  file:close()
  return text
end

local function set(...)
  local names = {}
  for _, list in ipairs({ ... }) do
    for _, name in ipairs(list) do names[name] = true end
  end
  return names
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
    read.isSingle = set(read.singleHeaders)
    read.passes = set(read.passedHeaders, { 'host' })
    read.passesWebsocket = set(read.passedHeaders, read.websocketHeaders, { 'host', 'upgrade', 'connection' })
    policy, policyTime = read, stat.mtime
  end
  return policy
end

-- What this interpreter remembers of a file while it is the same one. Files are replaced as a whole, so a stat tells.
local remembered = {}
local REMEMBERED_WORDS = 200

local function recall(r, path)
  local stat = r:stat(path)
  if not stat then
    remembered[path] = nil
    return nil
  end
  local known = remembered[path]
  if not known or known.mtime ~= stat.mtime or known.size ~= stat.size then
    known = { mtime = stat.mtime, size = stat.size, words = {}, count = 0 }
    remembered[path] = known
  end
  return known
end

-- Halves a file of sorted lines until what may hold `key` is small, and reads that. Nil when it is not in it.
local WINDOW = 4096
local function search(file, low, high, key)
  while high - low > WINDOW do
    local middle = math.floor((low + high) / 2)
    file:seek('set', middle - 1)
    file:read('*l')
    local line = file:read('*l')
    if not line or line:match('^%S*') > key then
      high = middle
    else
      low = file:seek() - #line - 1
    end
  end
  file:seek('set', low)
  -- To the end of the line that begins before `high`.
  local text = '\n' .. (file:read(high - low) or '') .. (file:read('*l') or '') .. '\n'
  local _, last = text:find('\n' .. key .. ' ', 1, true)
  return last and text:match('^[^\n]*', last + 1)
end

-- The words after `key` in a look-up: sorted lines `key word …`, of which the first names the policy that they belong to.
function M.find(r, pol, name, key)
  local known = recall(r, here .. name)
  if known and known.hash == pol.hash and known.words[key] then return known.words[key] end
  local file = known and io.open(here .. name, 'rb')
  if not file then error(name .. ' is not there', 0) end
  local head = file:read('*l') or ''
  local found = head == '# policy ' .. pol.hash and search(file, #head + 1, file:seek('end'), key)
  file:close()
  if found == false then error(name .. ' belongs to another policy', 0) end
  if found then
    if known.count >= REMEMBERED_WORDS then known.words, known.count = {}, 0 end
    known.hash, known.words[key], known.count = pol.hash, found, known.count + 1
  end
  return found
end

-- A file of private/run, or nil.
function M.private(r, pol, name)
  local path = here .. pol.private .. name
  local known = recall(r, path)
  if known and not known.text then known.text = M.readFile(path) end
  return known and known.text
end

return M
