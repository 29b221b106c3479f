package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// FileSource is a file at the target as a Download reads it.
type FileSource interface {
	io.ReaderAt
	// Stream writes the file's content from an offset on to w until its end, or until
	// w fails. ReadAt is not called meanwhile.
	Stream(from int64, w io.Writer) error
}

// window is how much of a file is read ahead of the requester: more than the
// requests that clients have under way, so that these may come in any order. Where the
// connection's room is taken by other files, it is a smaller one.
const (
	window      = 4 << 20
	smallWindow = 256 << 10
)

// maxSpans bounds in how many places of the window is read at a time.
const maxSpans = 1024

// Download is a file's content on its way to the requester. It is read at the
// target once, in order, passes the permit's Content, and waits in a bounded window
// for the requester's reads, which may come in any order within it. It is counted
// and hashed as it is taken. Reads beyond the window, or of what was taken before,
// end the order: from then on each goes to the target by itself, or, where content
// must pass in order, is refused. It is safe for concurrent use.
type Download struct {
	src     FileSource
	content Content
	room    *Room

	mu      sync.Mutex
	changed *sync.Cond
	started bool
	stopped bool          // no more is to come in order
	closed  bool          // nothing more is handed out
	ended   error         // io.EOF, or why the stream ended
	done    chan struct{} // closed when the stream has ended
	base    int64         // where in the file the window begins
	window  int           // how large it is
	ring    []byte        // of so many bytes
	first   int           // where in the ring the window begins
	held    int
	taken   spans // within the window, from base on
	order   *ordered
	direct  bool
	read    int64
}

