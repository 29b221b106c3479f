package server

import (
	"io"
	"sync"
)

// lazyLease leases the input at the first Read, so that a shell that was refused
// has taken nothing. leave is called when the escape comes.
type lazyLease struct {
	in    *input
	leave func()
	mu    sync.Mutex
	r     io.Reader
	// gone ends further reads.
	gone bool
}

func (l *lazyLease) Read(p []byte) (int, error) {
	l.mu.Lock()
	if l.r == nil && !l.gone {
		l.r = l.in.LeaseUntil(l.leave)
	}
	r := l.r
	l.mu.Unlock()
	if r == nil {
		return 0, io.EOF
	}
	return r.Read(p)
}

// release ends the lease: a Read that waits returns at once.
func (l *lazyLease) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	if l.r != nil {
		l.in.Lease() // takes the input from the reader that still waits
		l.r = nil
	}
}

// Bytes of the escape that leaves an attached shell: ctrl-] at the start of a line.
const (
	carriageReturn = '\r'
	ctrlBracket    = 0x1d
)

// escape finds ctrl-] as the first key, or right after Enter.
type escape struct {
	leave  func()
	inLine bool
}

// find is where the escape stands in what comes next, -1 for nowhere.
func (e *escape) find(b []byte) int {
	for i, c := range b {
		if c == ctrlBracket && !e.inLine {
			return i
		}
		e.inLine = c != carriageReturn
	}
	return -1
}

// firstWrite writes something before the first byte that passes.
type firstWrite struct {
	w       io.Writer
	before  string
	written bool
}

func (f *firstWrite) Write(b []byte) (int, error) {
	if !f.written {
		f.written = true
		if _, err := io.WriteString(f.w, f.before); err != nil {
			return 0, err
		}
	}
	return f.w.Write(b)
}
