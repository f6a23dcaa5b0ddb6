package gate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

/*
The way to the upstream. Go's own reverse proxy, so that its failures can be told as JSON without touching what an
upstream says, and so that a stream is flushed as it comes.
*/

type upstreams struct {
	mu      sync.Mutex
	proxies map[string]*httputil.ReverseProxy
}

func newUpstreams() *upstreams {
	return &upstreams{proxies: map[string]*httputil.ReverseProxy{}}
}

func (u *upstreams) of(pol *policy, address string) (*httputil.ReverseProxy, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	known, ok := u.proxies[address]
	if ok {
		return known, nil
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		MaxIdleConnsPerHost: 64,
		// vLLM closes idle connections after 5 s.
		IdleConnTimeout:       4 * time.Second,
		ResponseHeaderTimeout: 600 * time.Second,
		DisableCompression:    true,
		DialContext: func(ctx context.Context, network string, to string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, to)
		},
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(parsed)
			r.Out.Host = parsed.Host
			r.Out.URL.Path = r.In.URL.Path
			r.Out.URL.RawPath = r.In.URL.RawPath
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			for name := range r.Out.Header {
				if strings.HasPrefix(name, logPrefix) {
					r.Out.Header.Del(name)
				}
			}
			// The reverse proxy has dropped these, because they could have been anybody's; by now they are the gate's.
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto"} {
				if len(r.In.Header[name]) > 0 {
					r.Out.Header[name] = r.In.Header[name]
				}
			}
		},
		ModifyResponse: func(response *http.Response) error {
			for _, name := range dropped {
				response.Header.Del(name)
			}
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, req *http.Request, err error) {
			failed(pol, rw, req, err)
		},
	}
	u.proxies[address] = proxy
	return proxy, nil
}

// What the gate says itself, in every answer.
var dropped = []string{
	"X-Request-Id",
	"Access-Control-Allow-Origin",
	"Access-Control-Allow-Credentials",
	"Access-Control-Allow-Methods",
	"Access-Control-Allow-Headers",
	"Access-Control-Expose-Headers",
	"Strict-Transport-Security",
	"X-Content-Type-Options",
	"Server",
}

func failed(pol *policy, rw http.ResponseWriter, req *http.Request, err error) {
	if req.Context().Err() != nil {
		// The caller has left.
		panic(http.ErrAbortHandler)
	}
	code := "upstream_unreachable"
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		code = "upstream_timeout"
	}
	req.Header.Set(logPrefix+"Code", code)
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(pol.Statuses[code])
	rw.Write([]byte(pol.Bodies[code]))
}

// readBody takes in a body of unknown length, so that one over the limit reaches nobody.
func (c *call) readBody() bool {
	read, err := io.ReadAll(io.LimitReader(c.req.Body, c.pol.Limits.Body+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if int64(len(read)) > c.pol.Limits.Body {
		return false
	}
	c.req.Body = io.NopCloser(bytes.NewReader(read))
	c.req.ContentLength = int64(len(read))
	c.req.TransferEncoding = nil
	return true
}

// forward sends the request up, with nothing of the caller's that is not on the list.
func (c *call) forward(client string, role string) *refusal {
	model := c.pol.Models[0]
	key := ""
	if model.Key {
		read, err := c.state.secret(c.pol, "upstream/"+model.ID+".key")
		if err != nil || read == "" || len(read) > 512 || !only(read, func(b byte) bool { return b > 0x20 && b < 0x7f }) {
			return &refusal{code: "policy_unavailable", reason: "upstream_key"}
		}
		key = read
	}
	proxy, err := c.state.upstreams.of(c.pol, model.Upstream)
	if err != nil {
		return &refusal{code: "policy_unavailable", reason: "upstream"}
	}
	caller, callerKnown := c.caller()
	kept := map[string]string{}
	passed := c.pol.PassedHeaders
	if c.route.Websocket {
		passed = append(append([]string{}, passed...), c.pol.WebsocketHeaders...)
	}
	for _, name := range passed {
		value := strings.Join(c.req.Header[canonical(name)], ", ")
		if value != "" {
			kept[canonical(name)] = value
		}
	}
	headers := c.req.Header
	for name := range headers {
		if !strings.HasPrefix(name, logPrefix) {
			delete(headers, name)
		}
	}
	for name, value := range kept {
		headers[name] = []string{value}
	}
	if kept["User-Agent"] == "" {
		headers["User-Agent"] = nil
	}
	if c.route.Websocket {
		headers.Set("Connection", "Upgrade")
		headers.Set("Upgrade", "websocket")
	}
	if key != "" {
		headers.Set("Authorization", "Bearer "+key)
	}
	headers.Set("X-Gatewright-Client", client)
	headers.Set("X-Gatewright-Role", role)
	headers.Set("X-Request-Id", c.id)
	if callerKnown {
		headers.Set("X-Forwarded-For", addressText(caller))
	}
	headers.Set("X-Forwarded-Proto", "https")
	proxy.ServeHTTP(c.rw, c.req)
	return nil
}
