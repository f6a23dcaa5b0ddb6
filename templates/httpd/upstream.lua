-- What goes upstream: nothing of the caller's that is not on the list, and ours in place of what it claimed.
local addresses = require 'addresses'
local lookups = require 'lookups'
local request = require 'request'
local M = {}

function M.setHeaders(call, client, role, websocket)
  local r, pol = call.r, call.pol
  local headers, passes = r.headers_in, websocket and pol.passesWebsocket or pol.passes
  for name, value in pairs(call.sent) do
    if not passes[name] or value == '' then headers[name] = nil end
  end
  local model = pol.models[1]
  if model.key then
    local key = (lookups.private(r, pol, 'upstream/' .. model.id .. '.key') or ''):match('^%s*(.-)%s*$')
    if not key:match('^[!-~]+$') or #key > 512 then error('the upstream key is not one line of text', 0) end
    headers['Authorization'] = 'Bearer ' .. key
  end
  local caller = request.caller(call)
  headers['X-Gatewright-Client'] = client
  headers['X-Gatewright-Role'] = role
  headers['X-Request-Id'] = call.id
  headers['X-Forwarded-For'] = caller and addresses.text(caller) or nil
  headers['X-Forwarded-Proto'] = 'https'
end

return M
