package recorder

import (
	"context"
	"errors"
	"time"
)

// Sentinels.
var (
	// ErrUnavailable: the recorder cannot write. No record, no access.
	ErrUnavailable = errors.New("recording is unavailable")
	// ErrNotFound: there is no such transcript.
	ErrNotFound = errors.New("no such transcript")
	// ErrInUse: another process has the store open.
	ErrInUse = errors.New("the store is in use by a running bastion")
	// ErrCorrupt: what is stored is not what was written.
	ErrCorrupt = errors.New("the record is damaged")
	// ErrEnded: the transcript has its closing event; nothing comes after it.
	ErrEnded = errors.New("the transcript has ended")
	// ErrSealed: the transcript is encrypted, and no identity here can read it.
	ErrSealed = errors.New("the transcript is encrypted for others")
	// ErrTooLarge: an event's payload is larger than MaxData. Nothing was recorded.
	ErrTooLarge = errors.New("too large to record")
)

// Hash is a SHA-256.
type Hash [32]byte

// Head is where a transcript's chain stands: Next is the number of the event
// that comes next, Hash the hash of the last one.
type Head struct {
	ID   ID
	Next uint64
	Hash Hash
	// Header is the first event's payload.
	Header Header
	// Ended is the last event's payload, nil while the transcript is open.
	Ended *End
	// EndedAt is when it ended; zero while open.
	EndedAt time.Time
	// Operations counts KindOperation events.
	Operations int
}

// Group is a run of events of one transcript that becomes durable together.
type Group struct {
	ID     ID
	Events []Event
	// Hashes are the chain's after each of Events: see Extend.
	Hashes []Hash
	// Head is the head after Events; stores keep it beside them.
	Head Head
}

// Store keeps events. There is no update and no delete. Implementations pass
// storetest and are safe for concurrent use.
type Store interface {
	// Append makes all groups durable in one transaction, or none of them. A
	// group's first event must have the number that the stored head says is next.
	// After an error the store must be treated as failed. Append keeps nothing of
	// groups after it returned.
	Append(groups []Group) error
	// Heads lists all transcripts in order of ID. Where some do not decode it
	// returns the others and an error that wraps ErrCorrupt.
	Heads(ctx context.Context) ([]Head, error)
	// Head returns one transcript's head. ErrNotFound, ErrCorrupt.
	Head(ctx context.Context, id ID) (Head, error)
	// Read returns up to max events from number from on; none after the last. A
	// store may return fewer than max to bound memory, but at least one where
	// there is one. ErrNotFound where there is no such transcript, ErrCorrupt where
	// the stored form does not decode: then with the events before the damage.
	Read(ctx context.Context, id ID, from uint64, max int) ([]Event, error)
	// Close releases the store. Nothing may be called afterwards.
	Close() error
}

// Packer is the power of a store to bring what is durable into the form in which
// it stays: packed, and apart from what is still written to.
type Packer interface {
	// Pack packs what it can of the transcripts: all of those that have ended. It
	// changes no event and no hash. For each transcript that is packed to its end
	// it returns a hash over the stored form. Errors: ErrCorrupt.
	Pack(ctx context.Context, ids []ID) (map[ID]Hash, error)
	// Unpacked lists the transcripts that have something to pack.
	Unpacked(ctx context.Context) ([]ID, error)
	// Stored computes the hash over the stored form anew; false where the
	// transcript is not packed to its end. It needs no key. ErrCorrupt.
	Stored(ctx context.Context, id ID) (Hash, bool, error)
}

// Remover is the power of a store to give up whole transcripts. It is no part of
// Store: retention alone has it (see Recorder.Expire), and a signed log tells of
// each use.
type Remover interface {
	// Remove takes out transcripts with all that is stored of them, and makes room
	// where they were. Those that are not there are passed over, so that it can be
	// repeated after a crash. It refuses, before anything is changed, a transcript
	// that has not ended.
	Remove(ctx context.Context, ids []ID) error
}

// Seeker is the power of a store to find a moment without reading up to it.
type Seeker interface {
	// Seek returns the number of the first event that did not happen before the
	// time, where the clock of a transcript is held to never go back; the number
	// of the next event where all did. ErrNotFound, ErrCorrupt, ErrSealed.
	Seek(ctx context.Context, id ID, at time.Time) (uint64, error)
}

// Checker is the power of a store to find damage that reading events does not
// show: bytes outside of events, events without a transcript. Verify uses it.
type Checker interface {
	// Check returns what is wrong, each fault with ID "" unless it concerns one
	// transcript, and whether the store was sealed: closed cleanly, so that any
	// changed byte would have been found.
	Check(ctx context.Context) (sealed bool, faults []Fault, err error)
}
