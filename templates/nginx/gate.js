/*
 * The gate: what decide() says, for nginx. It reads policy.json (`gwPolicy`, preloaded) and nothing else decides.
 * Written for njs 0.7.9 and newer: no spread, no destructuring, no for-of; objects of `gwPolicy` have no prototype,
 * so arrays are walked by index and a missing key is `undefined`.
 *
 *   early   steps 2-4, before anything is read or asked; "ok" or a code. nginx refuses unless it says ok.
 *   auth    steps 5-8 as far as they need no counter; always 204 or 403, the code stands in $gw_code.
 *   refusal what @gw_refuse answers, also for what nginx refused by itself.
 */
import cr from 'crypto';
import fs from 'fs';
import addresses from 'addresses.js';
import tokens from 'token.js';

// ---- the request as it came -------------------------------------------------------------------------------------

function headerValues(r, name) {
  const raw = r.rawHeadersIn;
  const values = [];
  for (let i = 0; i < raw.length; i++) if (raw[i][0].toLowerCase() === name) values.push(raw[i][1]);
  return values;
}

function headerValue(r, name) {
  return headerValues(r, name)[0];
}

// $request is the line as it came; $request_method and r.uri may have been rewritten by an internal redirect.
function requestLine(r) {
  const line = r.variables.request || '';
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' HTTP/');
  return { method: line.slice(0, first), target: line.slice(first + 1, last > first ? last : line.length) };
}

