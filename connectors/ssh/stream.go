package ssh

import (
	"errors"
	"fmt"
	"io"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
)

// source is the file as a download reads it.
type source struct{ f *sftp.File }

// ReadAt reads within one packet or more, one after the other.
func (s source) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = s.packet(b[n:min(n+packet, len(b))], at+int64(n))
		n += m
	}
	return n, err
}

// packet is as much as any file service reads at once; deepest is how many of them
// are under way.
const (
	packet  = 32 << 10
	deepest = 64
)

// packet reads at most a packet. The library does so in this goroutine, where what a
// broken answer does to it stays.
func (s source) packet(b []byte, at int64) (n int, err error) {
	defer broken(&err)
	return s.f.ReadAt(b, at)
}

// broken turns a panic over a peer's answer into an error.
func broken(err *error) {
	if recover() != nil {
		*err = fmt.Errorf("%w: its file service answered what cannot be", connectors.ErrProtocol)
	}
}

// part is a part of a file that is being read.
type part struct {
	b    []byte
	n    int
	err  error
	done chan struct{}
}

// Stream reads with more and more requests under way, and writes in order. It
// returns when none is left.
func (s source) Stream(from int64, w io.Writer) (err error) {
	var parts []*part // under way, in order
	var free [][]byte
	next, depth := from, 2
	for ended := false; ; {
		for len(parts) < depth && !ended {
			p := &part{done: make(chan struct{})}
			if n := len(free) - 1; n >= 0 {
				p.b, free = free[n], free[:n]
			} else {
				p.b = make([]byte, packet)
			}
			at := next
			go func() {
				defer close(p.done)
				p.n, p.err = s.packet(p.b, at)
			}()
			parts, next = append(parts, p), next+packet
		}
		if len(parts) == 0 {
			return err
		}
		p := parts[0]
		parts = parts[1:]
		<-p.done
		if ended {
			continue
		}
		if p.n > 0 {
			_, err = w.Write(p.b[:p.n])
		}
		if err == nil && !errors.Is(p.err, io.EOF) {
			err = p.err
		}
		ended = err != nil || p.err != nil
		free = append(free, p.b)
		depth = min(depth+1, deepest) // twice as many in each round trip
	}
}
