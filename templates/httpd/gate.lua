--[[
The gate: what decide() says, for httpd. It reads policy.json and the look-ups beside it, and nothing else decides.
Written for Lua 5.2 (the official image) and 5.3 (Debian).

  quick     steps 2-8 for https, before httpd itself looks at the path; lets through by setting GW_OK, or answers
  plain     port 80: a redirect, or a refusal
  release   when a request is over: gives its slots back
]]
require 'apache2'

local here = debug.getinfo(1, 'S').source:match('^@(.*/)')
local sha256 = dofile(here .. 'sha256.lua')
local addresses = dofile(here .. 'addresses.lua')
local counters = dofile(here .. 'counters.lua')
local lookups = dofile(here .. 'lookups.lua')
local tokens = dofile(here .. 'token.lua')

local REMEMBERED_SECONDS = 60

-- ---- the request as it came ----------------------------------------------------------------------------------------

-- httpd joins the lines of a repeated header with ", ".
local function repeated(r, name)
  local value = r.headers_in[name]
  return value ~= nil and value:find(', ', 1, true) ~= nil
end

local function requestLine(r)
  local method, rest = (r.the_request or ''):match('^(%S*) (.*)$')
  if not method then return '', '' end
  return method, (rest:gsub(' HTTP/[%d.]+$', ''))
end

local function splitTarget(raw)
  local scheme, authority, rest = raw:match('^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]*)(.*)$')
  if not scheme then rest = raw end
  if scheme and rest:sub(1, 1) ~= '/' then rest = '/' .. rest end
  if rest:sub(1, 1) ~= '/' then return nil end
  local path, query = rest:match('^([^?]*)%?(.*)$')
  return { path = path or rest, query = query, authority = authority }
end

local function authorityOf(r, target)
  if target and target.authority then return target.authority end
  return r.headers_in['Host'] or ''
end

local function listedHost(pol, authority)
  local host, port = authority:match('^(%[[%x:.]+%])(.*)$')
  if not host then
    host, port = authority:match('^([^:@%[%]]*)(.*)$')
  end
  if not host or not port:match('^:?%d*$') then return nil end
  host = host:lower()
  return pol.hosts[host] and host or nil
end

