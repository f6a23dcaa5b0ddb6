package gate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// leaf is what asking a method gave.
type leaf struct {
	holds  bool
	client string
	reason string
	wait   int
	// fault is why nobody can tell; another alternative may still hold.
	fault string
	// byRole is a token's own client, which has the limits of this role.
	byRole bool
	role   string
}

type identity struct {
	client string
	// byHeader says whether a browser could not have attached the credential by itself.
	byHeader bool
	byRole   bool
	role     string
}

// The cost of asking decides the order inside a branch.
var askingOrder = []string{"ip", "mtls", "apiKey", "jwt", "basic"}

// identify is step 5: the first branch that holds, in the order of the spec.
func (c *call) identify() (identity, *refusal) {
	mismatch := false
	for _, branch := range c.pol.Branches {
		wanted := map[string]bool{}
		for _, method := range branch {
			wanted[method] = true
		}
		holds := true
		same := true
		client := ""
		for _, method := range askingOrder {
			if !wanted[method] || !holds {
				continue
			}
			asked := c.ask(method)
			holds = asked.holds
			if !holds || asked.client == "" {
				continue
			}
			if client == "" {
				client = asked.client
			} else if client != asked.client {
				same = false
			}
		}
		if !holds {
			continue
		}
		if client == "" {
			client = c.pol.AddressClient
		}
		if client == "" || !same {
			mismatch = true
			continue
		}
		who := identity{client: client, byHeader: wanted["apiKey"] || wanted["jwt"]}
		if wanted["jwt"] {
			who.byRole = c.leaves["jwt"].byRole
			who.role = c.leaves["jwt"].role
		}
		return who, nil
	}
	if c.leaves["jwt"].fault != "" {
		c.log("Fault", c.leaves["jwt"].fault)
		return identity{}, &refusal{code: "policy_unavailable", reason: "no_keys"}
	}
	if mismatch {
		return identity{}, &refusal{code: "identity_mismatch"}
	}
	if c.leaves["basic"].wait > 0 {
		return identity{}, &refusal{code: "too_many_failures", wait: c.leaves["basic"].wait}
	}
	if c.besideHolds(false) {
		return identity{}, &refusal{code: "invalid_credentials", reason: c.firstReason()}
	}
	if c.besideHolds(true) {
		return identity{}, &refusal{code: "address_denied", reason: c.firstReason()}
	}
	return identity{}, &refusal{code: "certificate_required", reason: c.firstReason()}
}

// besideHolds says whether an alternative would hold if every header credential did (and every address, if anywhere).
func (c *call) besideHolds(anywhere bool) bool {
	for _, methods := range c.pol.Beside {
		all := true
		for _, method := range methods {
			if !c.ask(method).holds && !(anywhere && method == "ip") {
				all = false
			}
		}
		if all {
			return true
		}
	}
	return false
}

func (c *call) firstReason() string {
	for _, method := range askingOrder {
		asked, ok := c.leaves[method]
		if ok && !asked.holds && asked.reason != "absent" {
			return asked.reason
		}
	}
	return "no_credential"
}

func (c *call) ask(method string) leaf {
	asked, ok := c.leaves[method]
	if ok {
		return asked
	}
	switch method {
	case "ip":
		asked = c.askAddress()
	case "mtls":
		asked = c.askCertificate()
	case "apiKey":
		asked = c.askKey()
	case "jwt":
		asked = c.askToken()
	case "basic":
		asked = c.askPassword()
	default:
		panic("unknown method " + method)
	}
	c.leaves[method] = asked
	return asked
}

func (c *call) askAddress() leaf {
	address, known := c.caller()
	if !known {
		return leaf{reason: "unknown_address"}
	}
	digits, ok := addressHex(address)
	if !ok || !inRanges(c.pol.Allow, digits) {
		return leaf{reason: "address"}
	}
	return leaf{holds: true}
}

func (c *call) askCertificate() leaf {
	// TLS has verified whatever came; without the look at VerifiedChains a change of TLS options would open the gate.
	if c.req.TLS == nil || len(c.req.TLS.PeerCertificates) == 0 || len(c.req.TLS.VerifiedChains) == 0 {
		return leaf{reason: "absent"}
	}
	sum := sha256.Sum256(c.req.TLS.PeerCertificates[0].Raw)
	client, ok, err := c.state.find(c.state.certificates, hex.EncodeToString(sum[:]))
	if err != nil {
		panic("a look-up cannot be used")
	}
	if !ok {
		return leaf{reason: "unknown_certificate"}
	}
	return leaf{holds: true, client: client}
}

