package recorder

import (
	"encoding/binary"
	"fmt"
	"time"
)

// LeafKind is what a leaf of the log says. The numbers are on disk.
type LeafKind uint8

const (
	LeafBegin      LeafKind = 1 // the transcript began
	LeafCheckpoint LeafKind = 2 // it stood here
	LeafEnd        LeafKind = 3 // it ended here
	LeafStored     LeafKind = 4 // Hash is that of its stored form: checked without a key
	LeafRemoved    LeafKind = 5 // retention removed its events; Hash is the chain's last, Note says why
	LeafHold       LeafKind = 6 // it is held: retention leaves it alone; Note says why
	LeafRelease    LeafKind = 7 // it is held no longer
)

// noted says whether leaves of the kind have a note.
func (k LeafKind) noted() bool { return k >= LeafRemoved }

// String is the kind in words.
func (k LeafKind) String() string {
	switch k {
	case LeafBegin:
		return "begin"
	case LeafCheckpoint:
		return "checkpoint"
	case LeafEnd:
		return "end"
	case LeafStored:
		return "stored"
	case LeafRemoved:
		return "removed"
	case LeafHold:
		return "hold"
	case LeafRelease:
		return "release"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Leaf is one entry of the log over all transcripts: where the chain of one
// stood at some moment.
type Leaf struct {
	Kind LeafKind
	ID   ID
	Next uint64
	Hash Hash
	At   time.Time
	// Note is JSON of a Tombstone for LeafRemoved, of a Hold for LeafHold and
	// LeafRelease, and "" for others. It is in clear.
	Note string
}

// Log is an append-only log over all transcripts, which shows that one was
// removed, exchanged or reordered. Implementations are safe for concurrent use.
type Log interface {
	// Add appends leaves in order. It does not wait for the disk. An error is
	// final: the evidence can no longer be vouched for.
	Add(leaves ...Leaf) error
	// Known returns, for each transcript that the log has and that was not
	// removed, the newest leaf about its chain.
	Known() map[ID]Leaf
	// Stored says whether the log has the stored form of a transcript.
	Stored(id ID) bool
	// Failed is closed when the log can no longer be written; Err says why.
	Failed() <-chan struct{}
	Err() error
	// Close makes durable and signs what was added.
	Close() error
}

const (
	leafVersion  = 1
	notedVersion = 2
	leafFixed    = 1 + 1 + 8 + 8 + len(Hash{}) + 1
	// maxNote bounds a leaf's note, in bytes.
	maxNote = 4 << 10
)

// AppendLeaf appends the canonical encoding of a leaf to dst:
//
//	offset size
//	     0    1  version of the encoding: 1, or 2 for kinds 5, 6 and 7
//	     1    1  kind
//	     2    8  wall clock, nanoseconds since the Unix epoch
//	    10    8  number of the transcript's next event
//	    18   32  hash
//	    50    1  length n of the transcript's name
//	    51    n  the transcript's name
//	  51+n    2  version 2: length m of the note, at most 4096
//	  53+n    m  version 2: the note
//
// It panics if the note is longer.
func AppendLeaf(dst []byte, l Leaf) []byte {
	version := byte(leafVersion)
	if l.Kind.noted() {
		version = notedVersion
	}
	dst = append(dst, version, byte(l.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(l.At.UnixNano()))
	dst = binary.BigEndian.AppendUint64(dst, l.Next)
	dst = append(dst, l.Hash[:]...)
	dst = append(dst, byte(len(l.ID)))
	dst = append(dst, l.ID...)
	if !l.Kind.noted() {
		return dst
	}
	if len(l.Note) > maxNote {
		panic("recorder: note longer than maxNote")
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(l.Note))), l.Note...)
}

// DecodeLeaf decodes the leaf at the start of b and returns what follows it.
// Errors wrap ErrCorrupt.
func DecodeLeaf(b []byte) (l Leaf, rest []byte, err error) {
	if len(b) < leafFixed || len(b) < leafFixed+int(b[leafFixed-1]) {
		return Leaf{}, nil, fmt.Errorf("%w: leaf is cut off after %d bytes", ErrCorrupt, len(b))
	}
	if b[0] != leafVersion && b[0] != notedVersion {
		return Leaf{}, nil, fmt.Errorf("%w: leaf has encoding version %d, this program reads up to %d", ErrCorrupt, b[0], notedVersion)
	}
	n := leafFixed + int(b[leafFixed-1])
	l = Leaf{
		Kind: LeafKind(b[1]), At: time.Unix(0, int64(binary.BigEndian.Uint64(b[2:]))).UTC(),
		Next: binary.BigEndian.Uint64(b[10:]), Hash: Hash(b[18:]), ID: ID(b[leafFixed:n]),
	}
	if l.Kind < LeafBegin || l.Kind > LeafRelease || !l.ID.Valid() || l.Kind.noted() != (b[0] == notedVersion) {
		return Leaf{}, nil, fmt.Errorf("%w: leaf of kind %d about %q", ErrCorrupt, l.Kind, l.ID)
	}
	rest = b[n:]
	if !l.Kind.noted() {
		return l, rest, nil
	}
	if len(rest) < 2 {
		return Leaf{}, nil, fmt.Errorf("%w: leaf is cut off after %d bytes", ErrCorrupt, len(b))
	}
	m := int(binary.BigEndian.Uint16(rest))
	if rest = rest[2:]; m > maxNote || len(rest) < m {
		return Leaf{}, nil, fmt.Errorf("%w: leaf's note says %d bytes, %d are there", ErrCorrupt, m, len(rest))
	}
	l.Note = string(rest[:m])
	return l, rest[m:], nil
}

// leafEvery is how many events of a transcript pass before the log hears of it
// again.
const leafEvery = 1000

// leaves tells the log about the transcripts that were written.
func (r *Recorder) leaves(written []*Transcript) error {
	if r.o.Log == nil {
		return nil
	}
	var out []Leaf
	for _, t := range written {
		l := Leaf{Kind: LeafCheckpoint, ID: t.id, Next: t.head.Next, Hash: t.head.Hash, At: r.now()}
		switch {
		case t.head.Ended != nil:
			l.Kind = LeafEnd
		case t.logged == 0:
			l.Kind = LeafBegin
		case t.head.Next < t.logged+leafEvery:
			continue
		}
		t.logged = t.head.Next
		out = append(out, l)
	}
	return r.o.Log.Add(out...)
}

// reconcile brings the log up to the store when a recorder starts: a crash may
// have come between the two. A store that is behind the log was tampered with
// or rolled back, and nothing is signed over it.
func (r *Recorder) reconcile(heads []Head) error {
	if r.o.Log == nil {
		return nil
	}
	known := r.o.Log.Known()
	var out []Leaf
	for _, h := range heads {
		if r.removed(h.ID) {
			continue // buried, and removed in a moment: see finishRemoval
		}
		last, ok := known[h.ID]
		delete(known, h.ID)
		switch {
		case !ok:
		case last.Next > h.Next:
			return fmt.Errorf("%w: the log saw transcript %q at event %d, the store has it at %d: run `sallyport transcript verify`",
				ErrCorrupt, h.ID, last.Next, h.Next)
		case last.Next == h.Next && last.Hash != h.Hash:
			return fmt.Errorf("%w: transcript %q is not the one that the log saw: run `sallyport transcript verify`", ErrCorrupt, h.ID)
		case last.Next == h.Next:
			continue
		}
		l := Leaf{Kind: LeafCheckpoint, ID: h.ID, Next: h.Next, Hash: h.Hash, At: r.now()}
		if h.Ended != nil {
			l.Kind = LeafEnd
		}
		out = append(out, l)
	}
	for id := range known {
		return fmt.Errorf("%w: the log names transcript %q, which the store does not have: run `sallyport transcript verify`", ErrCorrupt, id)
	}
	return r.o.Log.Add(out...)
}