local function pathPolicy(pol, path)
  local exact = pol.paths[path]
  if exact then return exact end
  for _, p in ipairs(pol.patterns) do
    if #path > #p.head + #p.tail and path:sub(1, #p.head) == p.head and path:sub(-#p.tail - 1):sub(2) == p.tail then
      local id = path:sub(#p.head + 1, #path - #p.tail)
      if #id <= 128 and id:match('^[A-Za-z0-9_-]+$') then return p end
    end
  end
  return nil
end

-- ---- steps 2 to 4 --------------------------------------------------------------------------------------------------

local function isNormal(target)
  local path = target.path
  if path:find('[%c \\#]') or (target.query and target.query:find('[%c #]')) then return false end
  if path:find('//', 1, true) or path:find('/%.%.?/') or path:find('/%.%.?$') then return false end
  for code in path:gmatch('%%(.?.?)') do
    if not code:match('^%x%x$') then return false end
    local char = string.char(tonumber(code, 16))
    if char == '\0' or char:match('[A-Za-z0-9._~/\\-]') then return false end
  end
  return true
end

local function hasForbiddenParameter(pol, query)
  if not query then return false end
  for pair in (query .. '&'):gmatch('([^&]*)&') do
    local name = pair:match('^[^=]*'):gsub('%%(%x%x)', function(code) return string.char(tonumber(code, 16)) end)
    if pol.forbiddenParameters[name:lower()] then return true end
  end
  return false
end

local function connectionIsPlain(r, pol, path)
  local connection = r.headers_in['Connection']
  if not connection then return true end
  local known = pathPolicy(pol, path)
  local websocket = known and known.methods.GET and known.methods.GET.websocket and (r.headers_in['Upgrade'] or ''):lower() == 'websocket'
  for option in (connection .. ','):gmatch('([^,]*),') do
    option = option:match('^%s*(.-)%s*$'):lower()
    if option ~= 'close' and option ~= 'keep-alive' and option ~= 'te' and not (option == 'upgrade' and websocket) then return false end
  end
  return true
end

local function authorization(r)
  local scheme, token = (r.headers_in['Authorization'] or ''):match('^(%a+) ([A-Za-z0-9._~+/=-]+)$')
  if not scheme or #token > 8192 then return nil end
  return { scheme = scheme:lower(), token = token }
end

local function isJwtShaped(pol, token)
  return pol.methods.jwt ~= nil and token:match('^[A-Za-z0-9_-]+%.[A-Za-z0-9_-]+%.[A-Za-z0-9_-]+$') ~= nil
end

local function presentedKeys(r, pol)
  local keys = {}
  for _, name in ipairs(pol.keyHeaders) do
    if name == 'authorization' then
      local a = authorization(r)
      if a and a.scheme == 'bearer' and not isJwtShaped(pol, a.token) then keys[#keys + 1] = a.token end
    elseif r.headers_in[name] then
      keys[#keys + 1] = r.headers_in[name]
    end
  end
  return keys
end

local function malformed(r, pol, method, raw, target)
  if not method:match('^[A-Z_-]+$') then return 'bad_request', 'method_form' end
  for _, name in ipairs(pol.singleHeaders) do
    if repeated(r, name) then return 'bad_request', 'repeated_header' end
  end
  if #raw > pol.limits.target then return 'uri_too_long', 'target_length' end
  local lines, bytes = 0, 0
  for name, value in pairs(r:headers_in_table()) do
    lines = lines + 1
    bytes = bytes + #name + #value + 4
  end
  if lines > pol.limits.headerLines then return 'headers_too_large', 'header_lines' end
  if bytes > pol.limits.headerBytes then return 'headers_too_large', 'header_bytes' end
  if not target or not isNormal(target) then return 'bad_request', 'path_form' end
  if not listedHost(pol, authorityOf(r, target)) then return 'unknown_host', 'host' end
  local keys = presentedKeys(r, pol)
  for i = 2, #keys do
    if keys[i] ~= keys[1] then return 'ambiguous_credentials', 'two_keys' end
  end
  if not connectionIsPlain(r, pol, target.path) then return 'bad_request', 'connection' end
  if hasForbiddenParameter(pol, target.query) then return 'bad_request', 'secret_in_query' end
  return nil
end

local function isPreflight(r, pol, method, known)
  local origin, wanted = r.headers_in['Origin'], r.headers_in['Access-Control-Request-Method']
  if method ~= 'OPTIONS' or not origin or not wanted or not known then return false end
  return pol.cors[origin] ~= nil and known.methods[wanted] ~= nil
end

-- The caller behind trusted proxies, or nil when it cannot be known.
local function callerOf(r, pol)
  local peer = r.useragent_ip
  local hex = addresses.hex(peer)
  if not hex then return nil end
  local forwarded = r.headers_in['X-Forwarded-For']
  if not forwarded or not addresses.inRanges(pol.trusted, hex) then return peer end
  local entries = {}
  for entry in (forwarded .. ','):gmatch('([^,]*),') do entries[#entries + 1] = entry:match('^%s*(.-)%s*$') end
  local last = peer
  for i = #entries, 1, -1 do
    last = addresses.stripPort(entries[i])
    local entryHex = addresses.hex(last)
    if not entryHex then return nil end
    if not addresses.inRanges(pol.trusted, entryHex) then return last end
  end
  return last
end

-- ---- step 5: who is it ---------------------------------------------------------------------------------------------

local function no(reason) return { holds = false, reason = reason } end

local function askAddress(r, pol)
  local address = callerOf(r, pol)
  local hex = address and addresses.hex(address)
  return hex and addresses.inRanges(pol.allow, hex) and { holds = true } or no('address')
end

local function askCertificate(r, pol)
  if r:ssl_var_lookup('SSL_CLIENT_VERIFY') ~= 'SUCCESS' then return no('absent') end
  -- TLS trusts one CA, ours, and it uses a serial once.
  local client = lookups.find(pol, 'certificates.txt', r:ssl_var_lookup('SSL_CLIENT_M_SERIAL'))
  return client and { holds = true, client = client } or no('unknown_certificate')
end

local function askKey(r, pol)
  local key = presentedKeys(r, pol)[1]
  if not key then return no('absent') end
  if #key < pol.limits.key.min or #key > pol.limits.key.max then return no('key_length') end
  local client, expires = (lookups.find(pol, 'api-keys.txt', sha256(key)) or ''):match('^(%S+) (%d+)$')
  if not client then return no('unknown_key') end
  if expires ~= '0' and tonumber(expires) <= r:clock() / 1000000 then return no('expired_key') end
  return { holds = true, client = client }
end

local function clientRecord(pol, name)
  if #name > 63 or not name:match('^[a-z0-9][a-z0-9._-]*$') then return nil end
  local role, rate, concurrent = (lookups.find(pol, 'clients.txt', name) or ''):match('^(%S+) (%S+) (%S+)$')
  return role and { role = role, rate = rate, concurrent = tonumber(concurrent) } or nil
end

local function recordOf(pol, who)
  if not who.role then return clientRecord(pol, who.client) end
  local limits = pol.jwt.limits[who.role]
  return limits and { role = who.role, rate = limits.rate, concurrent = tonumber(limits.concurrent) } or nil
end

local function isRemembered(r, file)
  local expires = lookups.readFile(file)
  return expires ~= nil and tonumber(expires) ~= nil and tonumber(expires) > r:clock()
end

-- Asks mod_auth_basic, which knows bcrypt. The attempt counts before the hash is computed, and not at all when it was right.
local function checkPassword(r, pol, token, bucket, memory)
  local f = pol.failures
  local wait = counters.take(r, bucket, f.count, f.seconds)
  if wait then return wait end
  local sent = r.headers_in['Authorization']
  r.headers_in['Authorization'] = 'Basic ' .. token
  local ok, right = pcall(function() return r:expr("-U '/_gw/basic'") end)
  r.headers_in['Authorization'] = sent
  if not ok then error('the password check failed', 0) end
  if right then
    counters.refund(r, bucket, f.count, f.seconds)
    local file = memory and io.open(memory .. '.new', 'wb')
    if file then
      file:write(string.format('%.0f', r:clock() + REMEMBERED_SECONDS * 1000000))
      file:close()
      os.rename(memory .. '.new', memory)
    end
  end
  return right
end

local function askPassword(r, pol)
  local a = authorization(r)
  if not a or a.scheme ~= 'basic' then return no('absent') end
  if #a.token % 4 ~= 0 or not a.token:match('^[A-Za-z0-9+/]*=?=?$') then return no('basic_form') end
  local name, password = r:base64_decode(a.token):match('^([^:]*):(.*)$')
  if not name then return no('basic_form') end
  if password == '' or #password > pol.limits.password then return no('password_length') end
  local known = clientRecord(pol, name) ~= nil
  local hex = addresses.hex(callerOf(r, pol) or r.useragent_ip) or ''
  local counted = (hex:sub(1, 24) == addresses.MAPPED and hex or hex:sub(1, 16)) .. '-' .. (known and name or '+')
  local bucket = here .. 'run/failures/' .. counted
  if not known then
    -- An entry that nobody knows the password of: it takes as long as a known one.
    local wait = checkPassword(r, pol, r:base64_encode('-:' .. password), bucket, nil)
    return type(wait) == 'number' and { holds = false, reason = 'too_many_failures', wait = wait } or no('unknown_user')
  end
  local secret = lookups.private(pol, 'passwords/remember.secret')
  if not secret or #secret < 32 then error('passwords/remember.secret is not there', 0) end
  local memory = here .. 'run/remembered/' .. sha256(secret .. counted .. ' ' .. a.token)
  -- Many at once with the same password cost one hash: the first asks, the others wait for what it finds.
  for _ = 1, 1000 do
    if isRemembered(r, memory) then return { holds = true, client = name } end
    if r:mkdir(memory .. '.asking') then break end
    local asking = r:stat(memory .. '.asking')
    if asking and r:clock() - asking.mtime > 5000000 then os.remove(memory .. '.asking') end
    r.usleep(5000)
  end
  local ok, result = pcall(checkPassword, r, pol, a.token, bucket, memory)
  os.remove(memory .. '.asking')
  if not ok then error(result, 0) end
  if type(result) == 'number' then return { holds = false, reason = 'too_many_failures', wait = result } end
  return result and { holds = true, client = name } or no('wrong_password')
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

local function askToken(r, pol)
  local a = authorization(r)
  if not a or a.scheme ~= 'bearer' or not isJwtShaped(pol, a.token) then return no('absent') end
  local result = tokens.check(r, pol.jwt, a.token, signatureHolds)
  if result.reason then return no(result.reason) end
  local mapped = pol.jwt.subjects[result.subject]
  if mapped then return { holds = true, client = mapped } end
  local name = 'jwt:' .. result.subject
  if #name > 128 or not result.subject:match('^[A-Za-z0-9@._:+-]+$') then return no('subject_form') end
  return { holds = true, client = name, role = result.role }
end

local ASK = { ip = askAddress, mtls = askCertificate, apiKey = askKey, jwt = askToken, basic = askPassword }
local ORDER = { 'ip', 'mtls', 'apiKey', 'jwt', 'basic' }

local function ask(r, pol, leaves, method)
  if not leaves[method] then leaves[method] = ASK[method](r, pol) end
  return leaves[method]
end

-- Whether some alternative would hold if every header credential did (and every address, if `anywhere`).
local function besideHolds(r, pol, leaves, anywhere)
  for _, methods in ipairs(pol.beside) do
    local all = true
    for _, method in ipairs(methods) do
      if not (ask(r, pol, leaves, method).holds or (anywhere and method == 'ip')) then all = false end
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

-- { client, header } or { code, reason, wait }.
local function identify(r, pol)
  local leaves, mismatch = {}, false
  for _, branch in ipairs(pol.branches) do
    local wanted = {}
    for _, method in ipairs(branch) do wanted[method] = true end
    local holds, client, same = true, nil, true
    for _, method in ipairs(ORDER) do
      if wanted[method] and holds then
        local leaf = ask(r, pol, leaves, method)
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
  if besideHolds(r, pol, leaves, false) then return { code = 'invalid_credentials', reason = firstReason(leaves) } end
  return { code = besideHolds(r, pol, leaves, true) and 'address_denied' or 'certificate_required', reason = firstReason(leaves) }
end

-- ---- answers -------------------------------------------------------------------------------------------------------

local function requestId(r, pol)
  local hex = addresses.hex(r.useragent_ip)
  local id = r.headers_in['X-Request-Id']
  if pol and id and hex and addresses.inRanges(pol.trusted, hex) and #id >= 8 and #id <= 64 and id:match('^[A-Za-z0-9_-]+$') then return id end
  local random = io.open('/dev/urandom', 'rb')
  local bytes = random:read(16)
  random:close()
  return (bytes:gsub('.', function(c) return string.format('%02x', c:byte()) end))
end

-- Headers of every answer. What is set here replaces the upstream's.
local function commonHeaders(r, pol)
  local headers = r.err_headers_out
  headers['X-Request-Id'] = r.subprocess_env['GW_ID']
  headers['Strict-Transport-Security'] = 'max-age=31536000'
  headers['X-Content-Type-Options'] = 'nosniff'
  if not pol or next(pol.cors) == nil then return end
  headers['Vary'] = 'Origin'
  local origin = r.headers_in['Origin']
  if origin and pol.cors[origin] then
    headers['Access-Control-Allow-Origin'] = origin
    headers['Access-Control-Expose-Headers'] = 'X-Request-Id, Retry-After'
  end
end

-- Answers at once. A body that was announced is not waited for: it counts as none, and the connection ends.
local function answer(r, status, body)
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

local function challenges(r, pol)
  if pol.methods.apiKey or pol.methods.jwt then
    local a = authorization(r)
    local came = (a and a.scheme == 'bearer') or #presentedKeys(r, pol) > 0
    r.err_headers_out['WWW-Authenticate'] = 'Bearer realm="gatewright"' .. (came and ', error="invalid_token"' or '')
  end
  -- The other of httpd's two tables: a table of Lua's cannot hold a header twice.
  if pol.methods.basic then r.headers_out['WWW-Authenticate'] = 'Basic realm="gatewright", charset="UTF-8"' end
end

local function refuse(r, pol, refused, known)
  r.subprocess_env['GW_CODE'] = refused.code
  r.subprocess_env['GW_REASON'] = refused.reason or refused.code
  if refused.wait then r.err_headers_out['Retry-After'] = string.format('%d', refused.wait) end
  if refused.code == 'method_not_allowed' then r.err_headers_out['Allow'] = known.allow end
  if refused.code == 'invalid_credentials' then challenges(r, pol) end
  return answer(r, pol.statuses[refused.code], pol.bodies[refused.code])
end

local function preflight(r, known)
  local headers = r.err_headers_out
  r.subprocess_env['GW_CODE'] = 'preflight'
  headers['Access-Control-Allow-Methods'] = known.allow
  headers['Access-Control-Max-Age'] = '600'
  local names, all = {}, true
  for name in ((r.headers_in['Access-Control-Request-Headers'] or '') .. ','):gmatch('([^,]*),') do
    name = name:match('^%s*(.-)%s*$')
    if #name > 64 or not name:match('^[A-Za-z0-9-]+$') then all = false end
    names[#names + 1] = name
  end
  if all and #names <= 64 then headers['Access-Control-Allow-Headers'] = table.concat(names, ', ') end
  return answer(r, 204, '')
end

-- ---- steps 5 to 8 --------------------------------------------------------------------------------------------------

local function wantsWebsocket(r)
  if (r.headers_in['Upgrade'] or ''):lower() ~= 'websocket' then return false end
  return (',' .. (r.headers_in['Connection'] or ''):lower():gsub('%s', '') .. ','):find(',upgrade,', 1, true) ~= nil
end

local function foreignOrigin(r, pol, target)
  local origin = r.headers_in['Origin']
  if not origin or pol.cors[origin] then return false end
  return origin:lower() ~= 'https://' .. authorityOf(r, target):lower():gsub(':443$', '')
end

local function enterSlots(r, client, record, pol)
  local mine = record.concurrent and counters.enter(r, here .. 'run/slots/' .. client, record.concurrent)
  if record.concurrent and not mine then return { code = 'too_many_concurrent', wait = 1 } end
  r.notes['gw_slot_client'] = mine or ''
  local all = counters.enter(r, here .. 'run/slots/+all', pol.limits.concurrent)
  if not all then return { code = 'overloaded' } end
  r.notes['gw_slot_all'] = all
  return nil
end

local function limits(r, pol, client, record)
  for encoding in ((r.headers_in['Content-Encoding'] or 'identity') .. ', '):gmatch('(.-), ') do
    if encoding:match('^%s*(.-)%s*$'):lower() ~= 'identity' then return { code = 'unsupported_encoding' } end
  end
  if tonumber(r.headers_in['Content-Length'] or '0') > pol.limits.body then
    return { code = 'body_too_large', reason = 'known_length' }
  end
  -- httpd would hand a body of unknown length on while it comes, and could not stop it at the limit.
  if r.headers_in['Transfer-Encoding'] then return { code = 'length_required' } end
  local count, seconds = record.rate:match('^(%d+)-(%d+)$')
  if count then
    local wait = counters.take(r, here .. 'run/rates/' .. client, tonumber(count), tonumber(seconds))
    if wait then return { code = 'rate_limited', wait = wait } end
  end
  return enterSlots(r, client, record, pol)
end

-- What goes upstream: nothing of the caller's that is not on the list, and ours in place of what it claimed.
local function upstreamHeaders(r, pol, client, role, websocket)
  local passed = {}
  for _, name in ipairs(pol.passedHeaders) do passed[name] = true end
  if websocket then
    for _, name in ipairs(pol.websocketHeaders) do passed[name] = true end
    passed['upgrade'], passed['connection'] = true, true
  end
  local caller = callerOf(r, pol)
  for name, value in pairs(r:headers_in_table()) do
    local lower = name:lower()
    if (not passed[lower] and lower ~= 'host') or value == '' then r.headers_in[name] = nil end
  end
  local model = pol.models[1]
  if model.key then
    local key = (lookups.private(pol, 'upstream/' .. model.id .. '.key') or ''):match('^%s*(.-)%s*$')
    if not key:match('^[!-~]+$') or #key > 512 then error('the upstream key is not one line of text', 0) end
    r.headers_in['Authorization'] = 'Bearer ' .. key
  end
  r.headers_in['X-Gatewright-Client'] = client
  r.headers_in['X-Gatewright-Role'] = role
  r.headers_in['X-Request-Id'] = r.subprocess_env['GW_ID']
  r.headers_in['X-Forwarded-For'] = caller and addresses.text(caller) or nil
  r.headers_in['X-Forwarded-Proto'] = 'https'
end

local function decide(r, pol)
  local method, raw = requestLine(r)
  local target = splitTarget(raw)
  local env = r.subprocess_env
  if target and isNormal(target) then env['GW_PATH'] = target.path:sub(1, 200) end
  local code, reason = malformed(r, pol, method, raw, target)
  if code then return { code = code, reason = reason } end

  local known = pathPolicy(pol, target.path)
  if isPreflight(r, pol, method, known) then return { preflight = true }, known end
  if not known then return { code = 'not_found' } end
  local route = known.methods[method]
  if not route then return { code = 'method_not_allowed' }, known end
  env['GW_ROUTE'] = route.route

  local who = identify(r, pol)
  if who.code then return who end
  local record = recordOf(pol, who)
  if not record and not who.role then return { code = 'policy_unavailable', reason = 'unknown_client' } end
  env['GW_CLIENT'], env['GW_ROLE'] = who.client, record and record.role or ''

  if (not who.header or route.websocket) and foreignOrigin(r, pol, target) then return { code = 'origin_denied' } end
  if not record then return { code = 'route_denied', reason = 'unknown_role' } end
  if not pol.roles[record.role][route.route] then return { code = 'route_denied' } end
  if route.websocket and not wantsWebsocket(r) then return { code = 'upgrade_required' } end

  local refused = limits(r, pol, who.client, record)
  if refused then return refused end
  upstreamHeaders(r, pol, who.client, record.role, route.websocket)
  return nil
end

local function unavailable(r, fault)
  r.subprocess_env['GW_CODE'] = 'policy_unavailable'
  r.subprocess_env['GW_REASON'] = 'gate_error'
  r.subprocess_env['GW_FAULT'] = tostring(fault):gsub('[%c"\\]', ' ')
  return answer(r, 503, UNAVAILABLE)
end

-- The proxy could not reach the upstream: httpd comes back with its own status, as an internal redirect.
local function upstreamFailed(r)
  local code = (r.args or ''):match('^timeout=1') and 'upstream_timeout' or 'upstream_unreachable'
  local pol = lookups.currentPolicy(r)
  r.subprocess_env['GW_CODE'], r.subprocess_env['GW_REASON'] = code, code
  return answer(r, pol.statuses[code], pol.bodies[code])
end

function quick(r)
  local env = r.subprocess_env
  if env['REDIRECT_GW_OK'] then return upstreamFailed(r) end
  local loaded, pol = pcall(lookups.currentPolicy, r)
  env['GW_ID'] = requestId(r, loaded and pol or nil)
  commonHeaders(r, loaded and pol or nil)
  if not loaded then return unavailable(r, pol) end
  env['GW_CALLER'] = addresses.text(callerOf(r, pol) or '')
  local ok, refused, known = pcall(decide, r, pol)
  if not ok then return unavailable(r, refused) end
  if not refused then
    env['GW_OK'] = '1'
    return apache2.DECLINED
  end
  if refused.preflight then return preflight(r, known) end
  return refuse(r, pol, refused, known)
end

-- Port 80: where to, for a request that carries no secret and has a safe target.
function plain(r)
  local loaded, pol = pcall(lookups.currentPolicy, r)
  r.subprocess_env['GW_ID'] = requestId(r, loaded and pol or nil)
  r.err_headers_out['X-Request-Id'] = r.subprocess_env['GW_ID']
  r.err_headers_out['X-Content-Type-Options'] = 'nosniff'
  if not loaded then return unavailable(r, pol) end
  local method, raw = requestLine(r)
  local target = splitTarget(raw)
  if target and target.path:find('/.well-known/acme-challenge/', 1, true) == 1 then return answer(r, 404, pol.bodies.not_found) end
  local safe = (method == 'GET' or method == 'HEAD') and target and not raw:find('[%c ]') and not hasForbiddenParameter(pol, target.query)
  for _, name in ipairs(pol.secretHeaders) do
    if r.headers_in[name] then safe = false end
  end
  if not safe then return refuse(r, pol, { code = 'https_required' }) end
  local host = listedHost(pol, authorityOf(r, target)) or pol.firstHost
  r.err_headers_out['Location'] = 'https://'
    .. host
    .. (pol.https == 443 and '' or ':' .. string.format('%d', pol.https))
    .. target.path
    .. (target.query and '?' .. target.query or '')
  return answer(r, 308, '')
end

function release(r)
  for _, name in ipairs({ 'gw_slot_all', 'gw_slot_client' }) do
    local slot = r.notes[name]
    if slot and slot ~= '' then counters.leave(slot) end
  end
  return apache2.OK
end
