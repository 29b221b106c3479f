package snapshots

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// stepWork is how much drawing there is between two states, as a Screen counts
	// it: some 10 ms. stepBytes is how much is only read.
	stepWork  = 160 << 10
	stepBytes = 1 << 20
	// share is how many times as many bytes there are as states take.
	share = 16
	// turn is how much of one transcript is drawn before others have theirs.
	turn = 8 << 20
	// rest is how much longer than it works the builder pauses.
	rest = 2

	pageEvents = 256
	forever    = math.MaxUint64
)

// Source is where transcripts are read: a recorder.Recorder.
type Source interface {
	Head(ctx context.Context, id recorder.ID) (recorder.Head, error)
	Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error)
}

// Box seals states for those who may read the transcript: boltstore.Store.
type Box interface {
	SealAside(id recorder.ID, seq uint64, plain []byte) ([]byte, error)
	OpenAside(id recorder.ID, seq uint64, sealed []byte) ([]byte, error)
}

// Screen draws. State returns what Drawing.Restore takes; false where there is no
// state at the moment. Work counts what drawing took: about bytes.
type Screen interface {
	recorder.Display
	State() ([]byte, bool)
	Work() int
}

// Drawing makes screens.
type Drawing struct {
	New     func(width, height int) Screen
	Restore func(state []byte) (Screen, error)
}

// Options of a Follower; all but Busy must be set.
type Options struct {
	Source  Source
	Box     Box
	Drawing Drawing
	Log     *slog.Logger
	// Busy builds without pauses.
	Busy bool
	// Step is how much drawing there is between two states, as a Screen counts it;
	// 0 means what takes some 10 ms.
	Step int
}

// Follower keeps the states of the screens of a recorder's transcripts. Follow
// makes one; it is safe for concurrent use.
type Follower struct {
	dir  string
	o    Options
	stop context.CancelFunc
	done chan struct{}
	wake chan struct{} // 1

	building sync.Mutex // held while a transcript is built, before mu

	mu     sync.Mutex
	shown  map[recorder.ID]int // bytes since the transcript was last built
	todo   []recorder.ID
	queued map[recorder.ID]bool // those in todo
}

// Follow begins to build in the directory of a store.
func Follow(dir string, o Options) *Follower {
	if o.Step <= 0 {
		o.Step = stepWork
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &Follower{dir: filepath.Join(dir, Dir), o: o, stop: stop, done: make(chan struct{}), wake: make(chan struct{}, 1),
		shown: map[recorder.ID]int{}, queued: map[recorder.ID]bool{}}
	go f.run(ctx)
	return f
}

// Close ends building.
func (f *Follower) Close() {
	f.stop()
	<-f.done
}

// Durable hears of what was recorded: recorder.Options.Durable.
func (f *Follower) Durable(groups []recorder.Group) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range groups {
		if _, _, ok := g.Head.Header.Drawn(); !ok {
			continue
		}
		n := f.shown[g.ID]
		for _, e := range g.Events {
			if e.Kind == recorder.KindOutput || e.Kind == recorder.KindError {
				n += len(e.Data)
			}
		}
		if n >= f.o.Step/4 {
			f.want(g.ID)
			n = 0
		}
		f.shown[g.ID] = n
		if g.Head.Ended != nil {
			delete(f.shown, g.ID)
		}
	}
}

// want queues a transcript. Called with mu held.
func (f *Follower) want(id recorder.ID) {
	if f.queued[id] {
		return
	}
	f.todo, f.queued[id] = append(f.todo, id), true
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Snapshot returns the newest state at or before an event, false where there is
// none. Where it is far behind, or damaged, building goes on from there.
func (f *Follower) Snapshot(ctx context.Context, id recorder.ID, before uint64) (recorder.Snapshot, bool) {
	s, _, err := f.newest(id, before)
	again := before > s.Next+pageEvents
	if err != nil {
		s, again = recorder.Snapshot{}, f.damaged(id, err)
	}
	if again {
		f.mu.Lock()
		f.want(id)
		f.mu.Unlock()
	}
	return s, s.Next > 0
}

// damaged gives up a file that cannot be used, and reports whether it can be begun
// again.
func (f *Follower) damaged(id recorder.ID, err error) bool {
	if errors.Is(err, recorder.ErrSealed) {
		return false
	}
	f.o.Log.Warn("screens of a transcript are made anew", "transcript", string(id), "err", err)
	if err := f.Forget(id); err != nil {
		f.o.Log.Warn("screens", "err", err)
		return false
	}
	return true
}

func (f *Follower) run(ctx context.Context) {
	defer close(f.done)
	f.sweep(ctx)
	for {
		id, ok := f.next()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-f.wake:
			}
			continue
		}
		more, err := f.build(ctx, id)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, recorder.ErrNotFound):
			more = false
			_ = f.Forget(id) // the next start tries again
		case err != nil:
			more = f.damaged(id, err) && more
		}
		if more {
			f.mu.Lock()
			f.want(id)
			f.mu.Unlock()
		}
	}
}

