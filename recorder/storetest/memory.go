package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/recorder"
)

// Memory is a recorder.Store that keeps nothing beyond the process. It passes
// the suite but for reopening, and does no I/O, so it runs in a synctest bubble.
// NewMemory makes one.
type Memory struct {
	mu     sync.Mutex
	heads  map[recorder.ID]recorder.Head
	events map[recorder.ID][]recorder.Event
	failed error
}

var (
	_ recorder.Store   = (*Memory)(nil)
	_ recorder.Remover = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{heads: map[recorder.ID]recorder.Head{}, events: map[recorder.ID][]recorder.Event{}}
}

// Append implements recorder.Store.
func (m *Memory) Append(groups []recorder.Group) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	heads, events := maps.Clone(m.heads), maps.Clone(m.events)
	for _, g := range groups {
		h, ok := heads[g.ID]
		if !ok {
			h.ID = g.ID
		}
		if len(g.Events) == 0 || !g.ID.Valid() || g.Head.ID != g.ID || g.Head.Next != h.Next+uint64(len(g.Events)) ||
			len(g.Hashes) != len(g.Events) || g.Hashes[len(g.Hashes)-1] != g.Head.Hash {
			m.failed = fmt.Errorf("append: group of %q does not lead to its head", g.ID)
			return m.failed
		}
		all := slices.Clip(events[g.ID])
		for i, e := range g.Events {
			if e.Seq != h.Next+uint64(i) {
				m.failed = fmt.Errorf("append: transcript %q: event %d where %d is next", g.ID, e.Seq, h.Next+uint64(i))
				return m.failed
			}
			all = append(all, clone(e))
		}
		heads[g.ID], events[g.ID] = g.Head, all
	}
	m.heads, m.events = heads, events
	return nil
}

func clone(e recorder.Event) recorder.Event {
	e.Data = slices.Clone(e.Data)
	return e
}

// Heads implements recorder.Store.
func (m *Memory) Heads(ctx context.Context) ([]recorder.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	heads := []recorder.Head{}
	for _, id := range slices.Sorted(maps.Keys(m.heads)) {
		heads = append(heads, m.heads[id])
	}
	return heads, nil
}

// Head implements recorder.Store.
func (m *Memory) Head(ctx context.Context, id recorder.ID) (recorder.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return recorder.Head{}, context.Cause(ctx)
	}
	h, ok := m.heads[id]
	if !ok {
		return recorder.Head{}, fmt.Errorf("transcript %q: %w", id, recorder.ErrNotFound)
	}
	return h, nil
}

// Read implements recorder.Store.
func (m *Memory) Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, ok := m.events[id]
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !ok:
		return nil, fmt.Errorf("transcript %q: %w", id, recorder.ErrNotFound)
	case from >= uint64(len(all)) || max <= 0:
		return nil, nil
	}
	var events []recorder.Event
	for _, e := range all[from:min(uint64(len(all)), from+uint64(max))] {
		events = append(events, clone(e))
	}
	return events, nil
}

// Remove implements recorder.Remover.
func (m *Memory) Remove(_ context.Context, ids []recorder.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if h, ok := m.heads[id]; ok && h.Ended == nil {
			return fmt.Errorf("remove transcript %q: it has not ended", id)
		}
	}
	m.heads, m.events = maps.Clone(m.heads), maps.Clone(m.events)
	for _, id := range ids {
		delete(m.heads, id)
		delete(m.events, id)
	}
	return nil
}

// Close implements recorder.Store.
func (m *Memory) Close() error { return nil }

// ErrInjected is what a Faulty store fails with where nothing else is set.
var ErrInjected = errors.New("no space left on device (injected)")

// Faulty decorates a Store with failures of writing; reading goes on. Set the
// fields before use.
type Faulty struct {
	recorder.Store
	// FailAt is the number of the Append, from 1, that fails; 0 means none. So do
	// all later ones, as the contract says.
	FailAt int
	// Room is how many bytes of payload fit, as on a disk that fills; 0 means any.
	Room int
	// Err is what failing appends return; nil means ErrInjected.
	Err error
	// Before runs before each Append, with its number from 1. It may block or panic.
	Before func(n int)

	mu      sync.Mutex
	appends int
	used    int
	broken  bool
}

// Append implements recorder.Store.
func (f *Faulty) Append(groups []recorder.Group) error {
	f.mu.Lock()
	f.appends++
	n := f.appends
	for _, g := range groups {
		for _, e := range g.Events {
			f.used += len(e.Data)
		}
	}
	if n == f.FailAt || f.Room > 0 && f.used > f.Room {
		f.broken = true
	}
	broken := f.broken
	f.mu.Unlock()
	if f.Before != nil {
		f.Before(n)
	}
	if !broken {
		return f.Store.Append(groups)
	}
	if f.Err != nil {
		return f.Err
	}
	return ErrInjected
}

// Appends is how often Append was called.
func (f *Faulty) Appends() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.appends
}
