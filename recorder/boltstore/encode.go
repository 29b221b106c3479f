package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

const (
	formPlain  = 1 // of heads and groups
	formSealed = 2 // of encrypted groups
	checkSize  = 4 // bytes of the chain hash beside each event

	// maxValue bounds the values in the groups bucket.
	maxValue = 64 << 10
	// maxHead bounds what is taken for a head when reading: two payloads and more.
	maxHead = 3 * recorder.MaxData
	// groupHeader is the length of a group's form and starting hash.
	groupHeader = 1 + len(recorder.Hash{})
	// keyTail is the length of a group's key after the transcript's id.
	keyTail = 1 + 8 + 2
	// headFixed is the length of a head without header and end.
	headFixed = 1 + 8 + len(recorder.Hash{}) + 8 + 8
)

// groupKey is the key of a part of the group whose first event is seq.
func groupKey(id recorder.ID, seq uint64, part int) []byte {
	b := make([]byte, 0, len(id)+keyTail)
	b = append(b, id...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint64(b, seq)
	return binary.BigEndian.AppendUint16(b, uint16(part))
}

// splitKey is the reverse; ok is false where k is no key of a group.
func splitKey(k []byte) (id recorder.ID, seq uint64, part int, ok bool) {
	n := len(k) - keyTail
	if n < 1 || k[n] != 0 {
		return "", 0, 0, false
	}
	id = recorder.ID(k[:n])
	return id, binary.BigEndian.Uint64(k[n+1:]), int(binary.BigEndian.Uint16(k[n+9:])), id.Valid()
}

// encodeHead encodes a head.
func encodeHead(h recorder.Head) ([]byte, error) {
	header, err := json.Marshal(h.Header)
	if err != nil {
		return nil, err
	}
	var end []byte
	var endedAt int64
	if h.Ended != nil {
		if end, err = json.Marshal(h.Ended); err != nil {
			return nil, err
		}
		endedAt = h.EndedAt.UnixNano()
	}
	b := make([]byte, 0, headFixed+8+len(header)+len(end))
	b = append(b, formPlain)
	b = binary.BigEndian.AppendUint64(b, h.Next)
	b = append(b, h.Hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Operations))
	b = binary.BigEndian.AppendUint64(b, uint64(endedAt))
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	b = append(b, header...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(end)))
	return append(b, end...), nil
}

// standing is where an encoded head says that the chain stands.
func standing(id recorder.ID, b []byte) (next uint64, hash recorder.Hash, err error) {
	if len(b) < headFixed || b[0] != formPlain {
		return 0, hash, fmt.Errorf("%w: head of %q has no known form", recorder.ErrCorrupt, id)
	}
	return binary.BigEndian.Uint64(b[1:]), recorder.Hash(b[9:]), nil
}

// decodeHead decodes what encodeHead made. Errors wrap recorder.ErrCorrupt.
func decodeHead(id recorder.ID, b []byte) (recorder.Head, error) {
	h := recorder.Head{ID: id}
	if !id.Valid() {
		return h, fmt.Errorf("%w: %q is no name of a transcript", recorder.ErrCorrupt, id)
	}
	if len(b) < headFixed || b[0] != formPlain {
		return h, fmt.Errorf("%w: head of %q has no known form", recorder.ErrCorrupt, id)
	}
	h.Next = binary.BigEndian.Uint64(b[1:])
	h.Hash = recorder.Hash(b[9:])
	operations := binary.BigEndian.Uint64(b[41:])
	endedAt := int64(binary.BigEndian.Uint64(b[49:]))
	header, b, ok := field(b[headFixed:])
	end, b, ok2 := field(b)
	if !ok || !ok2 || len(b) > 0 || h.Next == 0 || operations >= h.Next || (len(end) == 0) != (endedAt == 0) {
		return h, fmt.Errorf("%w: head of %q is malformed", recorder.ErrCorrupt, id)
	}
	h.Operations = int(operations)
	if err := json.Unmarshal(header, &h.Header); err != nil {
		return h, fmt.Errorf("%w: head of %q: header: %w", recorder.ErrCorrupt, id, err)
	}
	if h.Header.ID != id {
		return h, fmt.Errorf("%w: head of %q has the header of %q", recorder.ErrCorrupt, id, h.Header.ID)
	}
	if len(end) > 0 {
		h.Ended, h.EndedAt = new(recorder.End), time.Unix(0, endedAt).UTC()
		if err := json.Unmarshal(end, h.Ended); err != nil {
			return h, fmt.Errorf("%w: head of %q: end: %w", recorder.ErrCorrupt, id, err)
		}
	}
	return h, nil
}