function splitTarget(raw) {
  const absolute = /^https?:\/\/([^\/?#]*)([\s\S]*)$/i.exec(raw);
  let rest = absolute ? absolute[2] : raw;
  if (absolute && rest.charAt(0) !== '/') rest = '/' + rest;
  if (rest.charAt(0) !== '/') return null;
  const at = rest.indexOf('?');
  return { path: at < 0 ? rest : rest.slice(0, at), query: at < 0 ? null : rest.slice(at + 1), authority: absolute ? absolute[1] : null };
}

function authorityOf(r, target) {
  if (target && target.authority !== null) return target.authority;
  return headerValue(r, 'host') || '';
}

function listedHost(authority) {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(?::\d*)?$/.exec(authority);
  const host = match ? match[1].toLowerCase() : '';
  return host !== '' && gwPolicy.hosts[host] !== undefined ? host : null;
}

function pathPolicy(path) {
  const exact = gwPolicy.paths[path];
  if (exact !== undefined) return exact;
  for (let i = 0; i < gwPolicy.patterns.length; i++) {
    const p = gwPolicy.patterns[i];
    if (
      path.slice(0, p.head.length) !== p.head ||
      path.length < p.head.length + p.tail.length ||
      path.slice(path.length - p.tail.length) !== p.tail
    )
      continue;
    if (/^[A-Za-z0-9_-]{1,128}$/.test(path.slice(p.head.length, path.length - p.tail.length))) return p;
  }
  return null;
}

// ---- steps 2 to 4 -----------------------------------------------------------------------------------------------

function isNormal(target) {
  if (/[\x00-\x20\x7f\\#]/.test(target.path) || (target.query !== null && /[\x00-\x20\x7f#]/.test(target.query))) return false;
  if (target.path.indexOf('//') >= 0 || /\/\.{1,2}(\/|$)/.test(target.path)) return false;
  for (let at = target.path.indexOf('%'); at >= 0; at = target.path.indexOf('%', at + 1)) {
    const code = target.path.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(code)) return false;
    if (/[A-Za-z0-9._~\/\\\x00-]/.test(String.fromCharCode(parseInt(code, 16)))) return false;
  }
  return true;
}

function hasForbiddenParameter(query) {
  if (query === null) return false;
  const pairs = query.split('&');
  for (let i = 0; i < pairs.length; i++) {
    let name = pairs[i].split('=')[0];
    try {
      name = decodeURIComponent(name);
    } catch (_) {
      // Not UTF-8: compared as it came.
    }
    if (gwPolicy.forbiddenParameters[name.toLowerCase()] !== undefined) return true;
  }
  return false;
}

function connectionIsPlain(r, path) {
  const known = pathPolicy(path);
  const get = known && known.methods.GET;
  const websocket = get && get.websocket && (headerValue(r, 'upgrade') || '').toLowerCase() === 'websocket';
  const options = headerValues(r, 'connection').join(',').split(',');
  for (let i = 0; i < options.length; i++) {
    const option = options[i].trim().toLowerCase();
    if (option === '' && headerValues(r, 'connection').length === 0) continue;
    if (option !== 'close' && option !== 'keep-alive' && option !== 'te' && !(option === 'upgrade' && websocket)) return false;
  }
  return true;
}

function malformed(r, method, raw, target) {
  if (!/^[A-Z_-]+$/.test(method)) return 'bad_request method_form';
  for (let i = 0; i < gwPolicy.singleHeaders.length; i++)
    if (headerValues(r, gwPolicy.singleHeaders[i]).length > 1) return 'bad_request repeated_header';
  if (raw.length > gwPolicy.limits.target) return 'uri_too_long target_length';
  const lines = r.rawHeadersIn;
  if (lines.length > gwPolicy.limits.headerLines) return 'headers_too_large header_lines';
  let bytes = 0;
  for (let i = 0; i < lines.length; i++) bytes += lines[i][0].length + lines[i][1].length + 4;
  if (bytes > gwPolicy.limits.headerBytes) return 'headers_too_large header_bytes';
  if (target === null || !isNormal(target)) return 'bad_request path_form';
  if (listedHost(authorityOf(r, target)) === null) return 'unknown_host host';
  const keys = presentedKeys(r);
  for (let i = 1; i < keys.length; i++) if (keys[i] !== keys[0]) return 'ambiguous_credentials two_keys';
  if (!connectionIsPlain(r, target.path)) return 'bad_request connection';
  if (hasForbiddenParameter(target.query)) return 'bad_request secret_in_query';
  return null;
}

function isPreflight(r, method, known) {
  const origin = headerValue(r, 'origin');
  const wanted = headerValue(r, 'access-control-request-method');
  if (method !== 'OPTIONS' || origin === undefined || wanted === undefined || known === null) return false;
  return gwPolicy.cors[origin] !== undefined && known.methods[wanted] !== undefined;
}

/** "ok", "preflight ", or "<code> <reason>". */
function judge(r) {
  const line = requestLine(r);
  const target = splitTarget(line.target);
  const defect = malformed(r, line.method, line.target, target);
  if (defect !== null) return defect;
  const known = pathPolicy(target.path);
  if (isPreflight(r, line.method, known)) return 'preflight preflight';
  if (known === null) return 'not_found not_found';
  if (known.methods[line.method] === undefined) return 'method_not_allowed method_not_allowed';
  return 'ok';
}

function early(r) {
  // nginx sends its own refusals here by an internal redirect; they must reach @gw_refuse.
  if (r.uri === '/_gw/refuse' && requestLine(r).target !== '/_gw/refuse') return 'ok';
  return judge(r);
}

// ---- step 5: who is it ------------------------------------------------------------------------------------------

function authorization(r) {
  const match = /^([A-Za-z]+) ([A-Za-z0-9._~+\/=-]{1,8192})$/.exec(headerValue(r, 'authorization') || '');
  return match ? { scheme: match[1].toLowerCase(), token: match[2] } : null;
}

function isJwtShaped(token) {
  return gwPolicy.methods.jwt !== undefined && /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token);
}

function presentedKeys(r) {
  const keys = [];
  for (let i = 0; i < gwPolicy.keyHeaders.length; i++) {
    const name = gwPolicy.keyHeaders[i];
    if (name === 'authorization') {
      const a = authorization(r);
      if (a && a.scheme === 'bearer' && !isJwtShaped(a.token)) keys.push(a.token);
    } else {
      const values = headerValues(r, name);
      for (let k = 0; k < values.length; k++) keys.push(values[k]);
    }
  }
  return keys;
}

/** The caller behind trusted proxies, or null when it cannot be known. */
function callerOf(r) {
  const peer = r.remoteAddress;
  const hex = addresses.hex(peer);
  if (hex === null) return null;
  const lines = headerValues(r, 'x-forwarded-for');
  if (!addresses.inRanges(gwPolicy.trusted, hex) || lines.length === 0) return peer;
  const entries = lines.join(',').split(',');
  let last = peer;
  for (let i = entries.length - 1; i >= 0; i--) {
    last = addresses.stripPort(entries[i].trim());
    const entryHex = addresses.hex(last);
    if (entryHex === null) return null;
    if (!addresses.inRanges(gwPolicy.trusted, entryHex)) return last;
  }
  return last;
}

// js_set $gw_caller: the one true address for X-Forwarded-For and the log; empty when unknown.
function caller(r) {
  const address = callerOf(r);
  return address === null ? '' : addresses.text(address);
}

function askAddress(r) {
  const address = callerOf(r);
  const hex = address === null ? null : addresses.hex(address);
  return hex !== null && addresses.inRanges(gwPolicy.allow, hex) ? { holds: true, client: null } : { holds: false, reason: 'address' };
}

function askCertificate(r) {
  if (r.variables.ssl_client_verify !== 'SUCCESS') return { holds: false, reason: 'absent' };
  const client = r.variables.gw_certificate;
  return client ? { holds: true, client: client } : { holds: false, reason: 'unknown_certificate' };
}

function askKey(r) {
  const key = presentedKeys(r)[0];
  if (key === undefined) return { holds: false, reason: 'absent' };
  if (key.length < gwPolicy.limits.key.min || key.length > gwPolicy.limits.key.max) return { holds: false, reason: 'key_length' };
  r.variables.gw_key_hash = cr.createHash('sha256').update(key).digest('hex');
  const record = r.variables.gw_key_record;
  if (!record) return { holds: false, reason: 'unknown_key' };
  const parts = record.split(' '); // "<client> <unix time or 0>"
  if (parts[1] !== '0' && Number(parts[1]) <= Date.now() / 1000) return { holds: false, reason: 'expired_key' };
  return { holds: true, client: parts[0] };
}

// njs 0.7.9 has no latin1; a name with other bytes is nobody's anyway.
function asciiText(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += bytes[i] < 0x80 ? String.fromCharCode(bytes[i]) : '?';
  return text;
}

async function askPassword(r) {
  const a = authorization(r);
  if (!a || a.scheme !== 'basic') return { holds: false, reason: 'absent' };
  if (!/^([A-Za-z0-9+\/]{4})*([A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=)?$/.test(a.token)) return { holds: false, reason: 'basic_form' };
  const bytes = Buffer.from(a.token, 'base64');
  const colon = bytes.indexOf(':');
  if (colon < 0) return { holds: false, reason: 'basic_form' };
  const size = bytes.length - colon - 1;
  if (size === 0 || size > gwPolicy.limits.password) return { holds: false, reason: 'password_length' };
  const name = asciiText(bytes.slice(0, colon));
  const known = gwPolicy.clients[name] !== undefined;
  const address = callerOf(r);
  const hex = addresses.hex(address === null ? r.remoteAddress : address) || '';
  const v = r.variables;
  // An unknown name is asked as "-", an entry that nobody knows the password of: it takes as long as a known one.
  v.gw_basic = known ? a.token : Buffer.concat([Buffer.from('-'), bytes.slice(colon)]).toString('base64');
  v.gw_basic_failures = addresses.counted(hex) + '|' + (known ? name : '*');
  const secret = fs.readFileSync(ngx.conf_prefix + v.gw_private + 'passwords/remember.secret');
  v.gw_basic_memory = cr
    .createHmac('sha256', secret)
    .update(v.gw_basic_failures + ' ' + a.token)
    .digest('hex');
  const reply = await r.subrequest('/_gw/basic');
  if (reply.status === 429) return { holds: false, reason: 'too_many_failures' };
  if (reply.status !== 204 && reply.status !== 401) throw new Error('the password check answered ' + reply.status);
  if (!known) return { holds: false, reason: 'unknown_user' };
  return reply.status === 204 ? { holds: true, client: name } : { holds: false, reason: 'wrong_password' };
}

async function askToken(r) {
  const a = authorization(r);
  if (!a || a.scheme !== 'bearer' || !isJwtShaped(a.token)) return { holds: false, reason: 'absent' };
  const secretOf = (file) =>
    Buffer.from(
      fs
        .readFileSync(ngx.conf_prefix + r.variables.gw_private + file)
        .toString()
        .trim(),
      'base64',
    );
  const result = await tokens.check(gwPolicy.jwt, a.token, secretOf);
  if (result.reason !== undefined) return { holds: false, reason: result.reason };
  const mapped = gwPolicy.jwt.subjects[result.subject];
  if (mapped !== undefined) return { holds: true, client: mapped };
  const name = 'jwt:' + result.subject;
  if (!/^jwt:[A-Za-z0-9@._:+-]{1,124}$/.test(name)) return { holds: false, reason: 'subject_form' };
  return { holds: true, client: name, role: result.role };
}

async function ask(r, leaves, method) {
  if (leaves[method] === undefined) {
    if (method === 'ip') leaves.ip = askAddress(r);
    else if (method === 'mtls') leaves.mtls = askCertificate(r);
    else if (method === 'apiKey') leaves.apiKey = askKey(r);
    else if (method === 'jwt') leaves.jwt = await askToken(r);
    else if (method === 'basic') leaves.basic = await askPassword(r);
    else throw new Error('unknown method ' + method);
  }
  return leaves[method];
}

/** Whether some alternative would hold if every header credential did (and every address, if `anywhere`). */
function besideHolds(r, leaves, anywhere) {
  // An address is always asked about first, a certificate only where it held.
  if (leaves.mtls === undefined) leaves.mtls = askCertificate(r);
  for (let i = 0; i < gwPolicy.beside.length; i++) {
    let all = true;
    for (let k = 0; k < gwPolicy.beside[i].length; k++) {
      const method = gwPolicy.beside[i][k];
      if (!(leaves[method].holds || (anywhere && method === 'ip'))) all = false;
    }
    if (all) return true;
  }
  return false;
}

function firstReason(leaves) {
  const order = ['ip', 'mtls', 'apiKey', 'jwt', 'basic'];
  for (let i = 0; i < order.length; i++) {
    const leaf = leaves[order[i]];
    if (leaf !== undefined && !leaf.holds && leaf.reason !== 'absent') return leaf.reason;
  }
  return 'no_credential';
}

/** { client, header } or { code, reason }. */
async function identify(r) {
  const order = ['ip', 'mtls', 'apiKey', 'jwt', 'basic'];
  const leaves = {};
  let mismatch = false;
  for (let b = 0; b < gwPolicy.branches.length; b++) {
    const wanted = {};
    for (let k = 0; k < gwPolicy.branches[b].length; k++) wanted[gwPolicy.branches[b][k]] = true;
    let holds = true;
    let client = null;
    let same = true;
    for (let i = 0; i < order.length && holds; i++) {
      if (!wanted[order[i]]) continue;
      const leaf = await ask(r, leaves, order[i]);
      holds = leaf.holds;
      if (!holds || leaf.client === null) continue;
      if (client === null) client = leaf.client;
      else if (client !== leaf.client) same = false;
    }
    if (!holds) continue;
    if (client === null) client = gwPolicy.addressClient;
    if (client === null || !same) {
      mismatch = true;
      continue;
    }
    // A token's own client has the limits of its role; every other is one of the spec's.
    const role = wanted.jwt === true ? leaves.jwt.role : undefined;
    return { client: client, role: role, header: wanted.apiKey === true || wanted.jwt === true };
  }
  if (mismatch) return { code: 'identity_mismatch', reason: 'identity_mismatch' };
  if (leaves.basic !== undefined && leaves.basic.reason === 'too_many_failures')
    return { code: 'too_many_failures', reason: 'too_many_failures' };
  if (besideHolds(r, leaves, false)) return { code: 'invalid_credentials', reason: firstReason(leaves) };
  return { code: besideHolds(r, leaves, true) ? 'address_denied' : 'certificate_required', reason: firstReason(leaves) };
}

// ---- steps 5 to 8, as far as they need no counter -----------------------------------------------------------------

function wantsWebsocket(r) {
  const options = headerValues(r, 'connection').join(',').toLowerCase().split(',');
  for (let i = 0; i < options.length; i++)
    if (options[i].trim() === 'upgrade') return (headerValue(r, 'upgrade') || '').toLowerCase() === 'websocket';
  return false;
}

function foreignOrigin(r, target) {
  const origin = headerValue(r, 'origin');
  if (origin === undefined || gwPolicy.cors[origin] !== undefined) return false;
  return origin.toLowerCase() !== 'https://' + authorityOf(r, target).toLowerCase().replace(/:443$/, '');
}

function recordOf(who) {
  if (who.role === undefined) return gwPolicy.clients[who.client];
  const limits = gwPolicy.jwt.limits[who.role];
  return limits === undefined ? undefined : { role: who.role, rate: limits.rate, concurrent: limits.concurrent };
}

async function decide(r) {
  const v = r.variables;
  if (v.gw_keys_policy !== gwPolicy.hash) return { code: 'policy_unavailable', reason: 'policy_hash' };
  const line = requestLine(r);
  const target = splitTarget(line.target);
  const route = pathPolicy(target.path).methods[line.method];
  v.gw_route = route.route;

  const who = await identify(r);
  if (who.code !== undefined) return who;
  const client = recordOf(who);
  if (client === undefined && who.role === undefined) return { code: 'policy_unavailable', reason: 'unknown_client' };
  v.gw_client = who.client;
  v.gw_role = client === undefined ? '' : client.role;

  if ((!who.header || route.websocket) && foreignOrigin(r, target)) return { code: 'origin_denied', reason: 'origin_denied' };

  if (client === undefined) return { code: 'route_denied', reason: 'unknown_role' };
  if (gwPolicy.roles[client.role][route.route] === undefined) return { code: 'route_denied', reason: 'route_denied' };
  if (route.websocket && !wantsWebsocket(r)) return { code: 'upgrade_required', reason: 'upgrade_required' };

  const encodings = headerValues(r, 'content-encoding');
  for (let i = 0; i < encodings.length; i++)
    if (encodings[i].trim().toLowerCase() !== 'identity') return { code: 'unsupported_encoding', reason: 'unsupported_encoding' };
  const length = headerValue(r, 'content-length');
  if (length !== undefined && Number(length) > gwPolicy.limits.body) return { code: 'body_too_large', reason: 'known_length' };

  if (route.websocket) v.gw_upgrade = 'websocket';

  // The zones of the upstream location count by these.
  v.gw_rate = client.rate;
  v.gw_concurrent = client.concurrent;

  const model = gwPolicy.models[0];
  if (model.key) {
    // Read for each request, so that a new key needs no reload. A missing file throws, and a throw refuses.
    const key = fs
      .readFileSync(ngx.conf_prefix + v.gw_private + 'upstream/' + model.id + '.key')
      .toString()
      .trim();
    if (!/^[\x21-\x7e]{1,512}$/.test(key)) throw new Error('the upstream key is not one line of text');
    v.gw_upstream_authorization = 'Bearer ' + key;
  }
  return null;
}

async function auth(r) {
  let refused;
  try {
    refused = await decide(r);
  } catch (e) {
    refused = { code: 'policy_unavailable', reason: 'gate_error' };
    r.variables.gw_fault = e.message;
  }
  if (refused === null) {
    r.return(204);
    return;
  }
  r.variables.gw_code = refused.code;
  r.variables.gw_reason = refused.reason;
  r.return(403, 'refused'); // a body, so that no error_page runs inside the subrequest
}

// Key of the gateway's zone. nginx evaluates it only once the client's own limits passed, which tells 429 from 503.
function everyone(r) {
  r.variables.gw_passed_client = '1';
  return 'all';
}

// ---- the refusal -------------------------------------------------------------------------------------------------

const NATIVE = {
  404: 'not_found',
  413: 'body_too_large',
  414: 'uri_too_long',
  431: 'headers_too_large',
  494: 'headers_too_large',
  502: 'upstream_unreachable',
  504: 'upstream_timeout',
};

function refusalCode(r) {
  const v = r.variables;
  if (v.gw_code) return v.gw_code + ' ' + v.gw_reason;
  if (v.ssl_client_verify && v.ssl_client_verify.slice(0, 6) === 'FAILED') return 'bad_request certificate_refused';
  if (!v.gw_early) return 'policy_unavailable gate_error';
  if (v.gw_early !== 'ok') return v.gw_early;
  if (v.limit_req_status === 'REJECTED') return 'rate_limited rate_limited';
  if (v.limit_conn_status === 'REJECTED') return v.gw_passed_client ? 'overloaded overloaded' : 'too_many_concurrent too_many_concurrent';
  const status = v.status;
  if (NATIVE[status] !== undefined) return NATIVE[status] + ' by_nginx';
  if (status !== '500' && status !== '503') {
    // nginx refused the line or a header; where the law has a nearer word for it, that is said.
    const verdict = judge(r);
    return verdict === 'ok' || verdict.slice(0, 9) === 'preflight' ? 'bad_request by_nginx' : verdict;
  }
  return 'policy_unavailable by_nginx';
}

// js_set $gw_refusal: the status, after which the other variables of the refusal are there.
function refusal(r) {
  const v = r.variables;
  const parts = refusalCode(r).split(' ');
  v.gw_code = parts[0];
  v.gw_reason = parts[1];
  if (parts[0] === 'preflight') return '204';
  if (parts[0] === 'rate_limited') v.gw_retry = String(gwPolicy.retryAfter[v.gw_rate]);
  else if (parts[0] === 'too_many_concurrent') v.gw_retry = '1';
  else if (parts[0] === 'too_many_failures') v.gw_retry = String(gwPolicy.failures.retryAfter);
  const target = splitTarget(requestLine(r).target);
  const known = target === null ? null : pathPolicy(target.path);
  if (parts[0] === 'method_not_allowed' && known !== null) v.gw_allow = known.allow;
  return String(gwPolicy.statuses[parts[0]] || 503);
}

function body(r) {
  return gwPolicy.bodies[r.variables.gw_code] || gwPolicy.bodies.policy_unavailable;
}

function challengeBearer(r) {
  if (r.variables.gw_code !== 'invalid_credentials' || (gwPolicy.methods.apiKey === undefined && gwPolicy.methods.jwt === undefined))
    return '';
  const a = authorization(r);
  const came = (a !== null && a.scheme === 'bearer') || presentedKeys(r).length > 0;
  return 'Bearer realm="gatewright"' + (came ? ', error="invalid_token"' : '');
}

function challengeBasic(r) {
  if (r.variables.gw_code !== 'invalid_credentials' || gwPolicy.methods.basic === undefined) return '';
  return 'Basic realm="gatewright", charset="UTF-8"';
}

// ---- headers of every answer ---------------------------------------------------------------------------------------

function corsOrigin(r) {
  const origins = headerValues(r, 'origin');
  return origins.length === 1 && gwPolicy.cors[origins[0]] !== undefined ? origins[0] : '';
}

function corsExposed(r) {
  return corsOrigin(r) === '' ? '' : 'X-Request-Id, Retry-After';
}

function preflightPolicy(r) {
  const target = splitTarget(requestLine(r).target);
  return r.variables.gw_code === 'preflight' && target !== null ? pathPolicy(target.path) : null;
}

function corsMethods(r) {
  const known = preflightPolicy(r);
  return known === null ? '' : known.allow;
}

function corsHeaders(r) {
  if (preflightPolicy(r) === null) return '';
  const names = (headerValue(r, 'access-control-request-headers') || '').split(',');
  if (names.length > 64) return '';
  for (let i = 0; i < names.length; i++) {
    names[i] = names[i].trim();
    if (!/^[A-Za-z0-9-]{1,64}$/.test(names[i])) return '';
  }
  return names.join(', ');
}

function corsMaxAge(r) {
  return preflightPolicy(r) === null ? '' : '600';
}

function requestId(r) {
  const ids = headerValues(r, 'x-request-id');
  const hex = addresses.hex(r.remoteAddress);
  if (ids.length === 1 && hex !== null && addresses.inRanges(gwPolicy.trusted, hex) && /^[A-Za-z0-9_-]{8,64}$/.test(ids[0])) return ids[0];
  return r.variables.request_id;
}

// For the log: the path of a request that is well formed, never a query.
function loggedPath(r) {
  const target = splitTarget(requestLine(r).target);
  if (target === null || !isNormal(target)) return '';
  return target.path.slice(0, 200);
}

// ---- port 80 -------------------------------------------------------------------------------------------------------

// js_set $gw_redirect: where to, or empty for a request that already carried a secret or has no safe target.
function redirect(r) {
  const line = requestLine(r);
  const target = splitTarget(line.target);
  if ((line.method !== 'GET' && line.method !== 'HEAD') || target === null || hasForbiddenParameter(target.query)) return '';
  if (/[\x00-\x20\x7f]/.test(line.target)) return '';
  for (let i = 0; i < gwPolicy.secretHeaders.length; i++) if (headerValues(r, gwPolicy.secretHeaders[i]).length > 0) return '';
  const host = listedHost(authorityOf(r, target)) || gwPolicy.firstHost;
  return (
    'https://' +
    host +
    (gwPolicy.https === 443 ? '' : ':' + gwPolicy.https) +
    target.path +
    (target.query === null ? '' : '?' + target.query)
  );
}

function httpsRequired(r) {
  r.variables.gw_code = 'https_required';
  return gwPolicy.bodies.https_required;
}

export default {
  early,
  auth,
  everyone,
  refusal,
  body,
  challengeBearer,
  challengeBasic,
  corsOrigin,
  corsExposed,
  corsMethods,
  corsHeaders,
  corsMaxAge,
  requestId,
  caller,
  loggedPath,
  redirect,
  httpsRequired,
};
