package gate

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
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

// lookUp is a file of lines `key word …`, of which the first says which policy they belong to.
type lookUp struct {
	name  string
	mark  string
	lines map[string]string
	err   error
}

// follow reads the file again when it has changed; what was read before is worth nothing once it is gone.
func (l *lookUp) follow(folder string, hash string) {
	file := filepath.Join(folder, l.name)
	stat, err := os.Stat(file)
	if err != nil {
		l.err = errors.New(l.name + " is not there")
		l.mark = ""
		return
	}
	mark := hash + " " + strconv.FormatInt(stat.ModTime().UnixNano(), 10) + " " + strconv.FormatInt(stat.Size(), 10)
	if mark == l.mark {
		return
	}
	l.mark = mark
	text, err := os.ReadFile(file)
	if err != nil {
		l.err = errors.New(l.name + " cannot be read")
		return
	}
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if all[0] != "# policy "+hash {
		l.err = errors.New(l.name + " belongs to another policy")
		return
	}
	lines := make(map[string]string, len(all))
	for _, line := range all[1:] {
		at := strings.IndexByte(line, ' ')
		if at <= 0 {
			l.err = errors.New(l.name + " is not a look-up")
			return
		}
		lines[line[:at]] = line[at+1:]
	}
	l.lines = lines
	l.err = nil
}

// state is what the gates of one folder share.
type state struct {
	folder string

	mu           sync.RWMutex
	looked       time.Time
	pol          *policy
	policyMark   string
	policyErr    error
	keys         *lookUp
	clients      *lookUp
	certificates *lookUp
	public       map[string]interface{}
	secrets      map[string]string
	jwks         *jwksCache
	// generation counts changes of the policy and its look-ups; plans are of the present one.
	generation int
	plans      map[string]*plan

	counters  sync.Mutex
	buckets   map[string]float64
	used      map[string]int
	passwords *passwordCheck
	upstreams *upstreams
}

var (
	statesMu sync.Mutex
	states   = map[string]*state{}
)

func stateOf(folder string) *state {
	statesMu.Lock()
	defer statesMu.Unlock()
	known, ok := states[folder]
	if ok {
		return known
	}
	fresh := &state{
		folder:       folder,
		keys:         &lookUp{name: "api-keys.txt"},
		clients:      &lookUp{name: "clients.txt"},
		certificates: &lookUp{name: "certificates.txt"},
		public:       map[string]interface{}{},
		secrets:      map[string]string{},
		plans:        map[string]*plan{},
		buckets:      map[string]float64{},
		used:         map[string]int{},
		passwords:    newPasswordCheck(),
		upstreams:    newUpstreams(),
	}
	states[folder] = fresh
	return fresh
}

// How long files are trusted before they are looked at again.
const lookEvery = 500 * time.Millisecond

// current is the policy of now. Its look-ups have been followed with it.
func (s *state) current() (*policy, error) {
	now := time.Now()
	s.mu.RLock()
	pol := s.pol
	err := s.policyErr
	recent := now.Sub(s.looked) < lookEvery
	s.mu.RUnlock()
	if recent {
		return pol, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.looked) < lookEvery {
		return s.pol, s.policyErr
	}
	before := s.marks()
	s.look()
	if s.marks() != before {
		s.generation = s.generation + 1
		s.plans = map[string]*plan{}
	}
	s.looked = now
	return s.pol, s.policyErr
}

// marks tells one state of the files from another.
func (s *state) marks() string {
	marks := s.policyMark
	for _, l := range []*lookUp{s.keys, s.clients, s.certificates} {
		marks = marks + "\n" + l.mark
		if l.err != nil {
			marks = marks + l.err.Error()
		}
	}
	return marks
}

func (s *state) look() {
	s.secrets = map[string]string{}
	stat, err := os.Stat(filepath.Join(s.folder, "policy.json"))
	if err != nil {
		s.pol = nil
		s.policyErr = errors.New("policy.json is not there")
		s.policyMark = ""
		return
	}
	mark := strconv.FormatInt(stat.ModTime().UnixNano(), 10) + " " + strconv.FormatInt(stat.Size(), 10)
	if mark != s.policyMark {
		pol, readErr := readPolicy(s.folder)
		s.policyMark = mark
		s.pol = pol
		s.policyErr = readErr
		// A changed policy may name other people: whoever was remembered is asked again.
		s.passwords.forget()
	}
	if s.pol == nil {
		return
	}
	s.keys.follow(s.folder, s.pol.Hash)
	s.clients.follow(s.folder, s.pol.Hash)
	s.certificates.follow(s.folder, s.pol.Hash)
}

func (s *state) find(l *lookUp, key string) (string, bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if l.err != nil {
		return "", false, l.err
	}
	line, ok := l.lines[key]
	return line, ok, nil
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

// secret is a file of private/run, as fresh as the policy.
func (s *state) secret(pol *policy, name string) (string, error) {
	s.mu.RLock()
	known, ok := s.secrets[name]
	s.mu.RUnlock()
	if ok {
		return known, nil
	}
	text, err := os.ReadFile(filepath.Join(s.folder, pol.Private, name))
	if err != nil {
		return "", errors.New(name + " cannot be read")
	}
	read := strings.TrimSpace(string(text))
	s.mu.Lock()
	s.secrets[name] = read
	s.mu.Unlock()
	return read, nil
}
