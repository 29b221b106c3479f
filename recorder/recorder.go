package recorder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	defaultLeadBytes = 256 << 10
	defaultLeadTime  = 50 * time.Millisecond
	defaultInterval  = 20 * time.Millisecond

	// commitTimeout is when a commit that did not return counts as failed.
	commitTimeout = 5 * time.Second
	// maxWaiting bounds what all transcripts together have accepted and not yet
	// made durable, in bytes: the recorder's memory.
	maxWaiting = 64 << 20
	// eventCost is what an event counts besides its payload, so that a flood of
	// tiny ones is bounded too.
	eventCost = 64
	// maxStream is the largest payload of a stream's event: small enough that
	// many make a commit and that seeking in a transcript finds small steps.
	maxStream = 32 << 10
)

// Options of a Recorder. The zero value is right.
type Options struct {
	// Lead is how far a stream may run ahead of the durable point: bytes (each
	// event counts 64 besides its payload) and time. 0 means 256 KiB and 50 ms.
	// Negative means synchronous.
	LeadBytes int
	LeadTime  time.Duration
	// Interval is how long a commit waits for more stream events; 0 means 20 ms.
	Interval time.Duration
	// Log hears where the transcripts stand; nil means that there is none. The
	// recorder takes it over, as it does the store.
	Log Log
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Durable is told each group once it is durable, in order, by the goroutine that
	// writes: it must return at once and keep nothing of them. May be nil.
	Durable func([]Group)
}

