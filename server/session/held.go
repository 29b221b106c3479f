package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is held until people have said yes to it: of a file, and of all.
const (
	maxHeld      = 1 << 30
	maxHeldAll   = 4 << 30
	maxHeldParts = 4096
)

// errContent refuses to ask for a yes to a file whose content has not come.
var errContent = errors.New("what is written is a part of what is approved: it is taken first")

// held is a file that is to be written as far as its requester is concerned. People
// approve what is written, so it is taken first, to a file of this machine that has no
// name; then its length and hash are asked for, and then the target's file is opened
// and written with it, byte for byte.
type held struct {
	s    *Session
	ask  *Ask
	call connectors.FileCall
	ctx  context.Context
	end  context.CancelCauseFunc

	mu    sync.Mutex
	file  *os.File // nil once it is over
	parts []part   // that have come, in order, none touches the next
	taken int64    // of the budget
	set   connectors.FileAttributes

	once   sync.Once
	closed error
}

// part is a piece of a file.
type part struct{ from, to int64 }

var _ connectors.OpenFile = (*held)(nil)

// hold takes a file's content before anybody is asked about it.
func (s *Session) hold(ctx context.Context, end context.CancelCauseFunc, ask *Ask, c connectors.FileCall) (*held, error) {
	if s.holding.Add(1) > maxFiles {
		s.holding.Add(-1)
		return nil, &policy.Refusal{Rule: "limits", Reason: crowd(policy.ActionFile)}
	}
	f, err := os.CreateTemp("", "sallyport-held-")
	if err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		s.holding.Add(-1)
		s.g.o.Log.Error("a file cannot be held until it is approved", "err", err)
		return nil, errNoRoom
	}
	h := &held{s: s, ask: ask, call: c, ctx: ctx, end: end, file: f}
	context.AfterFunc(ctx, h.release)
	return h, nil
}

var errNoRoom = &policy.Refusal{Rule: "limits", Reason: "the bastion has no room to hold the file until it is approved"}

// release forgets what is held.
func (h *held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return
	}
	_ = h.file.Close() // of which nothing more is wanted
	h.file = nil
	h.s.holding.Add(-1)
	h.s.g.held.Add(-h.taken)
}

// ReadAt cannot be: the target's file is not open.
func (h *held) ReadAt([]byte, int64) (int, error) {
	return 0, fmt.Errorf("%w: it is not open for reading", connectors.ErrUnsupported)
}

// WriteAt takes a piece.
func (h *held) WriteAt(b []byte, at int64) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return 0, errFileLeft
	}
	if len(b) == 0 {
		return 0, nil
	}
	parts, ok := joined(h.parts, part{at, at + int64(len(b))})
	span := parts[len(parts)-1].to - parts[0].from
	more := max(0, span-h.taken)
	switch {
	case !ok || at < 0 || span > maxHeld:
		return 0, &policy.Refusal{Rule: "limits", Reason: fmt.Sprintf("a file that needs a yes is held until there is one, up to %d bytes, written in order", int64(maxHeld))}
	case h.s.g.held.Add(more) > maxHeldAll:
		h.s.g.held.Add(-more)
		return 0, errNoRoom
	}
	h.taken += more
	if _, err := h.file.WriteAt(b, at); err != nil {
		h.s.g.o.Log.Error("a file cannot be held until it is approved", "err", err)
		return 0, errNoRoom
	}
	h.parts = parts
	return len(b), nil
}

var errFileLeft = fmt.Errorf("%w: the file is closed", connectors.ErrCanceled)