func (f *Follower) next() (id recorder.ID, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.todo) == 0 {
		return "", false
	}
	id, f.todo = f.todo[0], f.todo[1:]
	delete(f.queued, id)
	return id, true
}

// sweep removes what is left of transcripts that are no more.
func (f *Follower) sweep(ctx context.Context) {
	all, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.o.Log.Warn("screens", "err", err)
	}
	for _, e := range all {
		if ctx.Err() != nil {
			return
		}
		if _, err := f.o.Source.Head(ctx, recorder.ID(e.Name())); errors.Is(err, recorder.ErrNotFound) {
			_ = os.Remove(filepath.Join(f.dir, e.Name())) // the next start tries again
		}
	}
}

// Build draws a transcript up to what is recorded by now. A file of states that cannot
// be used is thrown away, once, and begun again. Errors: ErrNotFound, ErrCorrupt,
// ErrSealed.
func (f *Follower) Build(ctx context.Context, id recorder.ID) error {
	for again := true; ; {
		more, err := f.build(ctx, id)
		if err != nil && more && again && ctx.Err() == nil {
			if again = false; f.damaged(id, err) {
				continue
			}
		}
		if err != nil || !more {
			return err
		}
	}
}

// build draws a transcript on from its last state, for a turn. more says that
// there is more to draw.
func (f *Follower) build(ctx context.Context, id recorder.ID) (more bool, err error) {
	f.building.Lock()
	defer f.building.Unlock()
	h, err := f.o.Source.Head(ctx, id)
	if err != nil {
		return false, err
	}
	w, t, ok := h.Header.Drawn()
	if !ok {
		return false, nil
	}
	last, end, err := f.newest(id, forever)
	if err != nil {
		return true, err // thrown away, and begun again
	}
	screen := f.o.Drawing.New(w, t)
	if last.Next > 0 {
		if screen, err = f.o.Drawing.Restore(last.State); err != nil {
			return true, err
		}
	}
	b := builder{f: f, id: id, screen: screen, snap: last, size: len(last.State)}
	defer func() { err = errors.Join(err, b.close()) }()
	for b.drawn < turn {
		began := time.Now()
		events, err := f.o.Source.Read(ctx, id, b.snap.Next, pageEvents)
		if err != nil || len(events) == 0 {
			return false, err
		}
		for _, e := range events {
			if err := b.draw(e, end); err != nil {
				return false, err
			}
		}
		f.pause(ctx, rest*time.Since(began))
	}
	return true, nil
}

func (f *Follower) pause(ctx context.Context, d time.Duration) {
	if f.o.Busy {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// builder draws one transcript for one turn.
type builder struct {
	f      *Follower
	id     recorder.ID
	screen Screen
	file   *os.File // nil until there is a state to keep
	snap   recorder.Snapshot
	drawn  int // bytes in this turn
	since  int // bytes since the last state
	work   int // what the screen counted then
	size   int // of the last state
}

func (b *builder) draw(e recorder.Event, end int64) error {
	recorder.Draw(b.screen, e)
	b.snap.Next = e.Seq + 1
	if e.At.After(b.snap.At) {
		b.snap.At = e.At
	}
	b.drawn += len(e.Data) + 64
	if e.Kind != recorder.KindInput {
		b.since += len(e.Data)
	}
	work := b.screen.Work()
	if work-b.work < b.f.o.Step && b.since < stepBytes || b.since < share*b.size {
		return nil
	}
	state, ok := b.screen.State()
	if !ok {
		b.work = work - b.f.o.Step*3/4 // soon again, not at once
		b.since = min(b.since, stepBytes*3/4)
		return nil
	}
	b.snap.State = state
	if b.file == nil {
		var err error
		if b.file, err = b.f.open(b.id, end); err != nil {
			return err
		}
	}
	var err error
	b.size, err = b.f.put(b.file, b.id, b.snap)
	b.since, b.work = 0, b.screen.Work()
	return err
}

func (b *builder) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
