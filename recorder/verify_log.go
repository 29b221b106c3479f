package recorder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// byTranscript sorts leaves that speak of chains by transcript and length.
func byTranscript(leaves []Leaf) map[ID][]Leaf {
	if leaves == nil {
		return nil
	}
	out := map[ID][]Leaf{}
	for _, l := range leaves {
		switch l.Kind {
		case LeafBegin, LeafCheckpoint, LeafEnd, LeafRemoved: // the others stand at no event
			out[l.ID] = append(out[l.ID], l)
		}
	}
	for _, all := range out {
		slices.SortStableFunc(all, func(a, b Leaf) int { return int(min(max(int64(a.Next-b.Next), -1), 1)) })
	}
	return out
}

// agree compares the chain at a head with the leaves about that moment and
// returns those about later ones.
func agree(at Head, said []Leaf) ([]Leaf, error) {
	for len(said) > 0 && said[0].Next <= at.Next {
		if said[0].Hash != at.Hash {
			return said, fmt.Errorf("the log saw another event here, or before: its %s has hash %x, the chain %x", said[0].Kind, said[0].Hash[:8], at.Hash[:8])
		}
		said = said[1:]
	}
	return said, nil
}

// missing tells of transcripts that the log names and the store does not have,
// unless the log says as well that they were removed.
func (v *verifier) missing() {
	for _, id := range slices.Sorted(maps.Keys(v.leaves)) {
		all := v.leaves[id]
		if !v.removed[id] {
			v.fault(id, 0, "the whole transcript is missing: the log saw %d events of it", all[len(all)-1].Next)
		}
	}
}

func removed(leaves []Leaf) map[ID]bool {
	out := map[ID]bool{}
	for _, l := range leaves {
		if l.Kind == LeafRemoved {
			out[l.ID] = true
		}
	}
	return out
}

// uncovered judges the transcripts of which the log does not have the last event:
// a crash explains them, a clean stop does not.
func (v *verifier) uncovered() {
	v.report.Unlogged = len(v.unlogged)
	if !v.report.Sealed {
		return
	}
	for _, h := range v.left { // else a crash came between, and the next start removes it
		v.fault(h.ID, 0, "the log says that it was removed, and it is here: it was put back, or not taken away")
	}
	for _, h := range v.unlogged {
		v.fault(h.ID, h.Next-1, "the log does not have it, though the bastion stopped cleanly: the log is an older one, or the transcript was put here")
	}
}

func forms(leaves []Leaf) map[ID]Leaf {
	out := map[ID]Leaf{}
	for _, l := range leaves {
		if l.Kind == LeafStored {
			out[l.ID] = l
		}
	}
	return out
}

// stored compares the stored form of a transcript with the hash that the log has.
func (v *verifier) stored(ctx context.Context, h Head) error {
	l, ok := v.forms[h.ID]
	p, can := v.s.(Packer)
	if !ok || !can {
		return nil
	}
	sum, all, err := p.Stored(ctx, h.ID)
	switch {
	case errors.Is(err, ErrCorrupt):
		v.fault(h.ID, 0, "%v", err)
	case err != nil:
		return err
	case !all || sum != l.Hash || h.Next != l.Next:
		v.fault(h.ID, 0, "it is not stored as the log says: a part of it was changed, or taken away")
	}
	return nil
}

// unread checks what can be checked without a key: the head against the log, and
// the stored form.
func (v *verifier) unread(ctx context.Context, h Head, said []Leaf) error {
	v.report.Unread++
	if len(said) > 0 {
		last := said[len(said)-1]
		switch {
		case last.Next > h.Next:
			v.fault(h.ID, h.Next, "missing: the log saw %d events", last.Next)
			return nil
		case last.Next == h.Next && last.Hash != h.Hash:
			v.fault(h.ID, 0, "the head is not the one that the log saw")
			return nil
		}
	}
	return v.stored(ctx, h)
}
