package recorder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrKept: the store, or its log, cannot give up transcripts.
var ErrKept = errors.New("this store cannot remove transcripts with a trace")

// Tombstone is what stays of a removed transcript: the note of its leaf in the
// log, whose Hash is the chain's last.
type Tombstone struct {
	Rule string `json:"rule"`
	// Keep is how long the rule keeps transcripts.
	Keep string `json:"keep"`
	// Header is the SHA-256, in hex, of the header as it was recorded.
	Header string    `json:"header"`
	Ended  time.Time `json:"ended"`
	Events uint64    `json:"events"`
}

// Hold is the note of a hold's leaf, and of its release.
type Hold struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Retainer is a Log that retention can rely on.
type Retainer interface {
	Log
	// Removed says whether the log has the tombstone of a transcript.
	Removed(id ID) bool
	// Held returns the leaves of the holds that are in force.
	Held() map[ID]Leaf
	// Sync returns when all that was added is durable and signed. Errors are final.
	Sync(ctx context.Context) error
}

// Keep says how long a transcript is kept after its end, and by which rule; 0 is
// for ever.
type Keep func(Head) (keep time.Duration, rule string)

// Removal is a transcript that retention takes.
type Removal struct {
	Head Head
	Tombstone
}

// removeBatch is how many transcripts are removed at a time: what a crash may
// leave half done.
const removeBatch = 256

// Due lists what would be removed now: transcripts that ended, are past their
// keep, and are not on hold.
func Due(heads []Head, held map[ID]Leaf, keep Keep, now time.Time) []Removal {
	var due []Removal
	for _, h := range heads {
		if _, on := held[h.ID]; on || h.Ended == nil {
			continue
		}
		d, rule := keep(h)
		if d <= 0 || h.EndedAt.Add(d).After(now) {
			continue
		}
		due = append(due, Removal{h, Tombstone{Rule: rule, Keep: d.String(), Ended: h.EndedAt, Events: h.Next}})
	}
	return due
}

// Expire removes what is due. The tombstone of each is durable and signed before
// anything of it is gone; a crash in between is made good by New. It returns what
// was removed. Errors: ErrKept, ErrUnavailable, those of the store.
func (r *Recorder) Expire(ctx context.Context, keep Keep) (gone []Removal, err error) {
	log, store, err := r.retainer()
	if err != nil {
		return nil, err
	}
	heads, err := r.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("retention: %w", err)
	}
	for some := range slices.Chunk(Due(heads, log.Held(), keep, r.now()), removeBatch) {
		if ctx.Err() != nil {
			return gone, context.Cause(ctx)
		}
		taken, err := r.remove(ctx, log, store, some)
		gone = append(gone, taken...)
		if err != nil {
			return gone, fmt.Errorf("retention: %w", err)
		}
	}
	return gone, nil
}

func (r *Recorder) retainer() (Retainer, Remover, error) {
	log, ok := r.o.Log.(Retainer)
	store, can := r.store.(Remover)
	if !ok || !can {
		return nil, nil, ErrKept
	}
	return log, store, r.Err()
}

