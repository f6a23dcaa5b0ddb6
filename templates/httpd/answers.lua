-- What the gate itself says, and the headers of every answer.
local addresses = require 'addresses'
local lookups = require 'lookups'
local request = require 'request'
local M = {}

-- Stays open, and what is read ahead is for this interpreter alone.
local random = assert(io.open('/dev/urandom', 'rb'))
local HEX = ('%02x'):rep(16)

-- The caller's own from a trusted proxy, else a new one. `call` is nil where there is no policy.
function M.requestId(call)
  local id = call and call.sent['x-request-id']
  if id and #id >= 8 and #id <= 64 and id:match('^[A-Za-z0-9_-]+$') then
    local hex = addresses.hex(call.r.useragent_ip)
    if hex and addresses.inRanges(call.pol.trusted, hex) then return id end
  end
  return HEX:format(random:read(16):byte(1, 16))
end

-- What is set here replaces the upstream's.
function M.commonHeaders(r, call, id)
  local headers = r.err_headers_out
  headers['X-Request-Id'] = id
  headers['Strict-Transport-Security'] = 'max-age=31536000'
  headers['X-Content-Type-Options'] = 'nosniff'
  if not call or next(call.pol.cors) == nil then return end
  headers['Vary'] = 'Origin'
  local origin = call.sent['origin']
  if origin and call.pol.cors[origin] then
    headers['Access-Control-Allow-Origin'] = origin
    headers['Access-Control-Expose-Headers'] = 'X-Request-Id, Retry-After'
  end
end

-- Answers at once. A body that was announced is not waited for: it counts as none, and the connection ends.
function M.answer(r, status, body)
  if r.headers_in['Transfer-Encoding'] or (r.headers_in['Content-Length'] or '0') ~= '0' then
    r.headers_in['Transfer-Encoding'] = nil
    r.headers_in['Content-Length'] = nil
    r.headers_in['Connection'] = 'close'
    r.headers_out['Connection'] = 'close'
  end
  r.status = status
  if body ~= '' then
    r.content_type = 'application/json'
    r:puts(body)
  end
  return apache2.DONE
end

local UNAVAILABLE =
  '{"error":{"message":"The gateway cannot decide at the moment.","type":"api_error","param":null,"code":"policy_unavailable"}}'

-- There is no policy, or the gate failed; the log says why.
function M.unavailable(r, fault)
  r.subprocess_env['GW_CODE'] = 'policy_unavailable'
  r.subprocess_env['GW_REASON'] = 'gate_error'
  r.subprocess_env['GW_FAULT'] = tostring(fault):gsub('[%c"\\]', ' ')
  return M.answer(r, 503, UNAVAILABLE)
end

local function challenges(call)
  local r, pol = call.r, call.pol
  if pol.methods.apiKey or pol.methods.jwt then
    local a = request.authorization(call)
    local came = (a and a.scheme == 'bearer') or #request.keys(call) > 0
    r.err_headers_out['WWW-Authenticate'] = 'Bearer realm="gatewright"' .. (came and ', error="invalid_token"' or '')
  end
  -- The other of httpd's two tables: a table of Lua's cannot hold a header twice.
  if pol.methods.basic then r.headers_out['WWW-Authenticate'] = 'Basic realm="gatewright", charset="UTF-8"' end
end

-- `refused` is { code, reason, wait }.
function M.refuse(call, refused, known)
  local r, pol = call.r, call.pol
  r.subprocess_env['GW_CODE'] = refused.code
  r.subprocess_env['GW_REASON'] = refused.reason or refused.code
  if refused.wait then r.err_headers_out['Retry-After'] = string.format('%d', refused.wait) end
  if refused.code == 'method_not_allowed' then r.err_headers_out['Allow'] = known.allow end
  if refused.code == 'invalid_credentials' then challenges(call) end
  return M.answer(r, pol.statuses[refused.code], pol.bodies[refused.code])
end

function M.preflight(call, known)
  local r = call.r
  local headers = r.err_headers_out
  r.subprocess_env['GW_CODE'] = 'preflight'
  headers['Access-Control-Allow-Methods'] = known.allow
  headers['Access-Control-Max-Age'] = '600'
  local names, all = {}, true
  for name in ((call.sent['access-control-request-headers'] or '') .. ','):gmatch('([^,]*),') do
    name = name:match('^%s*(.-)%s*$')
    if #name > 64 or not name:match('^[A-Za-z0-9-]+$') then all = false end
    names[#names + 1] = name
  end
  if all and #names <= 64 then headers['Access-Control-Allow-Headers'] = table.concat(names, ', ') end
  return M.answer(r, 204, '')
end

-- The proxy could not reach the upstream: httpd comes back with its own status, as an internal redirect.
function M.upstreamFailed(r)
  local code = (r.args or ''):match('^timeout=1') and 'upstream_timeout' or 'upstream_unreachable'
  local pol = lookups.currentPolicy(r)
  r.subprocess_env['GW_CODE'], r.subprocess_env['GW_REASON'] = code, code
  return M.answer(r, pol.statuses[code], pol.bodies[code])
end

return M
