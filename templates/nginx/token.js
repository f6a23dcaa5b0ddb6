// Tokens (RFC 7519): the claims first, the signature last; a caller learns nothing from which of them it was.

const HASHES = { 256: 'SHA-256', 384: 'SHA-384', 512: 'SHA-512' };

function jsonPart(part) {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch (_) {
    return null;
  }
}

// What a token says of itself, and nothing that every object has. (njs 0.7.9 has no Object.hasOwn.)
function own(object, name) {
  return Object.keys(object).indexOf(name) >= 0 ? object[name] : undefined;
}

function claimsReason(jwt, claims) {
  const now = Date.now() / 1000;
  const expires = own(claims, 'exp');
  if (typeof expires !== 'number' || now >= expires + jwt.leeway) return 'token_expired';
  const begins = own(claims, 'nbf');
  if (begins !== undefined && (typeof begins !== 'number' || now < begins - jwt.leeway)) return 'token_early';
  if (own(claims, 'iss') !== jwt.issuer) return 'token_issuer';
  const audience = own(claims, 'aud');
  const audiences = Array.isArray(audience) ? audience : [audience];
  if (audiences.indexOf(jwt.audience) < 0) return 'token_audience';
  return typeof own(claims, jwt.client) === 'string' ? null : 'token_subject';
}

function candidatesOf(jwt, header) {
  const kid = own(header, 'kid');
  const found = [];
  for (let i = 0; i < jwt.keys.length; i++) {
    const key = jwt.keys[i];
    if (key.alg === own(header, 'alg') && (kid === undefined || key.kid === '' || key.kid === kid)) found.push(key);
  }
  return found;
}

function method(alg) {
  const hash = HASHES[alg.slice(2)];
  if (alg.slice(0, 2) === 'HS') return { name: 'HMAC', hash: hash };
  if (alg.slice(0, 2) === 'RS') return { name: 'RSASSA-PKCS1-v1_5', hash: hash };
  if (alg.slice(0, 2) === 'PS') return { name: 'RSA-PSS', hash: hash, saltLength: 32 };
  if (alg === 'ES256') return { name: 'ECDSA', namedCurve: 'P-256', hash: hash };
  if (alg === 'ES384') return { name: 'ECDSA', namedCurve: 'P-384', hash: hash };
  throw new Error('the policy names an algorithm that njs does not have');
}

async function signatureHolds(key, signed, signature, secretOf) {
  const how = method(key.alg);
  // njs leaves the length of an ECDSA signature to OpenSSL, which pads.
  if (how.name === 'ECDSA' && signature.length !== (key.alg === 'ES256' ? 64 : 96)) return false;
  const material = key.file !== undefined ? secretOf(key.file) : Buffer.from(key.spki, 'base64');
  if (material.length === 0) throw new Error('the secret of a token cannot be read');
  const imported = await crypto.subtle.importKey(key.file !== undefined ? 'raw' : 'spki', material, how, false, ['verify']);
  const holds = await crypto.subtle.verify(how, imported, signature, Buffer.from(signed));
  if (!holds) await clearErrors();
  return holds;
}

/**
 * A signature that does not hold leaves its reason in OpenSSL's queue, where nginx finds it later and logs it together with a
 * request line and its query. An import that fails makes njs read the queue to its end.
 */
async function clearErrors() {
  try {
    await crypto.subtle.importKey('spki', Buffer.from('no key'), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['verify']);
  } catch (_) {
    // That is what it is for.
  }
}

/** The first of a list that is a role, a text as it is, or the role of whoever brings none; '' is nobody's. */
function roleOf(jwt, claims) {
  const claim = jwt.roles === '' ? undefined : own(claims, jwt.roles);
  if (claim === undefined) return jwt.role;
  if (typeof claim === 'string') return claim;
  for (let i = 0; Array.isArray(claim) && i < claim.length; i++)
    if (typeof claim[i] === 'string' && jwt.limits[claim[i]] !== undefined) return claim[i];
  return '';
}

/** { subject, role } or { reason }. `secretOf` reads a shared secret by the name of its file. */
async function check(jwt, token, secretOf) {
  const parts = token.split('.');
  for (let i = 0; i < 3; i++) if (parts[i].length % 4 === 1) return { reason: 'token_form' };
  const header = jsonPart(parts[0]);
  const claims = jsonPart(parts[1]);
  if (header === null || claims === null) return { reason: 'token_form' };
  if (own(header, 'crit') !== undefined) return { reason: 'token_crit' };
  if (typeof own(header, 'alg') !== 'string') return { reason: 'token_algorithm' };
  const kid = own(header, 'kid');
  if (kid !== undefined && typeof kid !== 'string') return { reason: 'token_key' };
  const candidates = candidatesOf(jwt, header);
  if (candidates.length === 0) return { reason: 'token_key' };
  const reason = claimsReason(jwt, claims);
  if (reason !== null) return { reason: reason };

  const signature = Buffer.from(parts[2], 'base64url');
  for (let i = 0; i < candidates.length; i++)
    if (await signatureHolds(candidates[i], parts[0] + '.' + parts[1], signature, secretOf))
      return { subject: own(claims, jwt.client), role: roleOf(jwt, claims) };
  return { reason: 'token_signature' };
}

export default { check };
