package recorder_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// doctored shows a store otherwise than it is.
type doctored struct {
	recorder.Store
	event func(recorder.ID, []recorder.Event) []recorder.Event
	head  func(*recorder.Head) bool // false hides it
}

func (d doctored) Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error) {
	all, err := d.Store.Read(ctx, id, 0, 1<<30)
	if d.event != nil {
		all = d.event(id, all)
	}
	return all[min(uint64(len(all)), from):], err
}

func (d doctored) Head(ctx context.Context, id recorder.ID) (recorder.Head, error) {
	h, err := d.Store.Head(ctx, id)
	if err == nil && d.head != nil && !d.head(&h) {
		return h, recorder.ErrNotFound
	}
	return h, err
}

func (d doctored) Heads(ctx context.Context) ([]recorder.Head, error) {
	heads, err := d.Store.Heads(ctx)
	return slices.DeleteFunc(heads, func(h recorder.Head) bool { return d.head != nil && !d.head(&h) }), err
}

// evidence is a store with a session "a" of five events and the bastion's own
// transcript, which names it at opening and closing.
func evidence(t *testing.T) (s *storetest.Memory, session, bastion recorder.ID) {
	t.Helper()
	s = storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{})
	own, err := r.Begin(t.Context(), recorder.Header{Kind: recorder.KindBastion})
	ok(t, err)
	tr := begin(t, r)
	ok(t, own.Record(t.Context(), recorder.KindAdmin, recorder.Admin{Act: "session opened", Target: string(tr.ID())}))
	for i := range 3 {
		ok(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: fmt.Sprint(i)}))
	}
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	h, err := r.Head(t.Context(), tr.ID())
	ok(t, err)
	ok(t, own.Record(t.Context(), recorder.KindAdmin, recorder.Admin{Act: "session closed", Target: string(tr.ID()),
		Details: map[string]string{"head": hex.EncodeToString(h.Hash[:]), "events": fmt.Sprint(h.Next)}}))
	ok(t, r.Close("stop"))
	intact(t, s)
	return s, tr.ID(), own.ID()
}

func TestVerifyNames(t *testing.T) {
	s, session, bastion := evidence(t)
	of := func(id recorder.ID, f func([]recorder.Event) []recorder.Event) func(recorder.ID, []recorder.Event) []recorder.Event {
		return func(got recorder.ID, e []recorder.Event) []recorder.Event {
			if got == id {
				return f(e)
			}
			return e
		}
	}
	headOf := func(id recorder.ID, f func(*recorder.Head) bool) func(*recorder.Head) bool {
		return func(h *recorder.Head) bool { return h.ID != id || f(h) }
	}
	for name, c := range map[string]struct {
		s    doctored
		id   recorder.ID
		seq  uint64
		what string
	}{
		"event dropped": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { return slices.Delete(e, 2, 3) })},
			session, 2, "number 3 where 2"},
		"events exchanged": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { e[1], e[2] = e[2], e[1]; return e })},
			session, 1, "number 2 where 1"},
		"event doubled": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { return slices.Insert(e, 2, e[1]) })},
			session, 2, "number 1 where 2"},
		"tail cut": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { return e[:3] })},
			session, 3, "the head counts 5"},
		"header missing": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { return e[1:] })},
			session, 0, "number 1 where 0"},
		"changed with all checks": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event { e[2].Data[9] ^= 1; return e })},
			session, 0, "another hash than the head"},
		"event after the end": {doctored{event: of(session, func(e []recorder.Event) []recorder.Event {
			return append(e, recorder.Event{Seq: 5, Kind: recorder.KindNote})
		})}, session, 5, "after the end"},
		"head behind": {doctored{head: headOf(session, func(h *recorder.Head) bool { h.Next = 4; return true })},
			session, 4, "not counted"},
		"head's hash": {doctored{head: headOf(session, func(h *recorder.Head) bool { h.Hash[0] ^= 1; return true })},
			session, 0, "another hash"},
		"head's copy": {doctored{head: headOf(session, func(h *recorder.Head) bool { h.Header.Resource = "other"; return true })},
			session, 4, "copy of header"},
		"transcript missing": {doctored{head: headOf(session, func(*recorder.Head) bool { return false })},
			session, 0, "whole transcript is missing: " + string(bastion)},
	} {
		t.Run(name, func(t *testing.T) {
			c.s.Store = s
			r, err := recorder.Verify(t.Context(), c.s)
			ok(t, err)
			if len(r.Faults) == 0 {
				t.Fatal("not noticed")
			}
			f := r.Faults[0]
			if f.ID != c.id || f.Seq != c.seq || !strings.Contains(f.What, c.what) {
				t.Errorf("fault %v, want event %d of %s: %s", f, c.seq, c.id, c.what)
			}
		})
	}
}

// TestVerifyRewritten: a whole session that was computed anew, with a valid
// chain and head, contradicts the bastion's own transcript.
func TestVerifyRewritten(t *testing.T) {
	s, session, bastion := evidence(t)
	events, err := s.Read(t.Context(), session, 0, 100)
	ok(t, err)
	events[2].Data = []byte(`{"text":"nothing happened"}`)
	forged, err := recorder.Advance(recorder.Head{ID: session}, events...)
	ok(t, err)
	r, err := recorder.Verify(t.Context(), doctored{Store: s,
		event: func(id recorder.ID, e []recorder.Event) []recorder.Event {
			if id == session {
				return events
			}
			return e
		},
		head: func(h *recorder.Head) bool {
			if h.ID == session {
				*h = forged
			}
			return true
		}})
	ok(t, err)
	if len(r.Faults) != 1 || r.Faults[0].ID != session || !strings.Contains(r.Faults[0].What, string(bastion)+" says in event 2") {
		t.Errorf("faults %v", r.Faults)
	}
}

// TestVerifyStops: an error that is no damage is told, not taken for a result.
func TestVerifyStops(t *testing.T) {
	s, _, _ := evidence(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := recorder.Verify(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify with an ended context: %v", err)
	}
}
