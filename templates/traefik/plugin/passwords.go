package gate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"sync"
	"time"
)

/*
Passwords. bcrypt is Traefik's own: behind an entry point on loopback stands a router that asks for a secret header,
then basicAuth. 418 (nothing is served there) means right, 401 wrong, and anything else that nobody can tell.
*/

const (
	rememberFor = 60 * time.Second
	// How many may wait for the one hash at a time; a hash takes about 55 ms.
	maxWaiting = 64
)

type passwordResult struct {
	right bool
	wait  int
}

// flight is a check that is under way, for all who ask the same.
type flight struct {
	done   chan struct{}
	result passwordResult
	failed bool
}

type passwordCheck struct {
	mu      sync.Mutex
	secret  []byte
	known   map[string]time.Time
	flights map[string]*flight
	waiting int
	slot    chan struct{}
	client  *http.Client
}

func newPasswordCheck() *passwordCheck {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	if err != nil {
		panic("no randomness")
	}
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	transport := &http.Transport{
		MaxIdleConnsPerHost: 2,
		DialContext: func(ctx context.Context, network string, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
	return &passwordCheck{
		secret:  secret,
		known:   map[string]time.Time{},
		flights: map[string]*flight{},
		slot:    make(chan struct{}, 1),
		client:  &http.Client{Transport: transport, Timeout: 20 * time.Second},
	}
}

func (p *passwordCheck) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = map[string]time.Time{}
}

// checkPassword says whether a pair `name:password` is right, or after how many seconds it may be asked. A right one is
// remembered under an HMAC. A failure counts before the slot is free again, so that parallel guesses cost as many hashes
// as the limit says and no more.
func (s *state) checkPassword(pol *policy, counted string, pair string) passwordResult {
	p := s.passwords
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(counted + " " + pair))
	memory := string(mac.Sum(nil))
	bucket := "failures " + counted

	p.mu.Lock()
	if time.Now().Before(p.known[memory]) {
		p.mu.Unlock()
		return passwordResult{right: true}
	}
	joined, under := p.flights[memory]
	if under {
		p.mu.Unlock()
		<-joined.done
		if joined.failed {
			panic("the password check failed")
		}
		return joined.result
	}
	wait := s.wait(bucket, pol.Failures.Count, pol.Failures.Seconds)
	if wait > 0 {
		p.mu.Unlock()
		return passwordResult{wait: wait}
	}
	if p.waiting >= maxWaiting {
		p.mu.Unlock()
		panic("too many passwords at once")
	}
	p.waiting = p.waiting + 1
	mine := &flight{done: make(chan struct{}), failed: true}
	p.flights[memory] = mine
	p.mu.Unlock()

	p.slot <- struct{}{}
	wait = s.wait(bucket, pol.Failures.Count, pol.Failures.Seconds)
	asked := true
	right := false
	if wait == 0 {
		right, asked = s.askTraefik(pol, pair)
		if asked && !right {
			s.take(bucket, pol.Failures.Count, pol.Failures.Seconds)
		}
	}
	<-p.slot

	p.mu.Lock()
	p.waiting = p.waiting - 1
	delete(p.flights, memory)
	mine.result = passwordResult{right: right, wait: wait}
	mine.failed = !asked
	if right {
		p.known[memory] = time.Now().Add(rememberFor)
		p.sweep()
	}
	p.mu.Unlock()
	close(mine.done)
	if !asked {
		panic("the password check failed")
	}
	return mine.result
}

func (p *passwordCheck) sweep() {
	now := time.Now()
	for memory, until := range p.known {
		if now.After(until) {
			delete(p.known, memory)
		}
	}
}

func (s *state) askTraefik(pol *policy, pair string) (bool, bool) {
	secret, err := s.secret(pol, "passwords/remember.secret")
	if err != nil {
		return false, false
	}
	req, err := http.NewRequest("GET", pol.Passwords, nil)
	if err != nil {
		return false, false
	}
	req.Header.Set("X-Gatewright-Secret", secret)
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	answer, err := s.passwords.client.Do(req)
	if err != nil {
		return false, false
	}
	answer.Body.Close()
	if answer.StatusCode == http.StatusTeapot {
		return true, true
	}
	return false, answer.StatusCode == http.StatusUnauthorized
}
