package kubernetes

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/connectors"
)

func asTarget(err error, te **connectors.TargetError) bool { return errors.As(err, te) }

func isVanished(err error) bool { return errors.Is(err, connectors.ErrVanished) }
func isUnreachable(err error) bool {
	return errors.Is(err, connectors.ErrUnreachable) || errors.Is(err, connectors.ErrHostKey)
}

// none is an input that has ended.
type none struct{}

func (none) Read([]byte) (int, error) { return 0, io.EOF }

// until is r until over: no Read begins after that, and what a late one brings is
// nobody's.
type until struct {
	r    io.Reader
	over *atomic.Bool
}

func (u *until) Read(b []byte) (int, error) {
	if u.over.Load() {
		return 0, io.EOF
	}
	n, err := u.r.Read(b)
	if u.over.Load() {
		return 0, io.EOF
	}
	return n, err
}

// gate is w until it is shut; its errors end the operation. Both streams of a
// program may end in one.
type gate struct {
	w    io.Writer
	fail func(error)
	mu   sync.Mutex
	shut bool
}

var errShut = errors.New("the operation is over")

func (s *gate) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return 0, errShut
	}
	n, err := s.w.Write(b)
	if err != nil {
		s.fail(&failure{err})
	}
	return n, err
}

func (s *gate) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
}

// missing reports whether the server knows no such object.
func missing(err error) bool {
	var te *connectors.TargetError
	return asTarget(err, &te) && te.Code == "NotFound"
}
