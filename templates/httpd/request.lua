--[[
One request on its way through the gate, as it came:

  r          httpd's own request
  pol        the policy
  sent       its headers, names in lower case; httpd joins the lines of a repeated one with ", "
  lines      how many there are, and `bytes`
  method     and `raw`, the target as it stands in the request line
  target     { path, query, authority }, or nil
  normal     whether the target is one that every program reads alike
  leaves     what is known of each method of the expression so far
]]
local addresses = require 'addresses'
local M = {}

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

function M.read(r, pol)
  local sent, lines, bytes = {}, 0, 0
  for name, value in pairs(r:headers_in_table()) do
    sent[name:lower()] = value
    lines = lines + 1
    bytes = bytes + #name + #value + 4
  end
  local method, raw = requestLine(r)
  local target = splitTarget(raw)
  return {
    r = r,
    pol = pol,
    sent = sent,
    lines = lines,
    bytes = bytes,
    method = method,
    raw = raw,
    target = target,
    normal = target ~= nil and isNormal(target),
    leaves = {},
  }
end

function M.authority(call)
  if call.target and call.target.authority then return call.target.authority end
  return call.sent['host'] or ''
end

-- The listed host that a request is for, or nil.
function M.listedHost(call)
  local authority = M.authority(call)
  local host, port = authority:match('^(%[[%x:.]+%])(.*)$')
  if not host then
    host, port = authority:match('^([^:@%[%]]*)(.*)$')
  end
  if not host or not port:match('^:?%d*$') then return nil end
  host = host:lower()
  return call.pol.hosts[host] and host or nil
end

-- What the policy grants somebody on a path, or nil.
function M.pathPolicy(pol, path)
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

function M.hasForbiddenParameter(pol, query)
  if not query then return false end
  for pair in (query .. '&'):gmatch('([^&]*)&') do
    local name = pair:match('^[^=]*'):gsub('%%(%x%x)', function(code) return string.char(tonumber(code, 16)) end)
    if pol.forbiddenParameters[name:lower()] then return true end
  end
  return false
end

-- { scheme, token }, or nil where there is none or it has another form.
function M.authorization(call)
  local value = call.sent['authorization']
  if not value then return nil end
  if call.shown == nil then
    local scheme, token = value:match('^(%a+) ([A-Za-z0-9._~+/=-]+)$')
    call.shown = scheme and #token <= 8192 and { scheme = scheme:lower(), token = token }
  end
  return call.shown or nil
end

function M.isJwtShaped(pol, token)
  return pol.methods.jwt ~= nil and token:match('^[A-Za-z0-9_-]+%.[A-Za-z0-9_-]+%.[A-Za-z0-9_-]+$') ~= nil
end

-- The API keys that a caller shows, in the order of the policy's headers.
function M.keys(call)
  if call.keys then return call.keys end
  local keys = {}
  for _, name in ipairs(call.pol.keyHeaders) do
    if name == 'authorization' then
      local a = M.authorization(call)
      if a and a.scheme == 'bearer' and not M.isJwtShaped(call.pol, a.token) then keys[#keys + 1] = a.token end
    elseif call.sent[name] then
      keys[#keys + 1] = call.sent[name]
    end
  end
  call.keys = keys
  return keys
end

local function behindProxies(call)
  local peer = call.r.useragent_ip
  local hex = addresses.hex(peer)
  if not hex then return nil end
  local forwarded = call.sent['x-forwarded-for']
  if not forwarded or not addresses.inRanges(call.pol.trusted, hex) then return peer end
  local entries = {}
  for entry in (forwarded .. ','):gmatch('([^,]*),') do entries[#entries + 1] = entry:match('^%s*(.-)%s*$') end
  local last = peer
  for i = #entries, 1, -1 do
    last = addresses.stripPort(entries[i])
    local entryHex = addresses.hex(last)
    if not entryHex then return nil end
    if not addresses.inRanges(call.pol.trusted, entryHex) then return last end
  end
  return last
end

-- The caller behind trusted proxies, or nil when it cannot be known.
function M.caller(call)
  if call.callerAddress == nil then call.callerAddress = behindProxies(call) or false end
  return call.callerAddress or nil
end

function M.wantsWebsocket(call)
  if (call.sent['upgrade'] or ''):lower() ~= 'websocket' then return false end
  return (',' .. (call.sent['connection'] or ''):lower():gsub('%s', '') .. ','):find(',upgrade,', 1, true) ~= nil
end

function M.foreignOrigin(call)
  local origin = call.sent['origin']
  if not origin or call.pol.cors[origin] then return false end
  return origin:lower() ~= 'https://' .. M.authority(call):lower():gsub(':443$', '')
end

return M
