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
			// The reverse proxy has dropped these, because they could have been anybody's; here they are the gate's.
			r.Out.Header["X-Forwarded-Proto"] = r.In.Header["X-Forwarded-Proto"]
			if len(r.In.Header["X-Forwarded-For"]) > 0 {
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			}
		},
		ModifyResponse: func(response *http.Response) error {
			for _, name := range dropped {
				delete(response.Header, name)
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

// forward sends the request up, with the headers of its plan and no other.
func (c *call) forward(granted *plan) *refusal {
	model := c.pol.Models[0]
	proxy, err := c.state.upstreams.of(c.pol, model.Upstream)
	if err != nil {
		return &refusal{code: "policy_unavailable", reason: "upstream"}
	}
	out := c.req.WithContext(c.req.Context())
	out.Header = granted.headers.Clone()
	out.Header["X-Request-Id"] = []string{c.id}
	if model.Key {
		key, err := c.state.secret(c.pol, "upstream/"+model.ID+".key")
		if err != nil || key == "" || len(key) > 512 || !only(key, visibleBytes) {
			return &refusal{code: "policy_unavailable", reason: "upstream_key"}
		}
		out.Header["Authorization"] = []string{"Bearer " + key}
	}
	if granted.websocket {
		out.Header["Connection"] = []string{"Upgrade"}
		out.Header["Upgrade"] = []string{"websocket"}
	}
	proxy.ServeHTTP(c.rw, out)
	return nil
}
