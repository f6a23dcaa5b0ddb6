-- Passwords: mod_auth_basic knows bcrypt and is asked; failures are counted, and what was right is remembered for a while.
local here = debug.getinfo(1, 'S').source:match('^@(.*/)')
local addresses = require 'addresses'
local counters = require 'counters'
local lookups = require 'lookups'
local request = require 'request'
local sha256 = require 'sha256'
local M = {}

local REMEMBERED_SECONDS = 60

local function isRemembered(r, file)
  local expires = lookups.readFile(file)
  return expires ~= nil and tonumber(expires) ~= nil and tonumber(expires) > r:clock()
end

local function remember(r, file)
  local draft = file and io.open(file .. '.new', 'wb')
  if not draft then return end
  draft:write(string.format('%.0f', r:clock() + REMEMBERED_SECONDS * 1000000))
  draft:close()
  os.rename(file .. '.new', file)
end

-- The attempt counts before the hash is computed, and not at all when it was right. True, false, or seconds to wait.
local function checkHash(call, token, bucket, memory)
  local r, f = call.r, call.pol.failures
  local wait = counters.take(r, bucket, f.count, f.seconds)
  if wait then return wait end
  local sent = r.headers_in['Authorization']
  r.headers_in['Authorization'] = 'Basic ' .. token
  local ok, right = pcall(function() return r:expr("-U '/_gw/basic'") end)
  r.headers_in['Authorization'] = sent
  if not ok then error('the password check failed', 0) end
  if right then
    counters.refund(r, bucket, f.count, f.seconds)
    remember(r, memory)
  end
  return right
end

-- Many at once with the same password cost one hash: the first asks, the others wait for what it finds.
local function checkOnce(call, token, bucket, memory)
  local r = call.r
  for _ = 1, 1000 do
    if isRemembered(r, memory) then return true end
    if r:mkdir(memory .. '.asking') then break end
    local asking = r:stat(memory .. '.asking')
    if asking and r:clock() - asking.mtime > 5000000 then os.remove(memory .. '.asking') end
    r.usleep(5000)
  end
  local ok, result = pcall(checkHash, call, token, bucket, memory)
  os.remove(memory .. '.asking')
  if not ok then error(result, 0) end
  return result
end

local function no(reason, wait) return { holds = false, reason = reason, wait = wait } end

-- Whether a caller shows the right password of a client; `isClient(name)` says whether there is such a one.
function M.ask(call, isClient)
  local r, pol = call.r, call.pol
  local a = request.authorization(call)
  if not a or a.scheme ~= 'basic' then return no('absent') end
  if #a.token % 4 ~= 0 or not a.token:match('^[A-Za-z0-9+/]*=?=?$') then return no('basic_form') end
  local name, password = r:base64_decode(a.token):match('^([^:]*):(.*)$')
  if not name then return no('basic_form') end
  if password == '' or #password > pol.limits.password then return no('password_length') end
  local known = isClient(name)
  local hex = addresses.hex(request.caller(call) or r.useragent_ip) or ''
  local counted = (hex:sub(1, 24) == addresses.MAPPED and hex or hex:sub(1, 16)) .. '-' .. (known and name or '+')
  local bucket = here .. 'run/failures/' .. counted
  if not known then
    -- An entry that nobody knows the password of: it takes as long as a known one.
    local wait = checkHash(call, r:base64_encode('-:' .. password), bucket, nil)
    return type(wait) == 'number' and no('too_many_failures', wait) or no('unknown_user')
  end
  local secret = lookups.private(r, pol, 'passwords/remember.secret')
  if not secret or #secret < 32 then error('passwords/remember.secret is not there', 0) end
  local memory = here .. 'run/remembered/' .. sha256(secret .. counted .. ' ' .. a.token)
  local result = checkOnce(call, a.token, bucket, memory)
  if type(result) == 'number' then return no('too_many_failures', result) end
  return result and { holds = true, client = name } or no('wrong_password')
end

return M