func (o Options) withDefaults() Options {
	if o.LeadBytes == 0 {
		o.LeadBytes = defaultLeadBytes
	}
	if o.LeadTime == 0 {
		o.LeadTime = defaultLeadTime
	}
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Recorder is the only writer of a store: it owns the chains and groups the
// events of all sessions into commits. It is safe for concurrent use. New makes
// one.
type Recorder struct {
	store  Store
	o      Options
	sync   bool          // streams are synchronous
	failed chan struct{} // closed with err
	quit   chan struct{} // closed by Close: the writer stops
	done   chan struct{} // closed when the writer has returned

	pack *packer // nil where the store does not pack
	// removal is held while transcripts are packed or removed, so that the log
	// hears nothing of one after its removal. Before reading.
	removal  sync.Mutex
	shut     sync.Once
	closeErr error

	// reading is held while the store is read; Close takes it for good. It is
	// never taken together with mu.
	reading sync.RWMutex
	closed  bool // the store is gone; guarded by reading

	mu      sync.Mutex
	err     error // why the recorder failed
	closing bool
	open    map[ID]*Transcript
	last    time.Time // the start that the newest name tells

	// The group that gathers, the transcripts that have events in it, and the one
	// that is being written (nil when none is).
	gather  *commit
	queued  []*Transcript
	flight  *commit
	waiting int // cost of all events accepted and not durable
}

// errClosed is what calls after Close fail with, beside ErrUnavailable.
var errClosed = errors.New("the recorder is closed")

// New starts a recorder on a store, which it takes over: Close closes it, also
// when New fails. Transcripts that a crash left open are ended as "interrupted".
func New(s Store, o Options) (*Recorder, error) {
	o = o.withDefaults()
	r := &Recorder{
		store: s, o: o, sync: o.LeadBytes < 0 || o.LeadTime < 0,
		failed: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
		open: map[ID]*Transcript{}, gather: newCommit(),
	}
	heads, err := s.Heads(context.Background())
	if err == nil {
		err = r.reconcile(heads)
	}
	if err == nil {
		heads, err = r.finishRemoval(heads)
	}
	if err == nil {
		err = r.interrupt(heads)
	}
	if err == nil {
		err = r.startPacking(heads)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the recorder: %w", err), r.closeLog(), s.Close())
	}
	go r.write()
	if o.Log != nil {
		go r.watch()
	}
	return r, nil
}

// interrupt ends the transcripts that a crash left open, in one transaction.
func (r *Recorder) interrupt(heads []Head) error {
	var groups []Group
	var ended []*Transcript
	for _, h := range heads {
		if h.Ended != nil {
			continue
		}
		data, err := marshal(End{Reason: "interrupted"})
		if err != nil {
			return err
		}
		e := Event{Seq: h.Next, At: r.now(), Kind: KindEnd, Data: data}
		next, hashes, err := Extend(h, nil, e)
		if err != nil {
			return fmt.Errorf("end transcript %q: %w", h.ID, err)
		}
		groups = append(groups, Group{ID: h.ID, Events: []Event{e}, Hashes: hashes, Head: next})
		ended = append(ended, &Transcript{id: h.ID, head: next})
	}
	if len(groups) == 0 {
		return nil
	}
	if err := r.append(groups); err != nil {
		return err
	}
	if r.o.Durable != nil {
		r.o.Durable(groups)
	}
	return r.leaves(ended)
}

// watch fails the recorder when its log has failed: what cannot be vouched for
// is not recorded.
func (r *Recorder) watch() {
	select {
	case <-r.o.Log.Failed():
		r.fail(r.o.Log.Err())
	case <-r.done:
	}
}

func (r *Recorder) closeLog() error {
	if r.o.Log == nil {
		return nil
	}
	return r.o.Log.Close()
}

// now is the wall clock as events keep it: without the monotonic reading, and to
// the microsecond, since what is finer takes a byte of each and tells nothing.
func (r *Recorder) now() time.Time { return r.o.Now().Truncate(time.Microsecond).UTC() }

// Begin opens a transcript: its header is durable when Begin returns. ID and
// Started of h are set by the recorder. Errors wrap ErrUnavailable, or are the
// context's cause; then the transcript, if it came into being, is ended.
func (r *Recorder) Begin(ctx context.Context, h Header) (*Transcript, error) {
	id, at, err := r.name(ctx)
	if err != nil {
		return nil, err
	}
	h.ID, h.Started = id, at
	data, err := marshal(h)
	if err != nil {
		return nil, fmt.Errorf("begin a transcript: %w", err)
	}
	t := &Transcript{r: r, id: id, head: Head{ID: id}}
	c, err := t.accept(ctx, KindStart, data, true)
	if err != nil {
		return nil, fmt.Errorf("begin a transcript: %w", err)
	}
	if err := r.await(ctx, c); err != nil {
		t.abandon()
		return nil, fmt.Errorf("begin transcript %q: %w", id, err)
	}
	return t, nil
}

// name finds a name that is not taken. Names of one recorder ascend, also where
// transcripts start within one tick of the clock or the clock steps back a little.
func (r *Recorder) name(ctx context.Context) (ID, time.Time, error) {
	at := r.now()
	r.mu.Lock()
	tell := at.Truncate(tick)
	if behind := r.last.Sub(tell); behind >= 0 && behind < time.Second {
		tell = r.last.Add(tick)
	}
	r.last = tell
	r.mu.Unlock()
	for {
		id := newID(tell)
		var err error
		rerr := r.read(func() error { _, err = r.store.Head(ctx, id); return nil })
		switch {
		case rerr != nil:
			return "", at, fmt.Errorf("begin a transcript: %w: %w", ErrUnavailable, rerr)
		case errors.Is(err, ErrNotFound):
			return id, at, nil
		case ctx.Err() != nil:
			return "", at, fmt.Errorf("begin a transcript: %w", context.Cause(ctx))
		case err != nil:
			return "", at, fmt.Errorf("begin a transcript: %w: %w", ErrUnavailable, err)
		}
	}
}

// Failed is closed when the recorder can no longer write; Err says why.
func (r *Recorder) Failed() <-chan struct{} { return r.failed }

// Err is nil until Failed is closed; then it wraps ErrUnavailable and the cause.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Heads lists all transcripts, by ID and so by start. Like Head and Read it
// reads what is durable, and goes on after a failure to write. Errors: ErrCorrupt.
func (r *Recorder) Heads(ctx context.Context) (heads []Head, err error) {
	err = r.read(func() (err error) { heads, err = r.store.Heads(ctx); return err })
	return heads, err
}

// Head returns one transcript's head. Errors: ErrNotFound, ErrCorrupt.
func (r *Recorder) Head(ctx context.Context, id ID) (h Head, err error) {
	err = r.read(func() (err error) { h, err = r.store.Head(ctx, id); return err })
	return h, err
}

// Read returns up to max events from number from on, none after the last; fewer
// than max do not mean that they were the last. Errors: ErrNotFound, ErrCorrupt.
func (r *Recorder) Read(ctx context.Context, id ID, from uint64, max int) (events []Event, err error) {
	err = r.read(func() (err error) { events, err = r.store.Read(ctx, id, from, max); return err })
	return events, err
}

func (r *Recorder) read(f func() error) error {
	r.reading.RLock()
	defer r.reading.RUnlock()
	if r.closed {
		return errClosed
	}
	return f()
}

// Close ends all open transcripts with the reason, commits, and closes the
// store. Further calls return what the first returned. When the recorder has
// failed, it returns why, and where a commit hangs it leaves the store to the
// end of the process.
func (r *Recorder) Close(reason string) error {
	r.shut.Do(func() { r.closeErr = r.stop(reason) })
	return r.closeErr
}

func (r *Recorder) stop(reason string) error {
	data, err := marshal(End{Reason: reason})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.closing = true
	for _, id := range slices.Sorted(maps.Keys(r.open)) {
		t := r.open[id]
		t.end = t.push(KindEnd, data, true)
	}
	c := r.gather
	some := len(r.queued) > 0
	if some {
		c.hasten()
	}
	r.mu.Unlock()
	if some {
		_ = r.await(context.Background(), c) // a failure is told below
	}
	close(r.quit)
	select {
	case <-r.done:
	case <-time.After(commitTimeout):
		return fmt.Errorf("close the recorder: %w: %w", ErrUnavailable, errHung)
	}
	r.stopPacking()
	r.reading.Lock()
	defer r.reading.Unlock()
	r.closed = true
	// The log first: a store that says it was closed cleanly has all its leaves signed.
	return errors.Join(r.Err(), r.closeLog(), r.store.Close())
}
