package search

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// followEvery is the least time between two updates that nobody asked for. An
	// update that took long is followed by idleShare times as long without one.
	followEvery = 2 * time.Second
	idleShare   = 20
	// patience is how long a search waits for the index to catch up.
	patience = 2 * time.Second
)

// Follower keeps an index up to date with a recorder that runs. It reads what is
// durable, in a goroutine of its own: recording never waits for it. Follow makes
// one; it is safe for concurrent use.
type Follower struct {
	dir  string
	keys Keys
	src  Source
	log  *slog.Logger

	stop  context.CancelFunc
	done  chan struct{}
	asked chan chan error // who waits for an update
	index chan *Index     // holds the one index, nil while there is none
}

// Follow begins to keep the index in a directory. Where it cannot be opened it is
// tried again; meanwhile searches fail.
func Follow(dir string, k Keys, src Source, log *slog.Logger) *Follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &Follower{dir: dir, keys: k, src: src, log: log, stop: stop, done: make(chan struct{}),
		asked: make(chan chan error), index: make(chan *Index, 1)}
	f.index <- nil
	go f.run(ctx)
	return f
}

// Close ends updates and closes the index. Searches that run end first.
func (f *Follower) Close() error {
	f.stop()
	<-f.done
	x := <-f.index
	f.index <- nil
	if x == nil {
		return nil
	}
	return x.Close()
}

func (f *Follower) run(ctx context.Context) {
	defer close(f.done)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		var waits chan error
		select {
		case <-ctx.Done():
			return
		case waits = <-f.asked:
		case <-t.C:
		}
		began := time.Now()
		err := f.update(ctx)
		if waits != nil {
			waits <- err // has room
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, recorder.ErrSealed) {
			f.log.Warn("search index", "err", err)
		}
		t.Reset(max(followEvery, idleShare*time.Since(began)))
	}
}

// update brings the index up to date. One that fails is thrown away: the next
// update builds it anew from the record.
func (f *Follower) update(ctx context.Context) error {
	x, err := f.open()
	if err != nil {
		return err
	}
	err = x.Update(ctx, f.src)
	if err == nil || ctx.Err() != nil || !errors.Is(err, errIndex) {
		return err
	}
	<-f.index
	defer func() { f.index <- nil }()
	return errors.Join(err, x.Close(), os.Remove(filepath.Join(f.dir, FileName)))
}

// open returns the index, and opens it where there is none.
func (f *Follower) open() (x *Index, err error) {
	x = <-f.index
	defer func() { f.index <- x }()
	if x == nil {
		x, err = Open(f.dir, f.keys)
	}
	return x, err
}

// Search is Index.Search once what is recorded by now is indexed. Where that takes
// longer than two seconds, complete is false, and what is newest may be missing.
func (f *Follower) Search(ctx context.Context, q Query) (hits []Hit, complete bool, err error) {
	complete, err = f.caughtUp(ctx)
	if err != nil {
		return nil, false, err
	}
	x := <-f.index
	f.index <- x
	if x == nil {
		return nil, false, errNotReady
	}
	hits, err = x.Search(ctx, q)
	return hits, complete, err
}

// errNotReady: there is no index at the moment.
var errNotReady = errors.New("the search index is being built: try again in a moment")

func (f *Follower) caughtUp(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotReady)
	defer cancel()
	waits := make(chan error, 1)
	var err error
	select {
	case f.asked <- waits:
		select {
		case err = <-waits:
			return err == nil, err
		case <-ctx.Done():
		}
	case <-f.done:
		return false, errNotReady
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), errNotReady) {
		return false, nil // with what there is
	}
	return false, context.Cause(ctx)
}
