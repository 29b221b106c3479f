package recorder

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// packEvery is how much of an open transcript is written before it is packed.
	packEvery = 1 << 20
	// packPause gathers transcripts that end together into one packing.
	packPause = 100 * time.Millisecond
	// packLast is how long Close packs; the next start packs what is left.
	packLast = 30 * time.Second
)

// packer packs transcripts in the background: what is durable already, so that
// nothing waits for it.
type packer struct {
	store Packer
	wake  chan struct{} // 1
	quit  chan struct{}
	done  chan struct{}

	todo map[ID]bool // guarded by Recorder.mu
}

// startPacking starts the goroutine where the store can pack, with what an
// earlier process left.
func (r *Recorder) startPacking(heads []Head) error {
	p, ok := r.store.(Packer)
	if !ok {
		return nil
	}
	left, err := p.Unpacked(context.Background())
	if err != nil {
		return err
	}
	r.pack = &packer{store: p, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}), todo: map[ID]bool{}}
	for _, id := range left {
		r.pack.todo[id] = true
	}
	if r.o.Log != nil { // a crash may have come between the packing and its leaf
		for _, h := range heads {
			if h.Ended != nil && !r.o.Log.Stored(h.ID) {
				r.pack.todo[h.ID] = true
			}
		}
	}
	r.pack.wake <- struct{}{}
	go r.packAll()
	return nil
}

// stopPacking waits until what has ended is packed.
func (r *Recorder) stopPacking() {
	if r.pack != nil {
		close(r.pack.quit)
		<-r.pack.done
	}
}

// toPack notes which of the written transcripts have something worth packing.
func (r *Recorder) toPack(written []*Transcript) {
	if r.pack == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	some := false
	for _, t := range written {
		t.unpacked += t.flight.cost
		if t.head.Ended != nil || t.unpacked >= packEvery {
			t.unpacked = 0
			r.pack.todo[t.id], some = true, true
		}
	}
	if some {
		select {
		case r.pack.wake <- struct{}{}:
		default:
		}
	}
}

func (r *Recorder) packAll() {
	defer close(r.pack.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for last := false; !last; {
		select {
		case <-r.pack.wake:
		case <-r.pack.quit:
			last = true
		}
		if !last {
			select {
			case <-time.After(packPause):
			case <-r.pack.quit:
				last = true
			case <-r.failed:
				return
			}
		}
		if last {
			time.AfterFunc(packLast, cancel)
		}
		if err := r.packSome(ctx); err != nil {
			if ctx.Err() == nil {
				r.fail(fmt.Errorf("pack transcripts: %w", err))
			}
			return
		}
	}
}

// packSome packs what waits and tells the log of the stored forms.
func (r *Recorder) packSome(ctx context.Context) error {
	r.mu.Lock()
	ids := slices.Sorted(maps.Keys(r.pack.todo))
	clear(r.pack.todo)
	r.mu.Unlock()
	for some := range slices.Chunk(ids, 64) {
		if err := r.packThese(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (r *Recorder) packThese(ctx context.Context, ids []ID) error {
	r.removal.Lock()
	defer r.removal.Unlock()
	ids = slices.DeleteFunc(slices.Clone(ids), r.removed)
	sums, err := r.pack.store.Pack(ctx, ids)
	if err != nil || r.o.Log == nil {
		return err
	}
	var leaves []Leaf
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		h, err := r.store.Head(ctx, id)
		if err != nil {
			return err
		}
		leaves = append(leaves, Leaf{Kind: LeafStored, ID: id, Next: h.Next, Hash: sums[id], At: r.now()})
	}
	return r.o.Log.Add(leaves...)
}

// Seek returns the number of the first event of a transcript that did not happen
// before the time, or of the next event where all did. Errors: ErrNotFound,
// ErrCorrupt, ErrSealed.
func (r *Recorder) Seek(ctx context.Context, id ID, at time.Time) (seq uint64, err error) {
	err = r.read(func() (err error) { seq, err = Seek(ctx, r.store, id, at); return err })
	return seq, err
}

// Seek is Recorder.Seek on a store: by its own power, or by reading.
func Seek(ctx context.Context, s Store, id ID, at time.Time) (uint64, error) {
	if p, ok := s.(Seeker); ok {
		return p.Seek(ctx, id, at)
	}
	next := uint64(0)
	read := func(ctx context.Context, from uint64, max int) ([]Event, error) { return s.Read(ctx, id, from, max) }
	for e, err := range Events(ctx, 0, read) {
		if err != nil || !e.At.Before(at) {
			return e.Seq, err
		}
		next = e.Seq + 1
	}
	return next, nil
}
