-- SHA-256 (FIPS 180-4) of a string, as lower-case hex. Debian's httpd has Lua 5.3 with operators on integers, the official
-- image has 5.2 with bit32; neither can parse, or has, what the other uses. So there are two forms, and `load` picks one.
local OPERATORS = [[
local K, char, byte, rep, format = ...
local function rrotate(x, n) return ((x >> n) | (x << (32 - n))) & 0xffffffff end
return function(message)
  local size = #message
  message = message .. '\128' .. rep('\0', (55 - size) % 64) .. string.pack('>I8', size * 8)
  local h0, h1, h2, h3, h4, h5, h6, h7 = 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
  local w = {}
  for chunk = 1, #message, 64 do
    w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11], w[12], w[13], w[14], w[15], w[16] =
      string.unpack('>I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4', message, chunk)
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      w[i] = (w[i - 16] + w[i - 7]
        + (rrotate(x, 7) ~ rrotate(x, 18) ~ (x >> 3))
        + (rrotate(y, 17) ~ rrotate(y, 19) ~ (y >> 10))) & 0xffffffff
    end
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 1, 64 do
      local t1 = h + (rrotate(e, 6) ~ rrotate(e, 11) ~ rrotate(e, 25)) + ((e & f) ~ (~e & g)) + K[i] + w[i]
      local t2 = (rrotate(a, 2) ~ rrotate(a, 13) ~ rrotate(a, 22)) + ((a & b) ~ (a & c) ~ (b & c))
      h, g, f, e, d, c, b, a = g, f, e, (d + t1) & 0xffffffff, c, b, a, (t1 + t2) & 0xffffffff
    end
    h0, h1, h2, h3 = (h0 + a) & 0xffffffff, (h1 + b) & 0xffffffff, (h2 + c) & 0xffffffff, (h3 + d) & 0xffffffff
    h4, h5, h6, h7 = (h4 + e) & 0xffffffff, (h5 + f) & 0xffffffff, (h6 + g) & 0xffffffff, (h7 + h) & 0xffffffff
  end
  return format('%08x%08x%08x%08x%08x%08x%08x%08x', h0, h1, h2, h3, h4, h5, h6, h7)
end
]]

local BIT32 = [[
local K, char, byte, rep, format = ...
local band, bnot, bxor, rrotate, rshift = bit32.band, bit32.bnot, bit32.bxor, bit32.rrotate, bit32.rshift
local function size_bytes(bits)
  local bytes = ''
  for _ = 1, 8 do
    bytes = char(bits % 256) .. bytes
    bits = math.floor(bits / 256)
  end
  return bytes
end
return function(message)
  local size = #message
  message = message .. '\128' .. rep('\0', (55 - size) % 64) .. size_bytes(size * 8)
  local h0, h1, h2, h3, h4, h5, h6, h7 = 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
  local w = {}
  for chunk = 1, #message, 64 do
    for i = 1, 16 do
      local b1, b2, b3, b4 = byte(message, chunk + i * 4 - 4, chunk + i * 4 - 1)
      w[i] = ((b1 * 256 + b2) * 256 + b3) * 256 + b4
    end
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      w[i] = band(w[i - 16] + w[i - 7]
        + bxor(rrotate(x, 7), rrotate(x, 18), rshift(x, 3))
        + bxor(rrotate(y, 17), rrotate(y, 19), rshift(y, 10)), 0xffffffff)
    end
    local a, b, c, d, e, f, g, h = h0, h1, h2, h3, h4, h5, h6, h7
    for i = 1, 64 do
      local t1 = h + bxor(rrotate(e, 6), rrotate(e, 11), rrotate(e, 25)) + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i]
      local t2 = bxor(rrotate(a, 2), rrotate(a, 13), rrotate(a, 22)) + bxor(band(a, b), band(a, c), band(b, c))
      h, g, f, e, d, c, b, a = g, f, e, band(d + t1, 0xffffffff), c, b, a, band(t1 + t2, 0xffffffff)
    end
    h0, h1, h2, h3 = band(h0 + a, 0xffffffff), band(h1 + b, 0xffffffff), band(h2 + c, 0xffffffff), band(h3 + d, 0xffffffff)
    h4, h5, h6, h7 = band(h4 + e, 0xffffffff), band(h5 + f, 0xffffffff), band(h6 + g, 0xffffffff), band(h7 + h, 0xffffffff)
  end
  return format('%08x%08x%08x%08x%08x%08x%08x%08x', h0, h1, h2, h3, h4, h5, h6, h7)
end
]]

-- The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
local K = {}
do
  local n = 2
  while #K < 64 do
    local prime = true
    for d = 2, math.floor(n ^ 0.5) do
      if n % d == 0 then
        prime = false
        break
      end
    end
    if prime then
      -- Newton's method on integers of 96 bits would be exact; a double has 53 bits, and 3 + 32 are needed.
      local root = n ^ (1 / 3)
      root = root - (root * root * root - n) / (3 * root * root)
      K[#K + 1] = math.floor((root - math.floor(root)) * 4294967296)
    end
    n = n + 1
  end
end
if math.tointeger then
  for i = 1, 64 do K[i] = math.tointeger(K[i]) end
end

local form = assert(load(bit32 and BIT32 or OPERATORS, 'sha256'))
return form(K, string.char, string.byte, string.rep, string.format)
