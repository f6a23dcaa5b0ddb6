package gate

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

func canonical(name string) string { return http.CanonicalHeaderKey(name) }

// commonHeaders sets what stands in every answer. The upstream's own are dropped in its place.
func (c *call) commonHeaders() {
	headers := c.rw.Header()
	headers.Set("X-Request-Id", c.id)
	headers.Set("Strict-Transport-Security", "max-age=31536000")
	headers.Set("X-Content-Type-Options", "nosniff")
	if c.pol == nil || len(c.pol.Cors) == 0 {
		return
	}
	headers.Set("Vary", "Origin")
	origins := c.req.Header["Origin"]
	if len(origins) == 1 && c.pol.Cors[origins[0]] == 1 {
		headers.Set("Access-Control-Allow-Origin", origins[0])
		headers.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
	}
}

// A caller who is still sending would otherwise get a reset in place of the answer.
const lingerFor = 2 * time.Second

// answer ends the request. It does not wait for a body that is still to come: the answer goes out at once, then what
// the caller was sending is thrown away for a moment, and the connection ends.
func (c *call) answer(status int, body string) {
	c.leave()
	headers := c.rw.Header()
	pending := c.req.ContentLength != 0 && c.req.ProtoMajor == 1
	if pending {
		headers.Set("Connection", "close")
	}
	if body != "" {
		headers.Set("Content-Type", "application/json")
		headers.Set("Content-Length", strconv.Itoa(len(body)))
	}
	c.rw.WriteHeader(status)
	if body != "" && c.req.Method != http.MethodHead {
		c.rw.Write([]byte(body))
	}
	if !pending || len(c.req.Header["Expect"]) > 0 {
		return
	}
	err := http.NewResponseController(c.rw).Flush()
	if err != nil {
		return
	}
	// Traefik gives no way to set a deadline here, so one read may take as long as the entry point's readTimeout.
	until := time.Now().Add(lingerFor)
	buffer := make([]byte, 64<<10)
	for time.Now().Before(until) {
		_, err = c.req.Body.Read(buffer)
		if err != nil {
			return
		}
	}
}

func (c *call) refuse(refused *refusal) {
	reason := refused.reason
	if reason == "" {
		reason = refused.code
	}
	c.log("Code", refused.code)
	c.log("Reason", reason)
	headers := c.rw.Header()
	if refused.wait > 0 {
		headers.Set("Retry-After", strconv.Itoa(refused.wait))
	}
	if refused.code == "method_not_allowed" {
		headers.Set("Allow", c.known.Allow)
	}
	if refused.code == "invalid_credentials" {
		c.challenge()
	}
	c.answer(c.pol.Statuses[refused.code], c.pol.Bodies[refused.code])
}

// challenge adds a line for each header method, Bearer first.
func (c *call) challenge() {
	headers := c.rw.Header()
	if c.pol.Methods["apiKey"] == 1 || c.pol.Methods["jwt"] == 1 {
		sent := c.authorization()
		line := `Bearer realm="gatewright"`
		if (sent.ok && sent.scheme == "bearer") || len(c.presentedKeys()) > 0 {
			line = line + `, error="invalid_token"`
		}
		headers.Add("WWW-Authenticate", line)
	}
	if c.pol.Methods["basic"] == 1 {
		headers.Add("WWW-Authenticate", `Basic realm="gatewright", charset="UTF-8"`)
	}
}

const unavailableBody = `{"error":{"message":"The gateway cannot decide at the moment.","type":"api_error","param":null,"code":"policy_unavailable"}}`

func (c *call) unavailable(reason string, fault string) {
	c.log("Code", "policy_unavailable")
	c.log("Reason", reason)
	c.log("Fault", fault)
	c.answer(http.StatusServiceUnavailable, unavailableBody)
}

func (c *call) preflight() {
	c.log("Code", "preflight")
	headers := c.rw.Header()
	headers.Set("Access-Control-Allow-Methods", c.known.Allow)
	headers.Set("Access-Control-Max-Age", "600")
	wanted, _ := c.header("Access-Control-Request-Headers")
	names := strings.Split(wanted, ",")
	all := len(names) <= 64
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		if names[i] == "" || len(names[i]) > 64 || !only(names[i], alnum+"-") {
			all = false
		}
	}
	if all {
		headers.Set("Access-Control-Allow-Headers", strings.Join(names, ", "))
	}
	c.answer(http.StatusNoContent, "")
}

// redirect is port 80: where to, for a request that carries no secret and has a safe target.
func (c *call) redirect() {
	headers := c.rw.Header()
	headers.Set("X-Request-Id", c.id)
	headers.Set("X-Content-Type-Options", "nosniff")
	target, ok := splitTarget(c.req.RequestURI)
	c.target = target
	if ok && strings.HasPrefix(target.path, "/.well-known/acme-challenge/") {
		c.answer(http.StatusNotFound, c.pol.Bodies["not_found"])
		return
	}
	safe := ok && (c.req.Method == "GET" || c.req.Method == "HEAD") && !hasControl(c.req.RequestURI) && !strings.Contains(c.req.RequestURI, " ")
	if safe && c.hasForbiddenParameter() {
		safe = false
	}
	for _, name := range c.pol.SecretHeaders {
		if len(c.req.Header[canonical(name)]) > 0 {
			safe = false
		}
	}
	if !safe {
		c.refuse(&refusal{code: "https_required"})
		return
	}
	host, listed := c.pol.listedHost(c.authority())
	if !listed {
		host = c.pol.FirstHost
	}
	port := ""
	if c.pol.HTTPS != 443 {
		port = ":" + strconv.Itoa(c.pol.HTTPS)
	}
	query := ""
	if target.hasQuery {
		query = "?" + target.query
	}
	headers.Set("Location", "https://"+host+port+target.path+query)
	c.answer(http.StatusPermanentRedirect, "")
}
