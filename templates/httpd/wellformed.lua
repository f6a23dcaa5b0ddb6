-- Steps 2 to 4: what is refused whoever sends it.
local request = require 'request'
local M = {}

local function connectionIsPlain(call)
  local connection = call.sent['connection']
  if not connection then return true end
  local known = request.pathPolicy(call.pol, call.target.path)
  local websocket = known and known.methods.GET and known.methods.GET.websocket and (call.sent['upgrade'] or ''):lower() == 'websocket'
  for option in (connection .. ','):gmatch('([^,]*),') do
    option = option:match('^%s*(.-)%s*$'):lower()
    if option ~= 'close' and option ~= 'keep-alive' and option ~= 'te' and not (option == 'upgrade' and websocket) then return false end
  end
  return true
end

local function repeatsOne(call)
  for name, value in pairs(call.sent) do
    if call.pol.isSingle[name] and value:find(', ', 1, true) then return true end
  end
  return false
end

-- A code and a reason, or nil.
function M.check(call)
  local pol = call.pol
  if not call.method:match('^[A-Z_-]+$') then return 'bad_request', 'method_form' end
  if repeatsOne(call) then return 'bad_request', 'repeated_header' end
  if #call.raw > pol.limits.target then return 'uri_too_long', 'target_length' end
  if call.lines > pol.limits.headerLines then return 'headers_too_large', 'header_lines' end
  if call.bytes > pol.limits.headerBytes then return 'headers_too_large', 'header_bytes' end
  if not call.normal then return 'bad_request', 'path_form' end
  if not request.listedHost(call) then return 'unknown_host', 'host' end
  local keys = request.keys(call)
  for i = 2, #keys do
    if keys[i] ~= keys[1] then return 'ambiguous_credentials', 'two_keys' end
  end
  if not connectionIsPlain(call) then return 'bad_request', 'connection' end
  if request.hasForbiddenParameter(pol, call.target.query) then return 'bad_request', 'secret_in_query' end
  return nil
end

function M.isPreflight(call, known)
  local origin, wanted = call.sent['origin'], call.sent['access-control-request-method']
  if call.method ~= 'OPTIONS' or not origin or not wanted or not known then return false end
  return call.pol.cors[origin] ~= nil and known.methods[wanted] ~= nil
end

return M
