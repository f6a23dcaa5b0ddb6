// Package gate is what decide() says, for Traefik. It reads policy.json and the look-ups beside it, and nothing else
// decides. Written for Yaegi, which interprets it: one assignment a line, no generics, no wrapped ResponseWriter.
//
// The gate is also the proxy: the service behind its router answers nothing, so that without the gate nothing passes.
package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Config is the plugin's part of the dynamic configuration.
type Config struct {
	// Folder holds policy.json, seen from where Traefik was started.
	Folder string `json:"folder,omitempty"`
	// Listener is "https", or "http" for the one that only redirects.
	Listener string `json:"listener,omitempty"`
}

// CreateConfig gives the defaults.
func CreateConfig() *Config {
	return &Config{Folder: ".", Listener: "https"}
}

type gate struct {
	state *state
	plain bool
}

// New makes a gate. Gates of one folder share their counters, whatever router they are on and however often Traefik
// reads its configuration again.
func New(_ context.Context, _ http.Handler, config *Config, _ string) (http.Handler, error) {
	if config.Listener != "https" && config.Listener != "http" {
		return nil, fmt.Errorf("listener is %q, not https or http", config.Listener)
	}
	return &gate{state: stateOf(config.Folder), plain: config.Listener == "http"}, nil
}

// call is one request on its way through the gate.
type call struct {
	rw     http.ResponseWriter
	req    *http.Request
	pol    *policy
	state  *state
	id     string
	target target
	// normal says whether there is a target and it is its own normal form.
	normal bool
	known  *pathPolicy
	route  routePolicy
	leaves map[string]leaf
	slots  []string

	head  string
	until time.Time

	callerRead  bool
	callerText  string
	callerKnown bool
	shownRead   bool
	shown       shown
	keys        []string
}

// refusal is an answer that is none of the upstream's.
type refusal struct {
	code   string
	reason string
	wait   int
}

func (g *gate) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	c := &call{rw: rw, req: req, state: g.state, leaves: map[string]leaf{}}
	defer c.leave()
	defer func() {
		fault := recover()
		if fault == http.ErrAbortHandler {
			c.abort()
			return
		}
		if fault != nil {
			c.unavailable("gate_error", "the gate failed")
		}
	}()
	pol, err := g.state.current()
	c.pol = pol
	c.id = requestID(c)
	dropLogHeaders(req)
	if !g.plain {
		c.readHead()
	}
	c.log("Id", c.id)
	if err != nil {
		c.commonHeaders()
		c.unavailable("policy", err.Error())
		return
	}
	if g.plain {
		c.redirect()
		return
	}
	c.commonHeaders()
	refused := c.decide()
	if refused != nil {
		c.refuse(refused)
	}
}

// abort ends an answer that cannot be whole, so that nobody takes what came for all of it. A caller who has left needs
// no more; the panic that Go has for this would be written to the log with a stack, and over HTTP/2 there is no other way.
func (c *call) abort() {
	if c.req.Context().Err() != nil {
		return
	}
	conn, _, err := http.NewResponseController(c.rw).Hijack()
	if err == nil {
		conn.Close()
		return
	}
	c.req.URL.RawQuery = ""
	panic(http.ErrAbortHandler)
}

// decide follows the steps of docs/decision.md. Nil when the request was answered.
func (c *call) decide() *refusal {
	granted, refused := c.planFor() // 2 to 7
	if granted == nil || refused != nil {
		return refused
	}
	refused = c.limits(granted) // 8
	if refused != nil {
		return refused
	}
	return c.forward(granted) // 9
}

// judge is steps 2 to 7: whether such a request may pass at all. Neither a plan nor a refusal where it was answered.
func (c *call) judge() (*plan, *refusal) {
	target, ok := splitTarget(c.req.RequestURI)
	c.target = target
	c.normal = ok && isNormal(c.req, target)
	path := ""
	if c.normal {
		path = cut(target.path, 200)
		c.log("Path", path)
	}
	address, addressKnown := c.caller()
	if addressKnown {
		address = addressText(address)
		c.log("Address", address)
	}
	refused := c.malformed() // 2
	if refused != nil {
		return nil, refused
	}
	c.known = c.pol.pathPolicy(target.path)
	if c.isPreflight() { // 3
		c.preflight()
		return nil, nil
	}
	if c.known == nil { // 4
		return nil, &refusal{code: "not_found"}
	}
	route, granted := c.known.Methods[c.req.Method]
	if !granted {
		return nil, &refusal{code: "method_not_allowed"}
	}
	c.route = route
	c.log("Route", route.Route)

	who, refused := c.identify() // 5
	if refused != nil {
		return nil, refused
	}
	record, found, err := c.record(who)
	if err != nil {
		return nil, &refusal{code: "policy_unavailable", reason: "lookup"}
	}
	if !found && !who.byRole {
		return nil, &refusal{code: "policy_unavailable", reason: "unknown_client"}
	}
	c.log("Client", who.client)
	c.log("Role", record.role)

	if (!who.byHeader || route.Websocket) && c.foreignOrigin() { // 6
		return nil, &refusal{code: "origin_denied"}
	}
	if !found { // 7
		return nil, &refusal{code: "route_denied", reason: "unknown_role"}
	}
	if c.pol.Roles[record.role][route.Route] != 1 {
		return nil, &refusal{code: "route_denied"}
	}
	if route.Websocket && !c.wantsWebsocket() {
		return nil, &refusal{code: "upgrade_required"}
	}
	return &plan{
		limits:    record,
		websocket: route.Websocket,
		headers:   c.upstreamHeaders(who.client, record.role),
		path:      []string{path},
		address:   []string{address},
		route:     []string{route.Route},
		client:    []string{who.client},
		role:      []string{record.role},
		until:     c.until,
	}, nil
}

// limits is step 8, in its order.
func (c *call) limits(granted *plan) *refusal {
	for _, encoding := range c.req.Header["Content-Encoding"] {
		if !strings.EqualFold(strings.TrimSpace(encoding), "identity") {
			return &refusal{code: "unsupported_encoding"}
		}
	}
	if c.req.ContentLength > c.pol.Limits.Body {
		return &refusal{code: "body_too_large", reason: "known_length"}
	}
	refused := c.admit(granted.client[0], granted.limits)
	if refused != nil {
		return refused
	}
	if c.req.ContentLength < 0 && !c.readBody() {
		return &refusal{code: "body_too_large", reason: "read_length"}
	}
	return nil
}

// requestID is a trusted proxy's, or a new one of 128 bits.
func requestID(c *call) string {
	ids := c.req.Header["X-Request-Id"]
	if c.pol != nil && len(ids) == 1 && isRequestID(ids[0]) {
		peer, ok := addressHex(peerOf(c.req))
		if ok && inRanges(c.pol.Trusted, peer) {
			return ids[0]
		}
	}
	bytes := make([]byte, 16)
	_, err := rand.Read(bytes)
	if err != nil {
		panic("no randomness")
	}
	return hex.EncodeToString(bytes)
}

func isRequestID(text string) bool {
	return len(text) >= 8 && len(text) <= 64 && only(text, nameBytes)
}

// The access log shows request headers as they are at the end; these are set by the gate alone.
const logPrefix = "X-Gatewright-Log-"

func dropLogHeaders(req *http.Request) {
	for name := range req.Header {
		if strings.HasPrefix(name, logPrefix) {
			req.Header.Del(name)
		}
	}
}

func (c *call) log(name string, value string) {
	c.req.Header[logPrefix+name] = []string{value}
}
