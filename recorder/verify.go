package recorder

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// KindBastion is the Header.Kind of the bastion's own transcripts.
const KindBastion = "bastion"

// Report is the outcome of Verify.
type Report struct {
	Transcripts int
	Events      uint64
	// Sealed says that the store was closed cleanly and vouches for each of its
	// bytes. A running store, and one that a crash left, is not sealed.
	Sealed bool
	// Unread is how many transcripts are encrypted for others: of these the
	// stored form was checked against the log, where it is packed, and the head.
	Unread int
	// Unlogged is how many transcripts have events that the log does not cover
	// yet: what happened since its last leaves.
	Unlogged int
	// Removed is how many transcripts retention took, as the log says.
	Removed int
	Faults  []Fault
}

// Fault names the first broken event of a transcript, or what is wrong with
// the store as a whole (ID is "").
type Fault struct {
	ID   ID
	Seq  uint64
	What string
}

// String is the fault in one line.
func (f Fault) String() string {
	if f.ID == "" {
		return "store: " + f.What
	}
	return fmt.Sprintf("%s: event %d: %s", f.ID, f.Seq, f.What)
}

// Verify reads the whole store and checks every chain, what the bastion's own
// transcripts say about the others, and what the store itself can check (see
// Checker). Where leaves of a log over the transcripts are given, each chain must
// agree with them and every transcript they name must be there. What is damaged
// becomes a Fault; the error tells that checking could
// not go on: the context's, or one of reading that is not ErrCorrupt. The store
// may be written to meanwhile.
func Verify(ctx context.Context, s Store, leaves ...Leaf) (Report, error) {
	v := verifier{s: s, leaves: byTranscript(leaves), forms: forms(leaves), removed: removed(leaves)}
	heads, err := s.Heads(ctx)
	if errors.Is(err, ErrCorrupt) {
		v.fault("", 0, "%v", err)
	} else if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	v.report.Transcripts, v.report.Removed = len(heads), len(v.removed)
	for _, h := range heads {
		if v.removed[h.ID] {
			v.left = append(v.left, h)
			delete(v.leaves, h.ID)
			continue
		}
		if err := v.transcript(ctx, h); err != nil {
			return v.report, fmt.Errorf("verify transcript %q: %w", h.ID, err)
		}
	}
	for _, c := range v.claims {
		if err := v.claim(ctx, c); err != nil {
			return v.report, fmt.Errorf("verify transcript %q: %w", c.id, err)
		}
	}
	v.missing()
	if c, ok := s.(Checker); ok {
		sealed, faults, err := c.Check(ctx)
		if err != nil {
			return v.report, fmt.Errorf("verify the store: %w", err)
		}
		v.report.Sealed = sealed
		v.report.Faults = append(v.report.Faults, faults...)
	}
	v.uncovered()
	return v.report, nil
}

// readBatch is how many events are asked for at a time.
const readBatch = 512

type verifier struct {
	s      Store
	report Report
	claims []claim
	// leaves are what a log says, by transcript; nil where there is no log. What
	// has been compared is taken away.
	leaves map[ID][]Leaf
	// forms are the hashes over stored forms that the log has.
	forms map[ID]Leaf
	// removed are the transcripts that the log says retention took.
	removed map[ID]bool
	// unlogged are the transcripts of which the log does not have the last event.
	unlogged []Head
	// left are the transcripts that are there though the log says that they were
	// removed.
	left []Head
}

// claim is what event seq of the bastion's transcript by says about transcript
// id: that it exists and, where head is not "", how it ended.
type claim struct {
	by   ID
	seq  uint64
	id   ID
	head string
	next uint64
}

func (v *verifier) fault(id ID, seq uint64, format string, args ...any) {
	v.report.Faults = append(v.report.Faults, Fault{ID: id, Seq: seq, What: fmt.Sprintf(format, args...)})
}