// joined are the parts with one more. ok is false where they are too many.
func joined(parts []part, p part) (out []part, ok bool) {
	i, _ := slices.BinarySearchFunc(parts, p.from, func(q part, from int64) int {
		if q.to < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(parts) && parts[j].from <= p.to; j++ {
		p.from, p.to = min(p.from, parts[j].from), max(p.to, parts[j].to)
	}
	out = slices.Concat(parts[:i], []part{p}, parts[j:])
	return out, len(out) <= maxHeldParts
}

// Stat tells how far it is.
func (h *held) Stat() (fs.FileInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	size := int64(0)
	if n := len(h.parts); n > 0 {
		size = h.parts[n-1].to
	}
	return heldInfo{path.Base(h.call.Path), size}, nil
}

// Set keeps attributes for the file that will be there.
func (h *held) Set(a connectors.FileAttributes) error {
	if a.Owner != nil || a.Unreadable || a.Size != nil && h.call.Append || a.Mode != nil && *a.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		return fmt.Errorf("%w: that is an operation of its own", connectors.ErrUnsupported)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.Mode != nil {
		h.set.Mode = a.Mode
	}
	if a.Size != nil {
		h.set.Size = a.Size
	}
	if !a.Modified.IsZero() {
		h.set.Accessed, h.set.Modified = a.Accessed, a.Modified
	}
	return nil
}

// Close asks for the yes, waits for it, and writes the file.
func (h *held) Close() error {
	h.once.Do(func() {
		defer h.release()
		h.closed = h.finish()
	})
	return h.closed
}

// Abort forgets it: nothing was asked or written.
func (h *held) Abort(why error) error {
	h.once.Do(func() {
		h.release()
		h.closed = why
	})
	return h.closed
}

func (h *held) finish() error {
	h.mu.Lock()
	file, parts, set := h.file, h.parts, h.set
	h.mu.Unlock()
	switch {
	case file == nil:
		return errFileLeft
	case len(parts) > 1:
		return &policy.Refusal{Rule: "limits", Reason: "a file that needs a yes is written in one piece, and there are gaps in this one"}
	}
	at := part{}
	if len(parts) == 1 {
		at = parts[0]
	}
	sum, err := copyHeld(h.ctx, io.Discard, file, at)
	if err != nil {
		return err
	}
	call := h.call
	call.Content = &connectors.FileContent{From: at.from, Size: at.to - at.from, SHA256: sum, Mode: set.Mode, Cut: set.Size}
	f, ok := h.s.filer()
	if !ok {
		return h.s.noFiles()
	}
	o, err := f.OpenFile(h.ctx, &guard{s: h.s, ask: h.ask, end: h.end}, call)
	if err != nil {
		return err
	}
	if err := h.write(o, file, at, sum, set); err != nil {
		return errors.Join(err, o.Abort(err))
	}
	return o.Close()
}

// write writes what was approved, and nothing else.
func (h *held) write(o connectors.OpenFile, file *os.File, at part, sum string, set connectors.FileAttributes) error {
	got, err := copyHeld(h.ctx, io.NewOffsetWriter(o, at.from), file, at)
	switch {
	case err != nil:
		return err
	case got != sum:
		return errNoRoom // this machine's disk does not keep what it is given
	case set.Empty():
		return nil
	}
	return o.Set(set)
}

// copyHeld copies a part and returns its SHA-256, in hex.
func copyHeld(ctx context.Context, w io.Writer, file *os.File, at part) (string, error) {
	sum := sha256.New()
	b := make([]byte, 256<<10)
	for r := io.NewSectionReader(file, at.from, at.to-at.from); ; {
		if err := context.Cause(ctx); err != nil {
			return "", err
		}
		n, err := io.ReadFull(r, b)
		sum.Write(b[:n])
		if n > 0 {
			if _, werr := w.Write(b[:n]); werr != nil {
				return "", werr
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return hex.EncodeToString(sum.Sum(nil)), nil
		case err != nil:
			return "", fmt.Errorf("read what is held: %w", err)
		}
	}
}

// heldInfo is what is told of a file that is not there yet.
type heldInfo struct {
	name string
	size int64
}

func (i heldInfo) Name() string       { return i.name }
func (i heldInfo) Size() int64        { return i.size }
func (i heldInfo) Mode() fs.FileMode  { return 0o644 }
func (i heldInfo) ModTime() time.Time { return time.Unix(0, 0) }
func (i heldInfo) IsDir() bool        { return false }
func (i heldInfo) Sys() any           { return nil }