// field reads a length and as many bytes.
func field(b []byte) (data, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// value is one key and value of the groups bucket.
type value struct{ key, data []byte }

// encodeGroup lays out events of a transcript whose chain stands at prev and has
// hashes after them, as values of bounded size; b is nil where nothing is
// encrypted.
func encodeGroup(id recorder.ID, prev recorder.Hash, events []recorder.Event, hashes []recorder.Hash, b *box) []value {
	size := 0
	for _, e := range events {
		size += recorder.EncodedLen(e) + checkSize
	}
	groups := size/(maxValue/2) + 1
	buf := make([]byte, 0, size+groups*groupHeader) // one allocation for all
	values := make([]value, 0, groups)
	first, start := uint64(0), 0
	flush := func() {
		v := buf[start:]
		if b != nil && len(v) > 0 {
			v = b.seal(make([]byte, 0, boxHeader+len(v)+16), v[1:], first, formSealed)
		}
		values = append(values, cut(id, first, v)...)
		start = len(buf)
	}
	for i, e := range events {
		if have := len(buf) - start; have > 0 && have+recorder.EncodedLen(e)+checkSize+boxHeader+16 > maxValue {
			flush()
		}
		if len(buf) == start {
			first = e.Seq
			buf = append(append(buf, formPlain), prev[:]...)
		}
		prev = hashes[i]
		buf = append(recorder.AppendEvent(buf, e), prev[:checkSize]...)
	}
	flush()
	return values
}

// cut makes the values of what belongs to event seq.
func cut(id recorder.ID, seq uint64, b []byte) (values []value) {
	for part := 0; len(b) > 0; part++ {
		n := min(len(b), maxValue)
		values = append(values, value{groupKey(id, seq, part), b[:n:n]})
		b = b[n:]
	}
	return values
}

// group is a run of events as it was read, and where the chain stood before it.
type group struct {
	prev   recorder.Hash
	events []recorder.Event
}

// decodeGroup returns the events of a group, all parts put together and
// decrypted, of which the first must be seq. Errors wrap recorder.ErrCorrupt and
// come with the events before the damage.
func decodeGroup(id recorder.ID, seq uint64, b []byte) (g group, err error) {
	if len(b) <= groupHeader || b[0] != formPlain {
		return g, fmt.Errorf("%w: group of event %d has no known form", recorder.ErrCorrupt, seq)
	}
	g.prev = recorder.Hash(b[1:])
	prev := g.prev
	b = b[groupHeader:]
	for len(b) > 0 {
		e, rest, err := recorder.DecodeEvent(b)
		if err != nil {
			return g, err
		}
		if e.Seq != seq {
			return g, fmt.Errorf("%w: number %d where %d belongs", recorder.ErrCorrupt, e.Seq, seq)
		}
		prev = recorder.Chain(id, prev, e)
		if len(rest) < checkSize || string(rest[:checkSize]) != string(prev[:checkSize]) {
			return g, fmt.Errorf("%w: event %d is not what was written", recorder.ErrCorrupt, e.Seq)
		}
		g.events, b, seq = append(g.events, e), rest[checkSize:], seq+1
	}
	return g, nil
}
