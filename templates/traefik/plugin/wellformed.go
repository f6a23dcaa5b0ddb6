package gate

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

type target struct {
	path      string
	query     string
	hasQuery  bool
	authority string
	absolute  bool
}

// splitTarget reads an origin-form or absolute-form target.
func splitTarget(raw string) (target, bool) {
	t := target{}
	rest := raw
	lower := strings.ToLower(cut(raw, 8))
	for _, scheme := range []string{"http://", "https://"} {
		if strings.HasPrefix(lower, scheme) {
			rest = raw[len(scheme):]
			end := strings.IndexAny(rest, "/?#")
			if end < 0 {
				end = len(rest)
			}
			t.authority = rest[:end]
			t.absolute = true
			rest = rest[end:]
			if !strings.HasPrefix(rest, "/") {
				rest = "/" + rest
			}
		}
	}
	if !strings.HasPrefix(rest, "/") {
		return t, false
	}
	at := strings.IndexByte(rest, '?')
	t.path = rest
	if at >= 0 {
		t.path = rest[:at]
		t.query = rest[at+1:]
		t.hasQuery = true
	}
	return t, true
}

// isNormal says whether the path is its own normal form.
func isNormal(req *http.Request, t target) bool {
	if hasControl(t.path) || strings.ContainsAny(t.path, " \\#") || hasControl(t.query) || strings.ContainsAny(t.query, " #") {
		return false
	}
	if strings.Contains(t.path, "//") || strings.Contains(t.path, "/./") || strings.Contains(t.path, "/../") {
		return false
	}
	if strings.HasSuffix(t.path, "/.") || strings.HasSuffix(t.path, "/..") {
		return false
	}
	encoded := strings.IndexByte(t.path, '%') >= 0
	for i := 0; encoded && i < len(t.path); i++ {
		if t.path[i] != '%' {
			continue
		}
		if i+2 >= len(t.path) {
			return false
		}
		code, err := strconv.ParseUint(t.path[i+1:i+3], 16, 8)
		if err != nil || code == 0 || strings.IndexByte(alnum+"._~/\\-", byte(code)) >= 0 {
			return false
		}
	}
	// Traefik has decoded unreserved characters by now; what remains of it is that there is a raw path at all. Go also
	// keeps one for characters that it would have encoded itself, and no granted path has any of them.
	return req.URL.RawPath == "" || encoded || !only(t.path, pathBytes)
}

func (c *call) authority() string {
	if c.target.absolute {
		return c.target.authority
	}
	return c.req.Host
}

func (p *policy) listedHost(authority string) (string, bool) {
	host := authority
	port := ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", false
		}
		port = host[end+1:]
		host = host[:end+1]
	} else {
		colon := strings.IndexByte(host, ':')
		if colon >= 0 {
			port = host[colon:]
			host = host[:colon]
		}
	}
	if port != "" && (port[0] != ':' || !only(port[1:], decimals)) {
		return "", false
	}
	host = strings.ToLower(host)
	return host, host != "" && p.Hosts[host] == 1
}

func (c *call) hasForbiddenParameter() bool {
	if !c.target.hasQuery {
		return false
	}
	for _, pair := range strings.Split(c.target.query, "&") {
		name := pair
		at := strings.IndexByte(pair, '=')
		if at >= 0 {
			name = pair[:at]
		}
		decoded, err := url.PathUnescape(name)
		if err != nil {
			decoded = name
		}
		if c.pol.ForbiddenParameters[strings.ToLower(decoded)] == 1 {
			return true
		}
	}
	return false
}

// Traefik adds these before any plugin is asked.
var addedByTraefik = map[string]bool{
	"X-Forwarded-Host":   true,
	"X-Forwarded-Port":   true,
	"X-Forwarded-Proto":  true,
	"X-Forwarded-Server": true,
	"X-Real-Ip":          true,
}

// malformed is step 2.
func (c *call) malformed() *refusal {
	if c.req.Method == "" || !only(c.req.Method, upperLetters+"_-") {
		return &refusal{code: "bad_request", reason: "method_form"}
	}
	for name, values := range c.req.Header {
		if len(values) > 1 && c.pol.IsSingle[name] {
			return &refusal{code: "bad_request", reason: "repeated_header"}
		}
	}
	if len(c.req.RequestURI) > c.pol.Limits.Target {
		return &refusal{code: "uri_too_long", reason: "target_length"}
	}
	lines := 1
	bytes := len("Host") + len(c.req.Host) + 4
	for name, values := range c.req.Header {
		if addedByTraefik[name] || strings.HasPrefix(name, logPrefix) {
			continue
		}
		for _, value := range values {
			lines++
			bytes = bytes + len(name) + len(value) + 4
		}
	}
	if lines > c.pol.Limits.HeaderLines {
		return &refusal{code: "headers_too_large", reason: "header_lines"}
	}
	if bytes > c.pol.Limits.HeaderBytes {
		return &refusal{code: "headers_too_large", reason: "header_bytes"}
	}
	if !c.normal {
		return &refusal{code: "bad_request", reason: "path_form"}
	}
	_, listed := c.pol.listedHost(c.authority())
	if !listed {
		return &refusal{code: "unknown_host", reason: "host"}
	}
	keys := c.presentedKeys()
	for i := 1; i < len(keys); i++ {
		if keys[i] != keys[0] {
			return &refusal{code: "ambiguous_credentials", reason: "two_keys"}
		}
	}
	if !c.connectionIsPlain() {
		return &refusal{code: "bad_request", reason: "connection"}
	}
	if c.hasForbiddenParameter() {
		return &refusal{code: "bad_request", reason: "secret_in_query"}
	}
	return nil
}

func (c *call) header(name string) (string, bool) {
	values := c.req.Header[name]
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

func (c *call) isPreflight() bool {
	origin, hasOrigin := c.header("Origin")
	wanted, hasWanted := c.header("Access-Control-Request-Method")
	if c.req.Method != "OPTIONS" || !hasOrigin || !hasWanted || c.known == nil || c.pol.Cors[origin] != 1 {
		return false
	}
	_, granted := c.known.Methods[wanted]
	return granted
}

// foreignOrigin says whether a page of another origin is calling.
func (c *call) foreignOrigin() bool {
	origin, ok := c.header("Origin")
	if !ok || c.pol.Cors[origin] == 1 {
		return false
	}
	return strings.ToLower(origin) != "https://"+strings.TrimSuffix(strings.ToLower(c.authority()), ":443")
}

// wantsWebsocket says whether the request asks to become a WebSocket. Traefik keeps of Connection that it says upgrade.
func (c *call) wantsWebsocket() bool {
	value, _ := c.header("Upgrade")
	return len(c.req.Header["Connection"]) > 0 && strings.EqualFold(value, "websocket")
}

// connectionIsPlain allows an upgrade on a granted WebSocket alone; everything else of Connection is gone by now.
func (c *call) connectionIsPlain() bool {
	if len(c.req.Header["Connection"]) == 0 {
		return true
	}
	known := c.pol.pathPolicy(c.target.path)
	return known != nil && known.Methods["GET"].Websocket && c.wantsWebsocket()
}
