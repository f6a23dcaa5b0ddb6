package gate

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// policy is policy.json; docs/policy.md says what its parts mean.
type policy struct {
	Format              int                       `json:"format"`
	Hash                string                    `json:"hash"`
	Hosts               map[string]int            `json:"hosts"`
	Limits              policyLimits              `json:"limits"`
	SingleHeaders       []string                  `json:"singleHeaders"`
	ForbiddenParameters map[string]int            `json:"forbiddenParameters"`
	Paths               map[string]pathPolicy     `json:"paths"`
	Patterns            []pathPolicy              `json:"patterns"`
	Methods             map[string]int            `json:"methods"`
	KeyHeaders          []string                  `json:"keyHeaders"`
	SecretHeaders       []string                  `json:"secretHeaders"`
	Branches            [][]string                `json:"branches"`
	Beside              [][]string                `json:"beside"`
	Allow               []addressRange            `json:"allow"`
	Trusted             []addressRange            `json:"trusted"`
	AddressClient       string                    `json:"addressClient"`
	Roles               map[string]map[string]int `json:"roles"`
	Failures            policyRate                `json:"failures"`
	Cors                map[string]int            `json:"cors"`
	PassedHeaders       []string                  `json:"passedHeaders"`
	WebsocketHeaders    []string                  `json:"websocketHeaders"`
	Models              []policyModel             `json:"models"`
	HTTPS               int                       `json:"https"`
	FirstHost           string                    `json:"firstHost"`
	Statuses            map[string]int            `json:"statuses"`
	Bodies              map[string]string         `json:"bodies"`
	Private             string                    `json:"private"`
	Passwords           string                    `json:"passwords"`
	Jwt                 policyJwt                 `json:"jwt"`

	// Made of the lists above when the policy is read; names as Go writes them.
	IsSingle        map[string]bool `json:"-"`
	Passes          map[string]bool `json:"-"`
	PassesWebsocket map[string]bool `json:"-"`
}

type policyJwt struct {
	Issuer   string               `json:"issuer"`
	Audience string               `json:"audience"`
	Client   string               `json:"client"`
	Roles    string               `json:"roles"`
	Role     string               `json:"role"`
	Leeway   int64                `json:"leeway"`
	URL      string               `json:"url"`
	Keys     []policyJwtKey       `json:"keys"`
	Subjects map[string]string    `json:"subjects"`
	Limits   map[string]roleLimit `json:"limits"`
}

type policyJwtKey struct {
	Kid  string `json:"kid"`
	Alg  string `json:"alg"`
	Spki string `json:"spki"`
	File string `json:"file"`
}

// roleLimit is as in clients.txt, but for "" where a limit is absent.
type roleLimit struct {
	Rate       string `json:"rate"`
	Concurrent string `json:"concurrent"`
}

type policyLimits struct {
	Target      int         `json:"target"`
	HeaderBytes int         `json:"headerBytes"`
	HeaderLines int         `json:"headerLines"`
	Body        int64       `json:"body"`
	Concurrent  int         `json:"concurrent"`
	Key         policyRange `json:"key"`
	Password    int         `json:"password"`
}

type policyRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

type policyRate struct {
	Count   int `json:"count"`
	Seconds int `json:"seconds"`
}

type policyModel struct {
	ID       string `json:"id"`
	Key      bool   `json:"key"`
	Upstream string `json:"upstream"`
}

type pathPolicy struct {
	Head    string                 `json:"head"`
	Tail    string                 `json:"tail"`
	Allow   string                 `json:"allow"`
	Methods map[string]routePolicy `json:"methods"`
}

type routePolicy struct {
	Route     string `json:"route"`
	Websocket bool   `json:"websocket"`
}

func (p *policy) pathPolicy(path string) *pathPolicy {
	exact, ok := p.Paths[path]
	if ok {
		return &exact
	}
	for i := range p.Patterns {
		pattern := p.Patterns[i]
		if len(path) <= len(pattern.Head)+len(pattern.Tail) || !strings.HasPrefix(path, pattern.Head) || !strings.HasSuffix(path, pattern.Tail) {
			continue
		}
		id := path[len(pattern.Head) : len(path)-len(pattern.Tail)]
		if len(id) <= 128 && only(id, nameBytes) {
			return &pattern
		}
	}
	return nil
}

func readPolicy(folder string) (*policy, error) {
	text, err := os.ReadFile(filepath.Join(folder, "policy.json"))
	if err != nil {
		return nil, errors.New("policy.json cannot be read")
	}
	read := &policy{}
	err = json.Unmarshal(text, read)
	if err != nil || read.Format != 1 || read.Hash == "" || len(read.Models) == 0 || len(read.Hosts) == 0 {
		return nil, errors.New("policy.json is not whole")
	}
	read.IsSingle = canonicalSet(read.SingleHeaders)
	read.Passes = canonicalSet(read.PassedHeaders)
	read.PassesWebsocket = canonicalSet(append(append([]string{}, read.PassedHeaders...), read.WebsocketHeaders...))
	return read, nil
}

func canonicalSet(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[canonical(name)] = true
	}
	return set
}

// clientRecord is a line of clients.txt; a count of 0 is no rate, concurrent 0 no limit of slots.
type clientRecord struct {
	role       string
	count      int
	seconds    int
	concurrent int
}

type keyRecord struct {
	client  string
	expires int64
}

func (s *state) client(pol *policy, name string) (clientRecord, bool, error) {
	record := clientRecord{}
	line, ok, err := s.find(s.clients, name)
	if err != nil || !ok {
		return record, false, err
	}
	words := strings.Split(line, " ")
	if len(words) != 3 {
		return record, false, errors.New("clients.txt is not a look-up")
	}
	return limited(words[0], words[1], words[2]), true, nil
}

// limited is a role with its limits as text: `60-60` is 60 in 60 seconds; "-" or nothing is no limit.
func limited(role string, rate string, concurrent string) clientRecord {
	record := clientRecord{role: role}
	if rate != "-" && rate != "" {
		parts := strings.Split(rate, "-")
		if len(parts) != 2 {
			panic("a limit is not a rate")
		}
		record.count = number(parts[0])
		record.seconds = number(parts[1])
	}
	if concurrent != "-" && concurrent != "" {
		record.concurrent = number(concurrent)
	}
	return record
}

// record is what a caller may: a client of the spec by its name, or a token's own by its role. False where nobody knows it.
func (c *call) record(who identity) (clientRecord, bool, error) {
	if !who.byRole {
		return c.state.client(c.pol, who.client)
	}
	limits, known := c.pol.Jwt.Limits[who.role]
	if !known {
		return clientRecord{}, false, nil
	}
	return limited(who.role, limits.Rate, limits.Concurrent), true, nil
}

func (s *state) key(digest string) (keyRecord, bool, error) {
	line, ok, err := s.find(s.keys, digest)
	if err != nil || !ok {
		return keyRecord{}, false, err
	}
	at := strings.IndexByte(line, ' ')
	if at <= 0 {
		return keyRecord{}, false, errors.New("api-keys.txt is not a look-up")
	}
	expires, err := strconv.ParseInt(line[at+1:], 10, 64)
	if err != nil {
		return keyRecord{}, false, errors.New("api-keys.txt is not a look-up")
	}
	return keyRecord{client: line[:at], expires: expires}, true, nil
}

// number reads a count; what is none refuses, because a limit must not be lost.
func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil || value <= 0 {
		panic("a limit is not a number")
	}
	return value
}
