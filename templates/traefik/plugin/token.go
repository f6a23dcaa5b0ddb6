package gate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"time"
)

// askToken looks at the claims first and at the signature last; every refusal reads the same.
func (c *call) askToken() leaf {
	sent := c.authorization()
	if !sent.ok || sent.scheme != "bearer" || !sent.isJwt {
		return leaf{reason: "absent"}
	}
	jwt := c.pol.Jwt
	parts := strings.Split(sent.token, ".")
	header, headerOk := jsonPart(parts[0])
	claims, claimsOk := jsonPart(parts[1])
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if !headerOk || !claimsOk || err != nil {
		return leaf{reason: "token_form"}
	}
	_, critical := header["crit"]
	if critical {
		return leaf{reason: "token_crit"}
	}
	alg, ok := textOf(header["alg"])
	if !ok {
		return leaf{reason: "token_algorithm"}
	}
	kid, hasKid := textOf(header["kid"])
	_, kidThere := header["kid"]
	if kidThere && !hasKid {
		return leaf{reason: "token_key"}
	}
	candidates, known := c.candidates(alg, kid, kidThere)
	if !known {
		return leaf{fault: "the keys of the identity provider cannot be fetched"}
	}
	if len(candidates) == 0 {
		return leaf{reason: "token_key"}
	}
	reason := claimsReason(jwt, claims)
	if reason != "" {
		return leaf{reason: reason}
	}
	subject, ok := textOf(claims[jwt.Client])
	if !ok {
		return leaf{reason: "token_subject"}
	}
	signed := []byte(parts[0] + "." + parts[1])
	holds := false
	for _, key := range candidates {
		if c.signatureHolds(key, signed, signature) {
			holds = true
		}
	}
	if !holds {
		return leaf{reason: "token_signature"}
	}
	expires, _ := numberOf(claims["exp"])
	left := expires + float64(jwt.Leeway) - float64(time.Now().UnixMicro())/1e6
	if left < keepPlan.Seconds() {
		c.expires(time.Now().Add(time.Duration(left * float64(time.Second))))
	}
	return c.subjectLeaf(subject, claims)
}

// candidates are the keys of the policy, or those fetched, that may have signed. False where none could ever be fetched.
func (c *call) candidates(alg string, kid string, hasKid bool) ([]tokenKey, bool) {
	url := c.pol.Jwt.URL
	if url != "" {
		// A key that is withdrawn is so within the time after which they are fetched again.
		c.expires(time.Now().Add(jwksApart))
		return c.state.jwksOf(url).find(alg, kid, hasKid)
	}
	keys := []tokenKey{}
	for _, key := range c.pol.Jwt.Keys {
		one := tokenKey{kid: key.Kid, alg: key.Alg, file: key.File}
		if key.File == "" {
			one.public = c.state.publicKey(key.Spki)
		}
		keys = append(keys, one)
	}
	return matching(keys, alg, kid, hasKid), true
}

// subjectLeaf is a client of the spec whose subject this is, or one of the token's own.
func (c *call) subjectLeaf(subject string, claims map[string]json.RawMessage) leaf {
	client, mapped := c.pol.Jwt.Subjects[subject]
	if mapped {
		return leaf{holds: true, client: client}
	}
	name := "jwt:" + subject
	if subject == "" || len(name) > 128 || !only(name, subjectBytes) {
		return leaf{reason: "subject_form"}
	}
	return leaf{holds: true, client: name, byRole: true, role: c.roleOf(claims)}
}

// roleOf is the role claim (a text, or the first of a list that is a role), or the role of whoever brings none.
func (c *call) roleOf(claims map[string]json.RawMessage) string {
	jwt := c.pol.Jwt
	claim, there := claims[jwt.Roles]
	if jwt.Roles == "" || !there {
		return jwt.Role
	}
	text, ok := textOf(claim)
	if ok {
		return text
	}
	var list []json.RawMessage
	err := json.Unmarshal(claim, &list)
	if err != nil {
		return ""
	}
	for _, one := range list {
		name, isText := textOf(one)
		_, known := jwt.Limits[name]
		if isText && known {
			return name
		}
	}
	return ""
}

