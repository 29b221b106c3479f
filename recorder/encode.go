package recorder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"time"
)

const (
	// MaxData is the largest payload of an event, in bytes.
	MaxData = 16 << 20
	// maxID is the longest name of a transcript: its length is one byte.
	maxID = 64

	encodingVersion = 1
	eventHeader     = 1 + 8 + 8 + 1 + 4

	chainTag = "sallyport transcript event 1\x00"
)

// AppendEvent appends e's canonical encoding to dst. It panics if e.Data is
// longer than MaxData; At must lie within the years 1678 to 2261, which
// nanoseconds in 64 bits can tell.
func AppendEvent(dst []byte, e Event) []byte {
	if len(e.Data) > MaxData {
		panic("recorder: event larger than MaxData")
	}
	dst = append(dst, encodingVersion)
	dst = binary.BigEndian.AppendUint64(dst, e.Seq)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.At.UnixNano()))
	dst = append(dst, byte(e.Kind))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(e.Data)))
	return append(dst, e.Data...)
}

// EncodedLen is the length of e's canonical encoding.
func EncodedLen(e Event) int { return eventHeader + len(e.Data) }

// DecodeEvent decodes the event at the start of b and returns what follows it.
// The event does not alias b. Errors wrap ErrCorrupt.
func DecodeEvent(b []byte) (e Event, rest []byte, err error) {
	if len(b) < eventHeader {
		return Event{}, nil, fmt.Errorf("%w: event is cut off after %d bytes", ErrCorrupt, len(b))
	}
	if b[0] != encodingVersion {
		return Event{}, nil, fmt.Errorf("%w: event has encoding version %d, this program reads %d",
			ErrCorrupt, b[0], encodingVersion)
	}
	e.Seq = binary.BigEndian.Uint64(b[1:])
	e.At = time.Unix(0, int64(binary.BigEndian.Uint64(b[9:]))).UTC()
	e.Kind = Kind(b[17])
	n := binary.BigEndian.Uint32(b[18:])
	b = b[eventHeader:]
	if e.Kind == 0 {
		return Event{}, nil, fmt.Errorf("%w: event %d has no kind", ErrCorrupt, e.Seq)
	}
	if n > MaxData || uint64(n) > uint64(len(b)) {
		return Event{}, nil, fmt.Errorf("%w: event %d says %d bytes of payload, %d are there", ErrCorrupt, e.Seq, n, len(b))
	}
	if n > 0 {
		e.Data = append(make([]byte, 0, n), b[:n]...)
	}
	return e, b[n:], nil
}

// Chain returns the hash of event e of transcript id, where prev is the hash of
// the event before it (the zero Hash for event 0).
func Chain(id ID, prev Hash, e Event) Hash {
	return newChainer(id).next(prev, e)
}

// ChainOver is Chain over events that follow each other; prev where there are none.
func ChainOver(id ID, prev Hash, events []Event) Hash {
	c := newChainer(id)
	for _, e := range events {
		prev = c.next(prev, e)
	}
	return prev
}

// chainer hashes the events of one transcript, one after the other.
type chainer struct {
	sum hash.Hash
	buf [len(chainTag) + 1 + maxID + eventHeader]byte
	tag int  // how much of buf is the same for each event
	at  Hash // here, so that hashing allocates nothing
}

func newChainer(id ID) *chainer {
	c := &chainer{sum: sha256.New()}
	b := append(c.buf[:0], chainTag...)
	b = append(b, byte(len(id)))
	c.tag = len(append(b, id...))
	return c
}

func (c *chainer) next(prev Hash, e Event) Hash {
	data := e.Data
	e.Data = nil
	b := AppendEvent(c.buf[:c.tag], e)
	binary.BigEndian.PutUint32(b[len(b)-4:], uint32(len(data)))
	c.sum.Reset()
	c.sum.Write(b)
	c.sum.Write(data)
	c.at = prev
	c.sum.Write(c.at[:])
	c.sum.Sum(c.at[:0])
	return c.at
}

// Valid says whether id has the form of a transcript's name: 1 to 64 of
// letters, digits and hyphens.
func (id ID) Valid() bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return true
}

// Advance returns the head of a transcript after events. For a new transcript h
// is Head{ID: id}. It checks the shape that every transcript has: numbers
// without gaps, a header that names the transcript first, nothing after the end.
// Errors wrap ErrCorrupt; h then stands at the last good event.
func Advance(h Head, events ...Event) (Head, error) {
	h, _, err := Extend(h, nil, events...)
	return h, err
}

// Extend is Advance, and appends the hash after each event to hashes.
func Extend(h Head, hashes []Hash, events ...Event) (Head, []Hash, error) {
	if !h.ID.Valid() {
		return h, hashes, fmt.Errorf("%w: %q is no name of a transcript", ErrCorrupt, h.ID)
	}
	c := newChainer(h.ID)
	for _, e := range events {
		n, err := h.after(e)
		if err != nil {
			return h, hashes, fmt.Errorf("%w: %s", ErrCorrupt, err)
		}
		n.Hash = c.next(h.Hash, e)
		n.Next++
		h, hashes = n, append(hashes, n.Hash)
	}
	return h, hashes, nil
}

// after is the head after e, but for its hash and number.
func (h Head) after(e Event) (Head, error) {
	switch {
	case e.Seq != h.Next:
		return h, fmt.Errorf("number %d where %d belongs", e.Seq, h.Next)
	case h.Ended != nil:
		return h, fmt.Errorf("event %d after the end", e.Seq)
	case (e.Seq == 0) != (e.Kind == KindStart):
		return h, fmt.Errorf("event %d has kind %d: the header belongs first, and nowhere else", e.Seq, e.Kind)
	}
	switch e.Kind {
	case KindStart:
		if err := json.Unmarshal(e.Data, &h.Header); err != nil {
			return h, fmt.Errorf("header does not decode: %w", err)
		}
		if h.Header.ID != h.ID {
			return h, fmt.Errorf("header names %q", h.Header.ID)
		}
	case KindEnd:
		h.Ended = new(End)
		if err := json.Unmarshal(e.Data, h.Ended); err != nil {
			return h, fmt.Errorf("end does not decode: %w", err)
		}
		h.EndedAt = e.At
	case KindOperation:
		h.Operations++
	}
	return h, nil
}
