package gate

import (
	"math"
	"time"
)

// take takes one of `count` in `seconds` from a bucket (GCRA: what is kept is the time at which it will be full again,
// in µs). It returns 0, or the seconds after which one is there again.
func (s *state) take(bucket string, count int, seconds int) int {
	return s.draw(bucket, count, seconds, true)
}

// wait is what take would return, without taking.
func (s *state) wait(bucket string, count int, seconds int) int {
	return s.draw(bucket, count, seconds, false)
}

func (s *state) draw(bucket string, count int, seconds int, keep bool) int {
	now := float64(time.Now().UnixMicro())
	capacity := float64(seconds) * 1e6
	s.counters.Lock()
	defer s.counters.Unlock()
	full := math.Max(s.buckets[bucket], now) + capacity/float64(count)
	if full-now > capacity+1 {
		return int(math.Max(1, math.Ceil((full-now-capacity)/1e6)))
	}
	if keep {
		s.buckets[bucket] = full
		if len(s.buckets) > 10000 {
			s.forgetFull(now)
		}
	}
	return 0
}

// A bucket that is full again says nothing.
func (s *state) forgetFull(now float64) {
	for name, full := range s.buckets {
		if full <= now {
			delete(s.buckets, name)
		}
	}
}

func (s *state) enter(slot string, limit int) bool {
	s.counters.Lock()
	defer s.counters.Unlock()
	if s.used[slot] >= limit {
		return false
	}
	s.used[slot] = s.used[slot] + 1
	return true
}

func (s *state) leave(slot string) {
	s.counters.Lock()
	defer s.counters.Unlock()
	s.used[slot] = s.used[slot] - 1
	if s.used[slot] <= 0 {
		delete(s.used, slot)
	}
}
