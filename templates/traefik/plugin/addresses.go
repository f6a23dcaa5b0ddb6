package gate

import (
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// addressRange is a range as docs/policy.md has it: 32 hex digits, IPv4 in ::ffff:0:0/96.
type addressRange struct {
	Hex  string `json:"hex"`
	Bits int    `json:"bits"`
}

// addressHex gives the 32 hex digits of an address: no port, no zone, no leading zeros in IPv4.
func addressHex(text string) (string, bool) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return "", false
	}
	bytes := address.As16()
	return hex.EncodeToString(bytes[:]), true
}

func inRanges(ranges []addressRange, digits string) bool {
	for i := range ranges {
		if sameBits(ranges[i].Hex, digits, ranges[i].Bits) {
			return true
		}
	}
	return false
}

func sameBits(a string, b string, bits int) bool {
	whole := bits / 4
	if a[:whole] != b[:whole] {
		return false
	}
	rest := bits % 4
	if rest == 0 {
		return true
	}
	first, _ := strconv.ParseUint(a[whole:whole+1], 16, 8)
	second, _ := strconv.ParseUint(b[whole:whole+1], 16, 8)
	return first>>(4-uint(rest)) == second>>(4-uint(rest))
}

func peerOf(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return req.RemoteAddr
	}
	return host
}

func stripPort(entry string) string {
	if strings.HasPrefix(entry, "[") {
		end := strings.IndexByte(entry, ']')
		if end > 0 && (end == len(entry)-1 || isPort(entry[end+1:])) {
			return entry[1:end]
		}
		return entry
	}
	colon := strings.IndexByte(entry, ':')
	if colon >= 0 && isPort(entry[colon:]) {
		return entry[:colon]
	}
	return entry
}

func isPort(text string) bool {
	if len(text) < 2 || len(text) > 6 || text[0] != ':' {
		return false
	}
	return only(text[1:], decimals)
}

// caller is the address behind trusted proxies; false when it cannot be known.
func (c *call) caller() (string, bool) {
	if !c.callerRead {
		c.callerRead = true
		c.callerText, c.callerKnown = c.behindProxies()
	}
	return c.callerText, c.callerKnown
}

func (c *call) behindProxies() (string, bool) {
	peer := peerOf(c.req)
	digits, ok := addressHex(peer)
	if !ok {
		return "", false
	}
	lines := c.req.Header["X-Forwarded-For"]
	if len(lines) == 0 || !inRanges(c.pol.Trusted, digits) {
		return peer, true
	}
	entries := strings.Split(strings.Join(lines, ","), ",")
	last := peer
	for i := len(entries) - 1; i >= 0; i-- {
		last = stripPort(strings.TrimSpace(entries[i]))
		entry, known := addressHex(last)
		if !known {
			return "", false
		}
		if !inRanges(c.pol.Trusted, entry) {
			return last, true
		}
	}
	return last, true
}

// addressText is dotted for IPv4, mapped or not.
func addressText(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil || !(address.Is4() || address.Is4In6()) {
		return strings.ToLower(text)
	}
	return address.Unmap().String()
}

// countedAddress is what failures are counted by: an IPv4 address, or the /64 of another.
func countedAddress(digits string) string {
	if strings.HasPrefix(digits, "00000000000000000000ffff") || len(digits) < 16 {
		return digits
	}
	return digits[:16]
}
