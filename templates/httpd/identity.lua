-- Step 5: who is it.
local addresses = require 'addresses'
local lookups = require 'lookups'
local passwords = require 'passwords'
local request = require 'request'
local sha256 = require 'sha256'
local tokens = require 'token'
local M = {}

local function no(reason) return { holds = false, reason = reason } end

local function askAddress(call)
  local address = request.caller(call)
  local hex = address and addresses.hex(address)
  return hex and addresses.inRanges(call.pol.allow, hex) and { holds = true } or no('address')
end

local function askCertificate(call)
  local r = call.r
  if r:ssl_var_lookup('SSL_CLIENT_VERIFY') ~= 'SUCCESS' then return no('absent') end
  -- TLS trusts one CA, ours, and it uses a serial once.
  local client = lookups.find(r, call.pol, 'certificates.txt', r:ssl_var_lookup('SSL_CLIENT_M_SERIAL'))
  return client and { holds = true, client = client } or no('unknown_certificate')
end

-- Digests of keys that were right: computing one in Lua costs more than all else that a key needs.
local digests, digestCount = {}, 0

local function remember(key, digest)
  if digests[key] then return end
  if digestCount >= 200 then digests, digestCount = {}, 0 end
  digests[key], digestCount = digest, digestCount + 1
end

local function askKey(call)
  local key = request.keys(call)[1]
  if not key then return no('absent') end
  if #key < call.pol.limits.key.min or #key > call.pol.limits.key.max then return no('key_length') end
  local digest = digests[key] or sha256(key)
  local client, expires = (lookups.find(call.r, call.pol, 'api-keys.txt', digest) or ''):match('^(%S+) (%d+)$')
  if not client then return no('unknown_key') end
  if expires ~= '0' and tonumber(expires) <= call.r:clock() / 1000000 then return no('expired_key') end
  remember(key, digest)
  return { holds = true, client = client }
end

-- Asks mod_oauth2, with one key and nothing but the signature to look at. In a look-up it writes what it found to the request itself,
-- and fails for another reason; so what counts is that it has passed this very token on.
local function signatureHolds(r, index, token)
  local sent = r.headers_in['Authorization']
  r.headers_in['Authorization'] = 'Bearer ' .. token
  r.subprocess_env['GWJWT_access_token'] = nil
  local ok, holds = pcall(function() return r:expr("-U '/_gw/jwt/" .. index .. "'") end)
  holds = ok and (holds or r.subprocess_env['GWJWT_access_token'] == token)
  r.headers_in['Authorization'] = sent
  r.err_headers_out['WWW-Authenticate'] = nil
  for name in pairs(r:subprocess_env_table()) do
    if name:sub(1, 6) == 'GWJWT_' then r.subprocess_env[name] = nil end
  end
  if not ok then error('the signature check failed', 0) end
  return holds
end

local function askToken(call)
  local a = request.authorization(call)
  if not a or a.scheme ~= 'bearer' or not request.isJwtShaped(call.pol, a.token) then return no('absent') end
  local result = tokens.check(call.r, call.pol.jwt, a.token, signatureHolds)
  if result.reason then return no(result.reason) end
  local mapped = call.pol.jwt.subjects[result.subject]
  if mapped then return { holds = true, client = mapped } end
  local name = 'jwt:' .. result.subject
  if #name > 128 or not result.subject:match('^[A-Za-z0-9@._:+-]+$') then return no('subject_form') end
  return { holds = true, client = name, role = result.role }
end

local function clientRecord(call, name)
  if #name > 63 or not name:match('^[a-z0-9][a-z0-9._-]*$') then return nil end
  local role, rate, concurrent = (lookups.find(call.r, call.pol, 'clients.txt', name) or ''):match('^(%S+) (%S+) (%S+)$')
  return role and { role = role, rate = rate, concurrent = tonumber(concurrent) } or nil
end

local function askPassword(call)
  return passwords.ask(call, function(name) return clientRecord(call, name) ~= nil end)
end

local ASK = { ip = askAddress, mtls = askCertificate, apiKey = askKey, jwt = askToken, basic = askPassword }
local ORDER = { 'ip', 'mtls', 'apiKey', 'jwt', 'basic' }

local function ask(call, method)
  local leaves = call.leaves
  if not leaves[method] then leaves[method] = ASK[method](call) end
  return leaves[method]
end

-- Whether some alternative would hold if every header credential did (and every address, if `anywhere`).
local function besideHolds(call, anywhere)
  for _, methods in ipairs(call.pol.beside) do
    local all = true
    for _, method in ipairs(methods) do
      if not (ask(call, method).holds or (anywhere and method == 'ip')) then all = false end
    end
    if all then return true end
  end
  return false
end

local function firstReason(leaves)
  for _, method in ipairs(ORDER) do
    local leaf = leaves[method]
    if leaf and not leaf.holds and leaf.reason ~= 'absent' then return leaf.reason end
  end
  return 'no_credential'
end

-- { client, role, header } or { code, reason, wait }.
function M.identify(call)
  local pol, leaves, mismatch = call.pol, call.leaves, false
  for _, branch in ipairs(pol.branches) do
    local wanted = {}
    for _, method in ipairs(branch) do wanted[method] = true end
    local holds, client, same = true, nil, true
    for _, method in ipairs(ORDER) do
      if wanted[method] and holds then
        local leaf = ask(call, method)
        holds = leaf.holds
        if holds and leaf.client then
          if not client then client = leaf.client elseif client ~= leaf.client then same = false end
        end
      end
    end
    if holds then
      if not client and pol.addressClient ~= lookups.null then client = pol.addressClient end
      if client and same then
        -- A token's own client has the limits of its role; every other is one of the spec's.
        return { client = client, role = wanted.jwt and leaves.jwt.role, header = (wanted.apiKey or wanted.jwt) == true }
      end
      mismatch = true
    end
  end
  if mismatch then return { code = 'identity_mismatch' } end
  if leaves.basic and leaves.basic.wait then return { code = 'too_many_failures', wait = leaves.basic.wait } end
  if besideHolds(call, false) then return { code = 'invalid_credentials', reason = firstReason(leaves) } end
  return { code = besideHolds(call, true) and 'address_denied' or 'certificate_required', reason = firstReason(leaves) }
end

-- { role, rate, concurrent } of who was identified, or nil.
function M.record(call, who)
  if not who.role then return clientRecord(call, who.client) end
  local limits = call.pol.jwt.limits[who.role]
  return limits and { role = who.role, rate = limits.rate, concurrent = tonumber(limits.concurrent) } or nil
end

return M
