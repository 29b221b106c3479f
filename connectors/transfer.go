package connectors

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
)

// Transfer is what an operation moved of a file's content.
type Transfer struct {
	// Path is the file's at the target.
	Path string
	// Read and Written are how many bytes were moved, those that were moved twice
	// counted twice.
	Read, Written int64
	// Size is the file's when it was closed, -1 where the target did not say.
	Size int64
	// From is where the content that SHA256 is of begins. SHA256, in hex, is of what
	// was moved from there on without a gap, each byte once; "" where there was none,
	// or the requester did not move it so: Unordered says that.
	From      int64
	SHA256    string
	Unordered bool
	// Whole: what was moved is all that the file held, or holds now.
	Whole bool
	// Set are the attributes that were set while it was open.
	Set []string
}

// ordered hashes content that comes in pieces, each byte once, in the order of the
// file, whatever the order of the pieces. It keeps no more than maxAhead bytes.
type ordered struct {
	from, next int64 // what was hashed
	begun      bool
	sum        hash.Hash
	ahead      []piece // behind a gap, by offset
	kept       int
	room       *Room
	broken     bool
}

type piece struct {
	at   int64
	data []byte
}

// maxAhead bounds what waits for a gap to be filled: more than the requests that
// clients have under way.
const maxAhead = 16 << 20

// maxPieces bounds how many pieces that are.
const maxPieces = 4096

func newOrdered(from int64, room *Room) *ordered {
	return &ordered{from: from, next: from, sum: sha256.New(), room: room}
}

// add takes the next piece. What was there before, or is too far ahead, ends it.
func (o *ordered) add(at int64, b []byte) {
	if o.broken || len(b) == 0 {
		return
	}
	o.begun = true
	switch {
	case at == o.next:
		o.take(b)
		for len(o.ahead) > 0 && o.ahead[0].at == o.next && !o.broken {
			p := o.ahead[0]
			o.ahead = o.ahead[1:]
			o.kept -= len(p.data)
			o.room.give(int64(len(p.data)))
			o.take(p.data)
		}
		if len(o.ahead) > 0 && o.ahead[0].at < o.next {
			o.fail()
		}
	case at < o.next || o.kept+len(b) > maxAhead || len(o.ahead) >= maxPieces:
		o.fail()
	default:
		i, again := slices.BinarySearchFunc(o.ahead, at, func(p piece, at int64) int { return cmp.Compare(p.at, at) })
		if again || !o.room.take(int64(len(b))) {
			o.fail()
			return
		}
		o.ahead = slices.Insert(o.ahead, i, piece{at, slices.Clone(b)})
		o.kept += len(b)
	}
}

func (o *ordered) take(b []byte) {
	o.sum.Write(b)
	o.next += int64(len(b))
}

// fail says that there is no order.
func (o *ordered) fail() {
	o.room.give(int64(o.kept))
	o.broken, o.ahead, o.kept = true, nil, 0
}

// end is where the last of what it has ends.
func (o *ordered) end() int64 {
	end := o.next
	for _, p := range o.ahead {
		end = max(end, p.at+int64(len(p.data)))
	}
	return end
}

// gap reports whether something is missing between pieces.
func (o *ordered) gap() bool { return len(o.ahead) > 0 }

// tell puts what it has into the transfer.
func (o *ordered) tell(t *Transfer) {
	t.From = o.from
	t.Unordered = o.broken || o.gap()
	if !t.Unordered && o.begun {
		t.SHA256 = hex.EncodeToString(o.sum.Sum(nil))
	}
}

// empty is the hash of a file without content.
func emptySHA256() string {
	sum := sha256.Sum256(nil)
	return hex.EncodeToString(sum[:])
}
