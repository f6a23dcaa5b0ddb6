package gate

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"
)

/*
Steps 2 to 7 depend on the head of a request, on who sent it, on the files and, for what expires, on the time; on nothing
else. So what was granted is remembered for that very head until one of them changes: an interpreted decision takes ten
times as long as looking one up. Refusals are not remembered, so that nobody fills the memory, and neither is what was
granted to a password, whose failures are counted, or to a certificate, which is not in the head.
*/

// plan is a request that steps 2 to 7 let through.
type plan struct {
	limits clientRecord
	// websocket says whether the route is one.
	websocket bool
	// headers go upstream.
	headers http.Header
	// What the log shows.
	path    []string
	address []string
	route   []string
	client  []string
	role    []string
	// until is the first moment at which a part of it expires.
	until time.Time
}

const maxPlans = 500

// How long a plan without an end is kept; its files are followed all the while.
const keepPlan = time.Hour

// readHead takes everything of a request that steps 2 to 7 look at, exactly: %q leaves nothing out and makes nothing equal.
// It stays empty where there is more to look at, and for a WebSocket.
func (c *call) readHead() {
	if c.req.TLS == nil || len(c.req.TLS.PeerCertificates) > 0 || len(c.req.Header["Upgrade"]) > 0 {
		return
	}
	url := c.req.URL
	target := fmt.Sprintf("%q %q %q %q", c.req.RequestURI, url.Path, url.RawPath, url.RawQuery)
	text := fmt.Sprintf("%q %s %q %q %q", c.req.Method, target, c.req.Host, peerOf(c.req), c.req.Header)
	sum := sha256.Sum256([]byte(text))
	c.head = string(sum[:])
}

// expires notes that what is being decided holds until then at the latest; until now, where it must not be remembered.
func (c *call) expires(at time.Time) {
	if at.Before(c.until) {
		c.until = at
	}
}

// remembered is a plan, or nil; and of which files.
func (s *state) remembered(head string) (*plan, int) {
	s.mu.RLock()
	known := s.plans[head]
	generation := s.generation
	s.mu.RUnlock()
	if known != nil && time.Now().Before(known.until) {
		return known, generation
	}
	return nil, generation
}

// remember keeps a plan, unless the files have changed since the decision began.
func (s *state) remember(head string, granted *plan, generation int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return
	}
	if len(s.plans) >= maxPlans {
		s.plans = map[string]*plan{}
	}
	s.plans[head] = granted
}

// planFor is what was granted to such a request before, or what is granted to it now. Neither where it was answered.
func (c *call) planFor() (*plan, *refusal) {
	known, generation := c.state.remembered(c.head)
	if known != nil {
		c.req.Header[logPrefix+"Path"] = known.path
		c.req.Header[logPrefix+"Address"] = known.address
		c.req.Header[logPrefix+"Route"] = known.route
		c.req.Header[logPrefix+"Client"] = known.client
		c.req.Header[logPrefix+"Role"] = known.role
		return known, nil
	}
	c.until = time.Now().Add(keepPlan)
	granted, refused := c.judge()
	if granted == nil || refused != nil {
		return nil, refused
	}
	if c.head != "" && time.Now().Before(granted.until) {
		c.state.remember(c.head, granted, generation)
	}
	return granted, nil
}

// upstreamHeaders are what goes up: nothing of the caller's that is not on the list, and the gate's own.
func (c *call) upstreamHeaders(client string, role string) http.Header {
	passes := c.pol.Passes
	if c.route.Websocket {
		passes = c.pol.PassesWebsocket
	}
	headers := http.Header{}
	for name, values := range c.req.Header {
		value := strings.Join(values, ", ")
		if passes[name] && value != "" {
			headers[name] = []string{value}
		}
	}
	if len(headers["User-Agent"]) == 0 {
		// Else Go sends one of its own.
		headers["User-Agent"] = nil
	}
	headers.Set("X-Gatewright-Client", client)
	headers.Set("X-Gatewright-Role", role)
	caller, known := c.caller()
	if known {
		headers.Set("X-Forwarded-For", addressText(caller))
	}
	headers.Set("X-Forwarded-Proto", "https")
	return headers
}