// NewDownload returns a download of src under a permit. Its window takes of the room.
func NewDownload(src FileSource, p FilePermit, room *Room) *Download {
	d := &Download{src: src, room: room, done: make(chan struct{})}
	d.changed = sync.NewCond(&d.mu)
	d.content = p.Content(writerFunc(d.feed))
	return d
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// errStopped ends the stream when nobody wants more of it.
var errStopped = errors.New("no more is wanted")

// begin starts the stream at the first read, at the file's beginning unless the
// requester begins far behind it.
func (d *Download) begin(at int64) {
	if d.started {
		return
	}
	d.started = true
	if !d.content.Ordered() {
		d.base = start(at)
	}
	d.order = newOrdered(d.base, nil) // nothing waits: it comes in order
	if d.window = window; d.closed || !d.room.take(window) {
		d.window = smallWindow
	}
	go func() {
		err := d.src.Stream(d.base, d.content)
		if err == nil {
			err = d.content.Flush()
		}
		d.mu.Lock()
		if err == nil {
			err = io.EOF
		}
		d.ended = err
		d.changed.Broadcast()
		d.mu.Unlock()
		close(d.done)
	}()
}

// feed takes the next content in, when there is room.
func (d *Download) feed(b []byte) (n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(b) > 0 {
		for d.held == d.window && !d.stopped {
			d.changed.Wait()
		}
		if d.stopped {
			return n, errStopped
		}
		if d.ring == nil {
			d.ring = make([]byte, d.window)
		}
		at := (d.first + d.held) % d.window
		m := min(len(b), d.window-d.held, d.window-at)
		copy(d.ring[at:], b[:m])
		d.held += m
		b, n = b[m:], n+m
		d.changed.Broadcast()
	}
	return n, nil
}

// ReadAt reads what the requester asks for. It waits for the target.
func (d *Download) ReadAt(b []byte, at int64) (int, error) {
	d.mu.Lock()
	d.begin(at)
	for !d.direct {
		scattered := !d.closed && len(d.taken) > maxSpans
		if !scattered {
			if n, err, ok := d.tryRead(b, at); ok {
				d.mu.Unlock()
				return n, err
			}
		}
		if scattered || at < d.base || at >= d.base+int64(d.window) {
			if err := d.leave(); err != nil {
				d.mu.Unlock()
				return 0, err
			}
			break
		}
		d.changed.Wait()
	}
	d.mu.Unlock()
	<-d.done
	n, err := d.src.ReadAt(b, at)
	if cerr := d.content.Count(int64(n)); cerr != nil {
		return 0, cerr
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, errStopped
	}
	d.read += int64(n)
	return n, err
}

// tryRead reads from the window what is there already: all that is asked for, or
// what there is where no more can come. Called with mu held.
func (d *Download) tryRead(b []byte, at int64) (n int, err error, ok bool) {
	skip := at - d.base
	switch {
	case d.closed:
		return 0, cmp.Or(d.ended, errStopped), true
	case skip < 0:
		return 0, nil, false
	case skip >= int64(d.held) && d.ended != nil:
		return 0, d.ended, true
	case skip >= int64(d.held):
		return 0, nil, false
	}
	have := d.held - int(skip)
	if have < len(b) && d.ended == nil && d.held < d.window {
		return 0, nil, false
	}
	n = min(have, len(b))
	from := (d.first + int(skip)) % d.window
	m := copy(b[:n], d.ring[from:])
	copy(b[m:n], d.ring)
	d.take(at, b[:n])
	if n < len(b) && d.ended != nil {
		return n, d.ended, true
	}
	return n, nil, true
}

// take counts and hashes what the requester takes, and makes room for more.
func (d *Download) take(at int64, b []byte) {
	d.read += int64(len(b))
	again := d.taken.add(at, at+int64(len(b)))
	if again {
		d.order.fail() // a byte that was moved twice is in no order
	}
	free := int(d.taken.until(d.base) - d.base)
	for m := 0; free > 0; free -= m {
		m = min(free, d.window-d.first)
		if !d.order.broken {
			d.order.add(d.base, d.ring[d.first:d.first+m])
		}
		d.first = (d.first + m) % d.window
		d.base, d.held = d.base+int64(m), d.held-m
	}
	d.taken.drop(d.base)
	d.changed.Broadcast()
}

// leave ends the order of the content. Called with mu held, which it keeps.
func (d *Download) leave() error {
	if d.content.Ordered() {
		return fmt.Errorf("%w: masks look into this file, so it is read once, from its beginning to its end", ErrUnsupported)
	}
	if d.ended != nil && !errors.Is(d.ended, io.EOF) {
		return d.ended
	}
	d.direct, d.stopped = true, true
	d.order.fail()
	d.release()
	d.changed.Broadcast()
	return nil
}

// Close ends the stream and waits until nothing reads the source in order, or until
// ctx ends. What was not handed out by then is not any more.
func (d *Download) Close(ctx context.Context) {
	d.mu.Lock()
	started := d.started
	d.stopped, d.closed = true, true
	d.changed.Broadcast()
	d.mu.Unlock()
	if started {
		select {
		case <-d.done:
		case <-ctx.Done():
		}
	}
	d.mu.Lock()
	d.release()
	d.mu.Unlock()
}

// release gives the window back, of which nothing is handed out any more. Called with
// mu held.
func (d *Download) release() {
	if d.window == window {
		d.room.give(window)
	}
	d.ring, d.window = nil, min(d.window, smallWindow)
}

// Transfer is what was moved so far. size is the file's, -1 where it is not known.
func (d *Download) Transfer(path string, size int64) Transfer {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := Transfer{Path: path, Read: d.read, Size: size}
	if d.order == nil {
		return t
	}
	if len(d.taken) > 0 {
		d.order.fail() // what was taken behind a gap that nobody filled
	}
	d.order.tell(&t)
	atEnd := errors.Is(d.ended, io.EOF) && d.held == 0 || size > 0 && d.order.next == size
	if t.Whole = atEnd && d.order.from == 0 && !t.Unordered; t.Whole && !d.order.begun {
		t.SHA256 = emptySHA256()
	}
	return t
}

// Err is why the content ended before its end, nil where it did not.
func (d *Download) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended == nil || errors.Is(d.ended, io.EOF) || errors.Is(d.ended, errStopped) {
		return nil
	}
	return d.ended
}

// spans are ranges of offsets that do not touch, in order.
type spans []span

type span struct{ from, to int64 }

// add joins a range, and reports whether a part of it was there.
func (s *spans) add(from, to int64) (again bool) {
	if from >= to {
		return false
	}
	var out spans
	for _, x := range *s {
		switch {
		case x.to < from || x.from > to:
			out = append(out, x)
		default:
			again = again || x.from < to && from < x.to
			from, to = min(from, x.from), max(to, x.to)
		}
	}
	i := 0
	for i < len(out) && out[i].from < from {
		i++
	}
	*s = append(out[:i:i], append(spans{{from, to}}, out[i:]...)...)
	return again
}

// until is the end of the range that begins at an offset; the offset if none does.
func (s spans) until(at int64) int64 {
	if len(s) > 0 && s[0].from <= at && s[0].to > at {
		return s[0].to
	}
	return at
}

// drop forgets what ends by an offset.
func (s *spans) drop(at int64) {
	for len(*s) > 0 && (*s)[0].to <= at {
		*s = (*s)[1:]
	}
}
