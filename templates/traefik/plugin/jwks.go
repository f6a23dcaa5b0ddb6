package gate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

/*
Keys of an identity provider that are fetched at run time. They are fetched again every five minutes, beside the requests
that go on with the old ones; and while somebody waits when a token names a key that is not among them, at most every 30 s.
What was fetched is kept for as long as nothing else can be fetched.
*/

const (
	jwksRefresh = 5 * time.Minute
	jwksApart   = 30 * time.Second
	// Before there are any keys at all, nothing can be decided; so it is tried more often.
	jwksFirst   = 2 * time.Second
	jwksTimeout = 5 * time.Second
	jwksBytes   = 1 << 20
	minRsaBits  = 2048
)

// tokenKey is a key that may have signed a token; file is that of a shared secret.
type tokenKey struct {
	kid    string
	alg    string
	public interface{}
	file   string
}

type jwksCache struct {
	url    string
	client *http.Client

	// One fetch at a time; the others wait for it and look again.
	fetching sync.Mutex
	mu       sync.Mutex
	keys     []tokenKey
	tried    time.Time
	fetched  time.Time
}

func newJwksCache(url string) *jwksCache {
	return &jwksCache{
		url: url,
		client: &http.Client{
			Timeout: jwksTimeout,
			// The URL of the spec is where keys are trusted to come from, and no other.
			CheckRedirect: func(_ *http.Request, _ []*http.Request) error { return errors.New("redirected") },
		},
	}
}

// find gives the keys that may have signed with this algorithm and key id; kid is looked at only if there is one. False
// where there have never been any keys.
func (j *jwksCache) find(alg string, kid string, hasKid bool) ([]tokenKey, bool) {
	j.mu.Lock()
	found := matching(j.keys, alg, kid, hasKid)
	sinceTry := time.Since(j.tried)
	stale := time.Since(j.fetched) >= jwksRefresh
	empty := len(j.keys) == 0
	j.mu.Unlock()
	if len(found) > 0 {
		if stale && sinceTry >= jwksApart {
			go j.fetch(jwksApart)
		}
		return found, true
	}
	apart := jwksApart
	if empty {
		apart = jwksFirst
	}
	if sinceTry < apart {
		return nil, !empty
	}
	j.fetch(apart)
	j.mu.Lock()
	defer j.mu.Unlock()
	return matching(j.keys, alg, kid, hasKid), len(j.keys) > 0
}

func matching(keys []tokenKey, alg string, kid string, hasKid bool) []tokenKey {
	found := []tokenKey{}
	for _, key := range keys {
		if key.alg == alg && (!hasKid || key.kid == "" || key.kid == kid) {
			found = append(found, key)
		}
	}
	return found
}

func (j *jwksCache) fetch(apart time.Duration) {
	j.fetching.Lock()
	defer j.fetching.Unlock()
	j.mu.Lock()
	recent := time.Since(j.tried) < apart
	if !recent {
		j.tried = time.Now()
	}
	j.mu.Unlock()
	if recent {
		return
	}
	keys, err := j.read()
	if err != nil || len(keys) == 0 {
		return
	}
	j.mu.Lock()
	j.keys = keys
	j.fetched = time.Now()
	j.mu.Unlock()
}

func (j *jwksCache) read() ([]tokenKey, error) {
	req, err := http.NewRequest("GET", j.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := j.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New("the keys are not there")
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, jwksBytes+1))
	if err != nil || len(text) > jwksBytes {
		return nil, errors.New("the keys cannot be read")
	}
	return readJwks(text)
}

type jwksEntry struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	N   string `json:"n"`
	E   string `json:"e"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// readJwks takes public keys that sign, and leaves out all else: shared secrets, which nobody should publish, above all.
func readJwks(text []byte) ([]tokenKey, error) {
	set := struct {
		Keys []jwksEntry `json:"keys"`
	}{}
	err := json.Unmarshal(text, &set)
	if err != nil {
		return nil, err
	}
	keys := []tokenKey{}
	for _, entry := range set.Keys {
		if entry.Use == "enc" {
			continue
		}
		public, algs := publicOf(entry)
		if public == nil {
			continue
		}
		alg := entry.Alg
		if alg == "" {
			alg = algs[0]
		}
		for _, one := range algs {
			if one == alg {
				keys = append(keys, tokenKey{kid: entry.Kid, alg: alg, public: public})
			}
		}
	}
	return keys, nil
}

// publicOf gives a key and the algorithms that it can sign with, the usual one first; nil for what is none.
func publicOf(entry jwksEntry) (interface{}, []string) {
	switch entry.Kty + " " + entry.Crv {
	case "RSA ":
		n := numberOfBase64(entry.N)
		e := numberOfBase64(entry.E)
		if n == nil || e == nil || n.BitLen() < minRsaBits || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil, nil
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, []string{"RS256", "RS384", "RS512", "PS256"}
	case "EC P-256":
		return ecKey(elliptic.P256(), entry), []string{"ES256"}
	case "EC P-384":
		return ecKey(elliptic.P384(), entry), []string{"ES384"}
	case "OKP Ed25519":
		x, err := base64.RawURLEncoding.DecodeString(entry.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, nil
		}
		return ed25519.PublicKey(x), []string{"EdDSA"}
	}
	return nil, nil
}

func ecKey(curve elliptic.Curve, entry jwksEntry) interface{} {
	x := numberOfBase64(entry.X)
	y := numberOfBase64(entry.Y)
	if x == nil || y == nil || !curve.IsOnCurve(x, y) {
		return nil
	}
	return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
}

func numberOfBase64(text string) *big.Int {
	bytes, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(bytes) == 0 || len(bytes) > 1024 {
		return nil
	}
	return new(big.Int).SetBytes(bytes)
}