func claimsReason(jwt policyJwt, claims map[string]json.RawMessage) string {
	now := float64(time.Now().UnixMicro()) / 1e6
	leeway := float64(jwt.Leeway)
	expires, ok := numberOf(claims["exp"])
	if !ok || now >= expires+leeway {
		return "token_expired"
	}
	begin, there := claims["nbf"]
	if there {
		from, isNumber := numberOf(begin)
		if !isNumber || now < from-leeway {
			return "token_early"
		}
	}
	issuer, ok := textOf(claims["iss"])
	if !ok || issuer != jwt.Issuer {
		return "token_issuer"
	}
	if !hasAudience(claims["aud"], jwt.Audience) {
		return "token_audience"
	}
	return ""
}

func hasAudience(claim json.RawMessage, wanted string) bool {
	text, ok := textOf(claim)
	if ok {
		return text == wanted
	}
	var list []json.RawMessage
	err := json.Unmarshal(claim, &list)
	if err != nil {
		return false
	}
	for _, one := range list {
		name, isText := textOf(one)
		if isText && name == wanted {
			return true
		}
	}
	return false
}

// A map and not a struct: a struct's fields are matched without regard to case.
func jsonPart(part string) (map[string]json.RawMessage, bool) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, false
	}
	var members map[string]json.RawMessage
	err = json.Unmarshal(text, &members)
	return members, err == nil && members != nil
}

func textOf(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	text := ""
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}

func numberOf(raw json.RawMessage) (float64, bool) {
	if len(raw) == 0 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return 0, false
	}
	value := 0.0
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}

func (c *call) signatureHolds(key tokenKey, signed []byte, signature []byte) bool {
	digest, hash := digestOf(key.alg, signed)
	if key.file != "" {
		// Nothing tells when such a secret has changed.
		c.expires(time.Now())
		text, err := c.state.secret(c.pol, key.file)
		if err != nil {
			panic("the shared secret of a token cannot be read")
		}
		secret, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(secret) == 0 {
			panic("the shared secret of a token cannot be read")
		}
		return hmacHolds(key.alg, secret, signed, signature)
	}
	public := key.public
	switch key.alg[:2] {
	case "RS":
		known, ok := public.(*rsa.PublicKey)
		return ok && rsa.VerifyPKCS1v15(known, hash, digest, signature) == nil
	case "PS":
		known, ok := public.(*rsa.PublicKey)
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return ok && rsa.VerifyPSS(known, hash, digest, signature, options) == nil
	case "ES":
		known, ok := public.(*ecdsa.PublicKey)
		if !ok {
			return false
		}
		size := (known.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r := new(big.Int).SetBytes(signature[:size])
		s := new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(known, digest, r, s)
	case "Ed":
		known, ok := public.(ed25519.PublicKey)
		return ok && ed25519.Verify(known, signed, signature)
	}
	return false
}

func digestOf(alg string, signed []byte) ([]byte, crypto.Hash) {
	switch alg[2:] {
	case "384":
		sum := sha512.Sum384(signed)
		return sum[:], crypto.SHA384
	case "512":
		sum := sha512.Sum512(signed)
		return sum[:], crypto.SHA512
	}
	sum := sha256.Sum256(signed)
	return sum[:], crypto.SHA256
}

func hmacHolds(alg string, secret []byte, signed []byte, signature []byte) bool {
	mac := hmac.New(sha256.New, secret)
	if alg == "HS384" {
		mac = hmac.New(sha512.New384, secret)
	}
	if alg == "HS512" {
		mac = hmac.New(sha512.New, secret)
	}
	mac.Write(signed)
	return hmac.Equal(mac.Sum(nil), signature)
}

// jwksOf is what is known of the keys at a URL.
func (s *state) jwksOf(url string) *jwksCache {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jwks == nil || s.jwks.url != url {
		s.jwks = newJwksCache(url)
	}
	return s.jwks
}

// publicKey parses a key once.
func (s *state) publicKey(spki string) interface{} {
	s.mu.RLock()
	known, ok := s.public[spki]
	s.mu.RUnlock()
	if ok {
		return known
	}
	der, err := base64.StdEncoding.DecodeString(spki)
	if err != nil {
		panic("a key of the policy is none")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		panic("a key of the policy is none")
	}
	s.mu.Lock()
	s.public[spki] = parsed
	s.mu.Unlock()
	return parsed
}
