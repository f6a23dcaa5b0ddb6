-- Tokens (RFC 7519): the claims first, the signature last; a caller learns nothing from which of them it was.
local json = require 'json'
local M = {}

local function jsonPart(r, part)
  if #part % 4 == 1 then return nil end
  local text = r:base64_decode(part:gsub('-', '+'):gsub('_', '/') .. string.rep('=', -#part % 4))
  local ok, value = pcall(json.decode, text)
  -- A list is a table too; only an object has names, and an empty one is no list of anything.
  if not ok or type(value) ~= 'table' or value == json.null or not text:match('^%s*{') then return nil end
  return value
end

local function hasAudience(claim, wanted)
  if type(claim) ~= 'table' then return claim == wanted end
  for _, one in ipairs(claim) do
    if one == wanted then return true end
  end
  return false
end

local function claimsReason(r, jwt, claims)
  local now = r:clock() / 1000000
  if type(claims.exp) ~= 'number' or now >= claims.exp + jwt.leeway then return 'token_expired' end
  if claims.nbf ~= nil and (type(claims.nbf) ~= 'number' or now < claims.nbf - jwt.leeway) then return 'token_early' end
  if claims.iss ~= jwt.issuer then return 'token_issuer' end
  if not hasAudience(claims.aud, jwt.audience) then return 'token_audience' end
  if type(claims[jwt.client]) ~= 'string' then return 'token_subject' end
  return nil
end

-- The first of a list that is a role, a text as it is, or the role of whoever brings none; '' is nobody's.
local function roleOf(jwt, claims)
  local claim = jwt.roles ~= '' and claims[jwt.roles] or nil
  if claim == nil then return jwt.role end
  if type(claim) == 'string' then return claim end
  if type(claim) == 'table' then
    for _, one in ipairs(claim) do
      if type(one) == 'string' and jwt.limits[one] then return one end
    end
  end
  return ''
end

-- { subject, role } or { reason }. `signatureHolds(r, index, token)` asks about one key of the policy, counted from 0.
function M.check(r, jwt, token, signatureHolds)
  local head, body, signature = token:match('^([^.]+)%.([^.]+)%.([^.]+)$')
  local header, claims = jsonPart(r, head), jsonPart(r, body)
  if not header or not claims or #signature % 4 == 1 then return { reason = 'token_form' } end
  if header.crit ~= nil then return { reason = 'token_crit' } end
  if type(header.alg) ~= 'string' then return { reason = 'token_algorithm' } end
  if header.kid ~= nil and type(header.kid) ~= 'string' then return { reason = 'token_key' } end
  local candidates = {}
  for i, key in ipairs(jwt.keys) do
    if key.alg == header.alg and (header.kid == nil or key.kid == '' or key.kid == header.kid) then candidates[#candidates + 1] = i - 1 end
  end
  if #candidates == 0 then return { reason = 'token_key' } end
  local reason = claimsReason(r, jwt, claims)
  if reason then return { reason = reason } end
  for _, index in ipairs(candidates) do
    if signatureHolds(r, index, token) then return { subject = claims[jwt.client], role = roleOf(jwt, claims) } end
  end
  return { reason = 'token_signature' }
end

return M
