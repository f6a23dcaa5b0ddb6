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
	s.counters.Lock()
	defer s.counters.Unlock()
	return s.drawLocked(bucket, count, seconds, keep)
}

func (s *state) drawLocked(bucket string, count int, seconds int, keep bool) int {
	now := float64(time.Now().UnixMicro())
	capacity := float64(seconds) * 1e6
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

// admit takes one of the client's requests, one of its slots and one of all slots, in this order.
func (c *call) admit(client string, limits clientRecord) *refusal {
	s := c.state
	s.counters.Lock()
	defer s.counters.Unlock()
	if limits.count > 0 {
		wait := s.drawLocked("rate "+client, limits.count, limits.seconds, true)
		if wait > 0 {
			return &refusal{code: "rate_limited", wait: wait}
		}
	}
	slot := "client " + client
	if limits.concurrent > 0 && s.used[slot] >= limits.concurrent {
		return &refusal{code: "too_many_concurrent", wait: 1}
	}
	if s.used["all"] >= c.pol.Limits.Concurrent {
		return &refusal{code: "overloaded"}
	}
	if limits.concurrent > 0 {
		s.used[slot] = s.used[slot] + 1
		c.slots = append(c.slots, slot)
	}
	s.used["all"] = s.used["all"] + 1
	c.slots = append(c.slots, "all")
	return nil
}

// leave gives back what admit took.
func (c *call) leave() {
	if len(c.slots) == 0 {
		return
	}
	s := c.state
	s.counters.Lock()
	defer s.counters.Unlock()
	for _, slot := range c.slots {
		s.used[slot] = s.used[slot] - 1
		if s.used[slot] <= 0 {
			delete(s.used, slot)
		}
	}
	c.slots = nil
}