// shown is what stands in Authorization.
type shown struct {
	scheme string
	token  string
	ok     bool
	isJwt  bool
}

// authorization is `<scheme> <token>` with one space, or nothing.
func (c *call) authorization() shown {
	if !c.shownRead {
		c.shownRead = true
		c.shown = c.readAuthorization()
	}
	return c.shown
}

func (c *call) readAuthorization() shown {
	value, _ := c.header("Authorization")
	at := strings.IndexByte(value, ' ')
	if at <= 0 || len(value)-at-1 < 1 || len(value)-at-1 > 8192 {
		return shown{}
	}
	scheme := value[:at]
	token := value[at+1:]
	if !only(scheme, letters) || !only(token, tokenBytes) {
		return shown{}
	}
	return shown{scheme: strings.ToLower(scheme), token: token, ok: true, isJwt: c.isJwtShaped(token)}
}

func (c *call) isJwtShaped(token string) bool {
	if c.pol.Methods["jwt"] != 1 {
		return false
	}
	parts := strings.Split(token, ".")
	return len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != "" && only(strings.Join(parts, ""), nameBytes)
}

// presentedKeys is every API key of the request, by the headers that may carry one.
func (c *call) presentedKeys() []string {
	if c.keys != nil {
		return c.keys
	}
	keys := []string{}
	for _, name := range c.pol.KeyHeaders {
		if name != "authorization" {
			value, ok := c.header(canonical(name))
			if ok {
				keys = append(keys, value)
			}
			continue
		}
		sent := c.authorization()
		if sent.ok && sent.scheme == "bearer" && !sent.isJwt {
			keys = append(keys, sent.token)
		}
	}
	c.keys = keys
	return keys
}

func (c *call) askKey() leaf {
	keys := c.presentedKeys()
	if len(keys) == 0 {
		return leaf{reason: "absent"}
	}
	if len(keys[0]) < c.pol.Limits.Key.Min || len(keys[0]) > c.pol.Limits.Key.Max {
		return leaf{reason: "key_length"}
	}
	sum := sha256.Sum256([]byte(keys[0]))
	record, ok, err := c.state.key(hex.EncodeToString(sum[:]))
	if err != nil {
		panic("a look-up cannot be used")
	}
	if !ok {
		return leaf{reason: "unknown_key"}
	}
	if record.expires != 0 && record.expires <= time.Now().Unix() {
		return leaf{reason: "expired_key"}
	}
	if record.expires != 0 {
		c.expires(time.Unix(record.expires, 0))
	}
	return leaf{holds: true, client: record.client}
}

func (c *call) askPassword() leaf {
	sent := c.authorization()
	if !sent.ok || sent.scheme != "basic" {
		return leaf{reason: "absent"}
	}
	// Its failures are counted, and what was right is remembered in its own way.
	c.expires(time.Now())
	pair, err := base64.StdEncoding.DecodeString(sent.token)
	if err != nil {
		return leaf{reason: "basic_form"}
	}
	colon := strings.IndexByte(string(pair), ':')
	if colon < 0 {
		return leaf{reason: "basic_form"}
	}
	name := string(pair[:colon])
	password := string(pair[colon+1:])
	if password == "" || len(password) > c.pol.Limits.Password {
		return leaf{reason: "password_length"}
	}
	_, known, err := c.state.client(c.pol, name)
	if err != nil {
		panic("a look-up cannot be used")
	}
	counted := c.counted()
	if !known {
		// An entry that nobody knows the password of: it takes as long as a known one.
		result := c.state.checkPassword(c.pol, counted+" *", "-:"+password)
		if result.wait > 0 {
			return leaf{reason: "too_many_failures", wait: result.wait}
		}
		return leaf{reason: "unknown_user"}
	}
	result := c.state.checkPassword(c.pol, counted+" "+name, name+":"+password)
	if result.wait > 0 {
		return leaf{reason: "too_many_failures", wait: result.wait}
	}
	if !result.right {
		return leaf{reason: "wrong_password"}
	}
	return leaf{holds: true, client: name}
}

// counted is the address that a failed password counts for.
func (c *call) counted() string {
	address, known := c.caller()
	if !known {
		address = peerOf(c.req)
	}
	digits, _ := addressHex(address)
	return countedAddress(digits)
}