// remove buries some transcripts and then removes them.
func (r *Recorder) remove(ctx context.Context, log Retainer, store Remover, some []Removal) ([]Removal, error) {
	r.removal.Lock() // Hold takes it too, so nothing is held after it was looked at
	defer r.removal.Unlock()
	r.reading.RLock() // Close waits
	defer r.reading.RUnlock()
	if r.closed {
		return nil, errClosed
	}
	held := log.Held()
	some = slices.DeleteFunc(some, func(m Removal) bool { _, on := held[m.Head.ID]; return on })
	var leaves []Leaf
	var ids []ID
	for i := range some {
		if log.Removed(some[i].Head.ID) { // the store failed to remove it before
			ids = append(ids, some[i].Head.ID)
			continue
		}
		l, err := r.tombstone(ctx, &some[i])
		if err != nil {
			return nil, err
		}
		leaves, ids = append(leaves, l), append(ids, l.ID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	if err := log.Add(leaves...); err != nil {
		return nil, err
	}
	if err := log.Sync(ctx); err != nil {
		return nil, err
	}
	// From here on it is to be finished, however long it takes.
	return some, store.Remove(context.WithoutCancel(ctx), ids)
}

// tombstone makes a transcript's, while its header is there.
func (r *Recorder) tombstone(ctx context.Context, m *Removal) (Leaf, error) {
	header, err := marshal(m.Head.Header)
	if first, rerr := r.store.Read(ctx, m.Head.ID, 0, 1); rerr == nil && len(first) == 1 {
		header = first[0].Data // as recorded; one that cannot be read is made from the head, which has a copy
	} else if err != nil {
		return Leaf{}, err
	}
	sum := sha256.Sum256(header)
	m.Header = hex.EncodeToString(sum[:])
	return r.noted(LeafRemoved, m.Head, m.Tombstone)
}

// noted makes a leaf with a note.
func (r *Recorder) noted(k LeafKind, h Head, note any) (Leaf, error) {
	text, err := json.Marshal(note)
	if err == nil && len(text) > maxNote {
		err = fmt.Errorf("%w: a note of %d bytes, the most is %d", ErrTooLarge, len(text), maxNote)
	}
	return Leaf{Kind: k, ID: h.ID, Next: h.Next, Hash: h.Hash, At: r.now(), Note: string(text)}, err
}

// removed says whether the log has buried a transcript.
func (r *Recorder) removed(id ID) bool {
	log, ok := r.o.Log.(Retainer)
	return ok && log.Removed(id)
}

// finishRemoval removes what was buried when a crash came, and returns the others.
func (r *Recorder) finishRemoval(heads []Head) ([]Head, error) {
	var ids []ID
	heads = slices.DeleteFunc(heads, func(h Head) bool {
		gone := r.removed(h.ID)
		if gone {
			ids = append(ids, h.ID)
		}
		return gone
	})
	if len(ids) == 0 {
		return heads, nil
	}
	store, ok := r.store.(Remover)
	if !ok {
		return nil, ErrKept
	}
	return heads, store.Remove(context.Background(), ids)
}

// Hold keeps a transcript from retention until Release, open ones too. It is
// durable and signed when Hold returns. Errors: ErrNotFound, ErrKept, ErrUnavailable.
func (r *Recorder) Hold(ctx context.Context, id ID, note Hold) error {
	return r.hold(ctx, LeafHold, id, note)
}

// Release ends a hold. Errors: ErrNotFound where there is none, ErrKept, ErrUnavailable.
func (r *Recorder) Release(ctx context.Context, id ID, note Hold) error {
	return r.hold(ctx, LeafRelease, id, note)
}

func (r *Recorder) hold(ctx context.Context, k LeafKind, id ID, note Hold) error {
	log, _, err := r.retainer()
	if err != nil {
		return err
	}
	r.removal.Lock()
	defer r.removal.Unlock()
	h, err := r.Head(ctx, id)
	if err != nil {
		return err
	}
	if log.Removed(id) {
		return fmt.Errorf("transcript %q: %w", id, ErrNotFound)
	}
	if _, on := log.Held()[id]; k == LeafRelease && !on {
		return fmt.Errorf("hold of transcript %q: %w", id, ErrNotFound)
	}
	l, err := r.noted(k, h, note)
	if err != nil {
		return err
	}
	if err := log.Add(l); err != nil {
		return err
	}
	return log.Sync(ctx)
}

// Held returns the holds in force, by transcript.
func (r *Recorder) Held() map[ID]Hold {
	log, ok := r.o.Log.(Retainer)
	if !ok {
		return nil
	}
	return holds(log.Held())
}

// HeldBy returns the holds that leaves, in order, leave in force.
func HeldBy(leaves []Leaf) map[ID]Leaf {
	held := map[ID]Leaf{}
	for _, l := range leaves {
		switch l.Kind {
		case LeafHold:
			held[l.ID] = l
		case LeafRelease, LeafRemoved:
			delete(held, l.ID)
		}
	}
	return held
}

func holds(leaves map[ID]Leaf) map[ID]Hold {
	out := make(map[ID]Hold, len(leaves))
	for id, l := range leaves {
		var h Hold
		if err := json.Unmarshal([]byte(l.Note), &h); err != nil {
			h.Reason = l.Note // a log that was written by others: held all the same
		}
		out[id] = h
	}
	return out
}