// transcript walks one chain to its end and compares it with the stored head.
// Only the first fault of a transcript is told: it explains the rest.
func (v *verifier) transcript(ctx context.Context, stored Head) error {
	at := Head{ID: stored.ID}
	said, logged, last := v.leaves[stored.ID], v.leaves != nil, uint64(0)
	if len(said) > 0 {
		last = said[len(said)-1].Next
	}
	delete(v.leaves, stored.ID)
	for {
		events, err := v.s.Read(ctx, stored.ID, at.Next, readBatch)
		for _, e := range events {
			next, aerr := Advance(at, e)
			if aerr != nil {
				v.fault(at.ID, at.Next, "%v", aerr)
				return nil
			}
			at = next
			v.report.Events++
			v.note(at, e)
			if said, aerr = agree(at, said); aerr != nil {
				v.fault(at.ID, at.Next-1, "%v", aerr)
				return nil
			}
		}
		if errors.Is(err, ErrSealed) {
			return v.unread(ctx, stored, said)
		}
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) {
			v.fault(at.ID, at.Next, "%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		if len(events) > 0 {
			continue
		}
		// The head is read after the events: a running store is further by now.
		moved := stored.Next
		stored, err = v.s.Head(ctx, at.ID)
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) {
			v.fault(at.ID, at.Next, "head: %v", err)
			return nil
		}
		if err != nil {
			return err
		}
		if stored.Next > max(at.Next, moved) {
			continue
		}
		v.compare(at, stored)
		switch {
		case len(said) > 0:
			v.fault(at.ID, at.Next, "missing: the log saw %d events", said[len(said)-1].Next)
		case logged && last < at.Next:
			v.unlogged = append(v.unlogged, at)
		}
		return v.stored(ctx, at)
	}
}

// compare tells how the stored head differs from the one that the events give.
func (v *verifier) compare(at, stored Head) {
	switch {
	case stored.Next > at.Next:
		v.fault(at.ID, at.Next, "missing: the head counts %d events", stored.Next)
	case stored.Next < at.Next:
		v.fault(at.ID, stored.Next, "not counted by the head, which ends before it")
	case stored.Hash != at.Hash:
		// Which event was changed cannot be told from the last hash alone.
		v.fault(at.ID, 0, "the chain over events 0 to %d has another hash than the head: one of them, or the head, was changed", at.Next-1)
	case !sameJSON(at, stored):
		v.fault(at.ID, at.Next-1, "the head's copy of header, end or count differs from the events")
	}
}

// note collects what an event of the bastion's own transcript says about others.
func (v *verifier) note(at Head, e Event) {
	if e.Kind != KindAdmin || at.Header.Kind != KindBastion {
		return
	}
	var a Admin
	if err := json.Unmarshal(e.Data, &a); err != nil {
		v.fault(at.ID, e.Seq, "admin act does not decode: %v", err)
		return
	}
	c := claim{by: at.ID, seq: e.Seq, id: ID(a.Target)}
	switch a.Act {
	case "session opened":
	case "session closed":
		n, err := strconv.ParseUint(a.Details["events"], 10, 64)
		if err != nil || a.Details["head"] == "" {
			v.fault(at.ID, e.Seq, "names no head for %q", a.Target)
			return
		}
		c.head, c.next = a.Details["head"], n
	default:
		return
	}
	v.claims = append(v.claims, c)
}

// claim checks what the bastion's own transcript said.
func (v *verifier) claim(ctx context.Context, c claim) error {
	h, err := v.s.Head(ctx, c.id)
	switch {
	case errors.Is(err, ErrNotFound) && v.removed[c.id]:
	case errors.Is(err, ErrNotFound):
		v.fault(c.id, 0, "the whole transcript is missing: %s names it in event %d", c.by, c.seq)
	case errors.Is(err, ErrCorrupt):
		v.fault(c.id, 0, "head: %v", err)
	case err != nil:
		return err
	case c.head == "":
	case h.Next != c.next || hex.EncodeToString(h.Hash[:]) != c.head:
		v.fault(c.id, min(h.Next, c.next), "%s says in event %d that it ended after %d events with head %s, not after %d with %x",
			c.by, c.seq, c.next, c.head, h.Next, h.Hash)
	}
	return nil
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}
