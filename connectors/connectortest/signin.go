package connectortest

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// brief is how long the suite lets a driver wait for a target that says nothing.
const brief = 250 * time.Millisecond

// late is what an error says that is about time.
var late = regexp.MustCompile(`in time|longer than|timeout|time limit`)

// enter signs in as e says and, where the kind sends nothing by that alone, does its
// simplest operation. The error is the requester's.
func (s *suite) enter(t *testing.T, e connectors.Endpoint) error {
	t.Helper()
	return s.enterAs(s.context(t), t, e, s.Secret)
}

func (s *suite) enterAs(ctx context.Context, t *testing.T, e connectors.Endpoint, secret string) error {
	t.Helper()
	g := &Guard{said: &s.said}
	conn, err := s.Driver.Open(ctx, e, mask.NewSecret([]byte(secret)), g)
	if err != nil {
		s.said.add(err.Error())
		return err
	}
	defer conn.Close()
	if s.Web != nil {
		_, err = s.request(s.context(t), conn, g, s.Web.Read)
	}
	return err
}

// hostile are the proofs that a peer which is none is told as what it is. They are
// for kinds that dial.
func (s *suite) hostile() []proof {
	no := s.Endpoint.Address == ""
	return []proof{
		{Unreachable, "", s.testUnreachable, no},
		{Vanished, "at once", s.testHangsUp, no},
		{Vanished, "while one signs in", s.testSignInCut, no},
		{SlowSignIn, "it says nothing", s.testSaysNothing, no},
		{SlowSignIn, "it stops in the middle", s.testSignInStalls, no},
		{Malformed, "noise", s.testNoise, no},
		{Malformed, "broken while one signs in", s.testSignInBroken, no},
		{Oversized, "a first message without end", s.testEndless, no},
	}
}

func (s *suite) testUnreachable(t *testing.T) {
	e := s.Endpoint
	e.Dial = unreachable
	s.fault(t, Fault{"unreachable", e, s.Secret, connectors.ErrUnreachable})
}

// told checks that an error is of one kind and of no other.
func told(t *testing.T, err error, want ...error) {
	t.Helper()
	var is []error
	for _, e := range sentinels {
		if errors.Is(err, e) {
			is = append(is, e)
		}
	}
	for _, w := range want {
		if len(is) == 1 && is[0] == w {
			return
		}
	}
	t.Errorf("the error is %v, want one of %q and no other", err, want)
}

// reached is by way of a peer that is not the target.
func (s *suite) reached(serve func(c net.Conn)) connectors.Endpoint {
	e := s.Endpoint
	e.Dial = s.wire.over(talker(serve))
	return e
}

func (s *suite) testHangsUp(t *testing.T) {
	s.leakless(t, func() {
		err := s.enter(t, s.reached(func(net.Conn) {}))
		told(t, err, connectors.ErrVanished, connectors.ErrUnreachable)
		if err != nil && !strings.Contains(err.Error(), "closed the connection") {
			t.Errorf("%q does not say that the target closed the connection", err)
		}
	})
}

// testSignInCut lets only the first bytes of the real target pass.
func (s *suite) testSignInCut(t *testing.T) {
	for _, after := range []int64{1, 5, 40, 400} {
		s.leakless(t, func() {
			l, e := s.over()
			l.fail(cut, after)
			err := s.enter(t, e)
			if !l.hasFailed() {
				return // all that is said while one signs in is shorter
			}
			told(t, err, connectors.ErrVanished, connectors.ErrUnreachable)
			if err != nil && !strings.Contains(err.Error(), "closed the connection") {
				t.Errorf("after %d bytes: %q does not say that the target closed the connection", after, err)
			}
		})
	}
}

func (s *suite) testSaysNothing(t *testing.T) {
	s.slowly(t, s.reached(func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<20)); wait(c) }), func() bool { return true })
}

// wait reads until the other side has left.
func wait(c net.Conn) {
	for b := make([]byte, 4<<10); ; {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

func (s *suite) testSignInStalls(t *testing.T) {
	for _, after := range []int64{1, 40, 400} {
		l, e := s.over()
		l.fail(stall, after)
		s.slowly(t, e, l.hasFailed)
	}
}

// slowly enters where no answer comes, in bounded time.
func (s *suite) slowly(t *testing.T, e connectors.Endpoint, failed func() bool) {
	t.Helper()
	s.leakless(t, func() {
		g := &Guard{said: &s.said, Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{ReadOnly: true, Timeout: brief}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), brief)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			conn, err := s.impatient().Open(ctx, e, mask.NewSecret([]byte(s.Secret)), g)
			if err == nil {
				defer conn.Close()
				if s.Web != nil {
					_, err = s.request(s.context(t), conn, g, s.Web.Read)
				}
			}
			done <- err
		}()
		err := s.ended(t, done)
		if !failed() {
			return // all that is said while one signs in is shorter
		}
		if err == nil || !late.MatchString(err.Error()) {
			t.Errorf("the error is %v, which does not say that no answer came in time", err)
			return
		}
		s.said.add(err.Error())
		for _, other := range sentinels {
			if other != connectors.ErrUnreachable && errors.Is(err, other) {
				t.Errorf("no answer in time: %v is also %v: not distinct", err, other)
			}
		}
	})
}

// impatient is the driver that gives up soon on a target that says nothing.
func (s *suite) impatient() connectors.Driver {
	if s.Impatient != nil {
		return s.Impatient
	}
	return s.Driver
}

func (s *suite) testNoise(t *testing.T) {
	s.leakless(t, func() {
		told(t, s.enter(t, s.reached(func(c net.Conn) {
			_, _ = c.Write(noise(512 << 10))
			wait(c)
		})), connectors.ErrProtocol)
	})
}

// testSignInBroken: whatever is broken while one signs in, the error is one that is
// known, and none says that all is well. A length that is broken makes a driver wait for
// more, which it may until its time is over.
func (s *suite) testSignInBroken(t *testing.T) {
	for _, after := range []int64{0, 1, 5, 40, 400} {
		s.leakless(t, func() {
			l, e := s.over()
			l.fail(corrupt, after)
			ctx, cancel := context.WithTimeout(t.Context(), 8*brief)
			defer cancel()
			if err := s.enterAs(ctx, t, e, s.Secret); l.hasFailed() {
				told(t, err, connectors.ErrProtocol, connectors.ErrVanished, connectors.ErrUnreachable, connectors.ErrCredential, connectors.ErrHostKey)
			}
		})
	}
}

func (s *suite) testEndless(t *testing.T) {
	const most = 32 << 20
	for _, first := range append([][]byte{nil}, s.Greetings...) {
		s.leakless(t, func() {
			var sent atomic.Int64
			base := heapInUse()
			e := s.Endpoint
			e.Dial = s.wire.over(endless(first, 'A', &sent))
			told(t, s.enter(t, e), connectors.ErrProtocol)
			if n := sent.Load(); n > most {
				t.Errorf("%d MiB of one message were taken", n>>20)
			}
			if n := grown(base, most); n > most {
				t.Errorf("the heap grew by %d MiB", n>>20)
			}
		})
	}
}
