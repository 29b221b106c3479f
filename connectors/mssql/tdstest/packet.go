package tdstest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// Kinds of messages, MS-TDS 2.2.3.1.1.
const (
	batchMessage     = 1
	rpcMessage       = 3
	replyMessage     = 4
	attentionMessage = 6
	managerMessage   = 14
	loginMessage     = 16
	preloginMessage  = 18
)

const (
	headSize   = 8
	packetSize = 4096
	// messageMax bounds what a client may send at once.
	messageMax = 4 << 20
	lastPacket = 1
)

// message is one request, put together of its packets.
type message struct {
	kind byte
	body []byte
	ctx  context.Context //nolint:containedctx // of what it asks for, until that has ended
}

func readMessage(r io.Reader) (message, error) {
	var m message
	for {
		var head [headSize]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return m, err
		}
		n := int(binary.BigEndian.Uint16(head[2:])) - headSize
		if n < 0 || len(m.body)+n > messageMax {
			return m, fmt.Errorf("a packet of %d bytes", n)
		}
		m.kind = head[0]
		at := len(m.body)
		m.body = append(m.body, make([]byte, n)...)
		if _, err := io.ReadFull(r, m.body[at:]); err != nil {
			return m, err
		}
		if head[1]&lastPacket != 0 {
			return m, nil
		}
	}
}

// writer makes packets of one message. A packet leaves when it is full; the last
// one with end.
type writer struct {
	w    io.Writer
	kind byte
	buf  []byte
	seq  byte
}

func newWriter(w io.Writer, kind byte) *writer {
	return &writer{w: w, kind: kind, buf: make([]byte, headSize, packetSize), seq: 1}
}

func (w *writer) Write(b []byte) (int, error) {
	total := len(b)
	for len(b) > 0 {
		if len(w.buf) == packetSize {
			if err := w.flush(0); err != nil {
				return 0, err
			}
		}
		n := min(packetSize-len(w.buf), len(b))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
	}
	return total, nil
}

func (w *writer) flush(status byte) error {
	w.buf[0], w.buf[1], w.buf[6] = w.kind, status, w.seq
	binary.BigEndian.PutUint16(w.buf[2:], uint16(len(w.buf)))
	_, err := w.w.Write(w.buf)
	w.buf, w.seq = w.buf[:headSize], w.seq+1
	return err
}

func (w *writer) end() error { return w.flush(lastPacket) }

// reader reads fields of a message's body.
type reader struct {
	b   []byte
	bad bool
}

var errShort = errors.New("the message is shorter than it says")

func (r *reader) err() error {
	if r.bad {
		return errShort
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) number(size int) uint64 {
	var b [8]byte
	copy(b[:], r.take(size))
	return binary.LittleEndian.Uint64(b[:])
}

// headers skips ALL_HEADERS.
func (r *reader) headers() {
	n := int(r.number(4))
	r.take(n - 4)
}

func utf16le(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for _, r := range s {
		if r < 0x80 {
			out = append(out, byte(r), 0)
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
	}
	return out
}

func fromUTF16(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
