package boltstore

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport/sallyport/recorder"
)

const (
	formPacked = 3 // a chunk of packed events
	formBoth   = 4 // packed, then encrypted

	// chunkSize is how much of events' encodings is packed together at least,
	// unless the transcript ends: small enough to seek in, large enough to compress.
	chunkSize = 32 << 10
	// chunkHeader is the length of what precedes a chunk's form: its last event's
	// number plus one, and the latest time up to it.
	chunkHeader = 8 + 8
	// maxUnpacked bounds what a chunk may say it unpacks to.
	maxUnpacked = 2*recorder.MaxData + 1<<20
)

// coders are shared: each keeps tables of a megabyte, and both are safe for
// concurrent use of their *All methods.
var coders = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	var err, derr error
	c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	c.dec, derr = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil || derr != nil {
		panic("boltstore: zstd refuses its options") // constants
	}
	return c
})

// run is what one chunk is made of: the events of whole groups.
type run struct {
	prev   recorder.Hash // before the first
	last   recorder.Hash // after the last
	events []recorder.Event
	size   int // of their encodings
}

// pack lays events out by columns, which compress better than records: kinds,
// times as differences, lengths, payloads; then zstd.
func (r run) pack() []byte {
	b := make([]byte, 0, r.size+64)
	b = binary.AppendUvarint(b, uint64(len(r.events)))
	for _, e := range r.events {
		b = append(b, byte(e.Kind))
	}
	at := int64(0)
	unit := r.unit()
	b = append(b, unit)
	for _, e := range r.events {
		now := e.At.UnixNano()
		b = binary.AppendVarint(b, (now-at)/units[unit]) // wraps around and back where years lie between
		at = now
	}
	for _, e := range r.events {
		b = binary.AppendUvarint(b, uint64(len(e.Data)))
	}
	for _, e := range r.events {
		b = append(b, e.Data...)
	}
	out := make([]byte, 0, len(r.prev)+checkSize+len(b)/2)
	out = append(append(out, r.prev[:]...), r.last[:checkSize]...)
	return coders().enc.EncodeAll(b, out)
}

// units are what times may be multiples of: nanoseconds, microseconds.
var units = [2]int64{1, 1000}

func (r run) unit() byte {
	for _, e := range r.events {
		if e.At.Nanosecond()%1000 != 0 {
			return 0
		}
	}
	return 1
}

// unpack returns the events of a chunk whose first is seq, checked against the
// chain. Errors wrap recorder.ErrCorrupt.
func unpack(id recorder.ID, seq uint64, b []byte) ([]recorder.Event, error) {
	bad := func(what string) error {
		return fmt.Errorf("%w: event %d, or one packed with it, is not what was written: %s", recorder.ErrCorrupt, seq, what)
	}
	if len(b) < len(recorder.Hash{})+checkSize {
		return nil, bad("cut off")
	}
	prev, last := recorder.Hash(b), [checkSize]byte(b[len(recorder.Hash{}):])
	raw, err := coders().dec.DecodeAll(b[len(prev)+checkSize:], nil)
	if err != nil {
		return nil, bad(err.Error())
	}
	events, ok := columns(seq, raw)
	if !ok {
		return nil, bad("malformed")
	}
	prev = recorder.ChainOver(id, prev, events)
	if [checkSize]byte(prev[:]) != last {
		return nil, bad("another hash")
	}
	return events, nil
}

// columns is the reverse of pack's layout.
func columns(seq uint64, b []byte) ([]recorder.Event, bool) {
	n, b, ok := uvarint(b)
	if !ok || n == 0 || n >= uint64(len(b)) {
		return nil, false
	}
	events := make([]recorder.Event, n)
	for i := range events {
		events[i].Seq, events[i].Kind = seq+uint64(i), recorder.Kind(b[i])
		if b[i] == 0 {
			return nil, false
		}
	}
	unit := b[n]
	if b = b[n+1:]; int(unit) >= len(units) {
		return nil, false
	}
	at := int64(0)
	for i := range events {
		d, w := binary.Varint(b)
		if w <= 0 {
			return nil, false
		}
		at, b = at+d*units[unit], b[w:]
		events[i].At = time.Unix(0, at).UTC()
	}
	sizes := make([]uint64, n)
	for i := range sizes {
		if sizes[i], b, ok = uvarint(b); !ok || sizes[i] > recorder.MaxData {
			return nil, false
		}
	}
	for i, size := range sizes {
		if size > uint64(len(b)) {
			return nil, false
		}
		if size > 0 {
			events[i].Data = b[:size:size]
		}
		b = b[size:]
	}
	return events, len(b) == 0
}

func uvarint(b []byte) (uint64, []byte, bool) {
	n, w := binary.Uvarint(b)
	return n, b[max(w, 0):], w > 0
}

// chunk is a run as it is stored.
type chunk struct {
	seq, next uint64
	until     time.Time // the latest time of any event up to next
	data      []byte    // header and body
}

// store makes the stored form; b is nil where nothing is encrypted.
func (r run) store(until time.Time, b *box) chunk {
	c := chunk{seq: r.events[0].Seq, until: until}
	c.next = c.seq + uint64(len(r.events))
	packed := r.pack()
	c.data = binary.BigEndian.AppendUint64(make([]byte, 0, chunkHeader+boxHeader+len(packed)+16), c.next)
	c.data = binary.BigEndian.AppendUint64(c.data, uint64(until.UnixNano()))
	if b == nil {
		c.data = append(append(c.data, formPacked), packed...)
	} else {
		c.data = b.seal(c.data, packed, c.seq, formBoth)
	}
	return c
}

// header reads a chunk's clear part. Errors wrap recorder.ErrCorrupt.
func header(seq uint64, data []byte) (chunk, error) {
	c := chunk{seq: seq, data: data}
	if len(data) <= chunkHeader || data[chunkHeader] != formPacked && data[chunkHeader] != formBoth && data[chunkHeader] != formSealed {
		return c, fmt.Errorf("%w: chunk of event %d has no known form", recorder.ErrCorrupt, seq)
	}
	c.next = binary.BigEndian.Uint64(data)
	c.until = time.Unix(0, int64(binary.BigEndian.Uint64(data[8:]))).UTC()
	if c.next <= seq {
		return c, fmt.Errorf("%w: chunk of event %d ends at %d", recorder.ErrCorrupt, seq, c.next)
	}
	return c, nil
}
