package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

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
