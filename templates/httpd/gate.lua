--[[
The gate: what decide() says, for httpd. It reads policy.json and the look-ups beside it, and nothing else decides.
Written for Lua 5.2 (the official image) and 5.3 (Debian).

  quick     steps 2-8 for https, before httpd itself looks at the path; lets through by setting GW_OK, or answers
  plain     port 80: a redirect, or a refusal
  release   when a request is over: gives its slots back
]]
require 'apache2'

local here = debug.getinfo(1, 'S').source:match('^@(.*/)')
package.path = here .. '?.lua;' .. package.path

local addresses = require 'addresses'
local answers = require 'answers'
local counters = require 'counters'
local identity = require 'identity'
local lookups = require 'lookups'
local request = require 'request'
local upstream = require 'upstream'
local wellformed = require 'wellformed'

local function enterSlots(call, client, record)
  local r, mine = call.r, nil
  if record.concurrent then
    mine = counters.enter(r, here .. 'run/slots/' .. client, record.concurrent)
    if not mine then return { code = 'too_many_concurrent', wait = 1 } end
    r.notes['gw_slot_client'] = mine
  end
  local all = counters.enter(r, here .. 'run/slots/+all', call.pol.limits.concurrent)
  if not all then return { code = 'overloaded' } end
  r.notes['gw_slot_all'] = all
  return nil
end

local function limits(call, client, record)
  local r, sent = call.r, call.sent
  for encoding in ((sent['content-encoding'] or 'identity') .. ', '):gmatch('(.-), ') do
    if encoding:match('^%s*(.-)%s*$'):lower() ~= 'identity' then return { code = 'unsupported_encoding' } end
  end
  if tonumber(sent['content-length'] or '0') > call.pol.limits.body then return { code = 'body_too_large', reason = 'known_length' } end
  -- httpd would hand a body of unknown length on while it comes, and could not stop it at the limit.
  if sent['transfer-encoding'] then return { code = 'length_required' } end
  local count, seconds = record.rate:match('^(%d+)-(%d+)$')
  if count then
    local wait = counters.take(r, here .. 'run/rates/' .. client, tonumber(count), tonumber(seconds))
    if wait then return { code = 'rate_limited', wait = wait } end
  end
  return enterSlots(call, client, record)
end

-- Nil for a request that passes, else { code, reason, wait } or { preflight }, and what the policy says of the path.
local function decide(call)
  local pol, env = call.pol, call.r.subprocess_env
  if call.normal then env['GW_PATH'] = call.target.path:sub(1, 200) end
  local code, reason = wellformed.check(call)
  if code then return { code = code, reason = reason } end

  local known = request.pathPolicy(pol, call.target.path)
  if wellformed.isPreflight(call, known) then return { preflight = true }, known end
  if not known then return { code = 'not_found' } end
  local route = known.methods[call.method]
  if not route then return { code = 'method_not_allowed' }, known end
  env['GW_ROUTE'] = route.route

  local who = identity.identify(call)
  if who.code then return who end
  local record = identity.record(call, who)
  if not record and not who.role then return { code = 'policy_unavailable', reason = 'unknown_client' } end
  env['GW_CLIENT'], env['GW_ROLE'] = who.client, record and record.role or ''

  if (not who.header or route.websocket) and request.foreignOrigin(call) then return { code = 'origin_denied' } end
  if not record then return { code = 'route_denied', reason = 'unknown_role' } end
  if not pol.roles[record.role][route.route] then return { code = 'route_denied' } end
  if route.websocket and not request.wantsWebsocket(call) then return { code = 'upgrade_required' } end

  local refused = limits(call, who.client, record)
  if refused then return refused end
  upstream.setHeaders(call, who.client, record.role, route.websocket)
  return nil
end

-- The request, or nil and why it cannot be judged; what every answer carries is set in either case.
local function begin(r)
  local ok, call = pcall(function() return request.read(r, lookups.currentPolicy(r)) end)
  local id = answers.requestId(ok and call or nil)
  r.subprocess_env['GW_ID'] = id
  if not ok then return nil, id, call end
  call.id = id
  return call, id
end

function quick(r)
  local env = r.subprocess_env
  if env['REDIRECT_GW_OK'] then return answers.upstreamFailed(r) end
  local call, id, fault = begin(r)
  answers.commonHeaders(r, call, id)
  if not call then return answers.unavailable(r, fault) end
  env['GW_CALLER'] = addresses.text(request.caller(call) or '')
  local ok, refused, known = pcall(decide, call)
  if not ok then return answers.unavailable(r, refused) end
  if not refused then
    env['GW_OK'] = '1'
    return apache2.DECLINED
  end
  if refused.preflight then return answers.preflight(call, known) end
  return answers.refuse(call, refused, known)
end

-- Port 80: where to, for a request that carries no secret and has a safe target.
function plain(r)
  local call, id, fault = begin(r)
  r.err_headers_out['X-Request-Id'] = id
  r.err_headers_out['X-Content-Type-Options'] = 'nosniff'
  if not call then return answers.unavailable(r, fault) end
  local pol, target, method = call.pol, call.target, call.method
  if target and target.path:find('/.well-known/acme-challenge/', 1, true) == 1 then
    return answers.answer(r, 404, pol.bodies.not_found)
  end
  local safe = (method == 'GET' or method == 'HEAD')
    and target
    and not call.raw:find('[%c ]')
    and not request.hasForbiddenParameter(pol, target.query)
  for _, name in ipairs(pol.secretHeaders) do
    if call.sent[name] then safe = false end
  end
  if not safe then return answers.refuse(call, { code = 'https_required' }) end
  r.err_headers_out['Location'] = 'https://'
    .. (request.listedHost(call) or pol.firstHost)
    .. (pol.https == 443 and '' or ':' .. string.format('%d', pol.https))
    .. target.path
    .. (target.query and '?' .. target.query or '')
  return answers.answer(r, 308, '')
end

function release(r)
  local notes = r.notes
  for _, name in ipairs({ 'gw_slot_all', 'gw_slot_client' }) do
    if notes[name] then counters.leave(notes[name]) end
  end
  return apache2.OK
end
