package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/recorder"
)

const (
	defaultInterval = 10 * time.Second
	// maxPending bounds the leaves that wait for the disk.
	maxPending = 1 << 16
)

// Options of a Ledger. The zero value is right.
type Options struct {
	// Name is the bastion's, a part of the log's origin.
	Name string
	// Signer signs checkpoints and Key is its public key; nil means the key file
	// in the directory, which is made with the log.
	Signer note.Signer
	Key    string
	// Interval is how long a leaf waits for its checkpoint at most; 0 means ten
	// seconds. The end of a transcript does not wait.
	Interval time.Duration
	// Witnesses get each checkpoint once it is durable, the newest where they are
	// slower than it.
	Witnesses []Witness
}

// Ledger is a log in the data directory. It is safe for concurrent use; the
// caller makes sure that one process has it, as by the lock of the store beside
// it. Open makes one.
type Ledger struct {
	dir    string
	o      Options
	f      *os.File
	signer note.Signer
	failed chan struct{}
	urgent chan struct{} // 1: sign now
	quit   chan struct{}
	done   chan struct{}
	shut   sync.Once
	posts  *posts

	mu      sync.Mutex
	err     error
	pending []recorder.Leaf
	known   map[recorder.ID]recorder.Leaf
	stored  map[recorder.ID]bool
	removed map[recorder.ID]bool
	held    map[recorder.ID]recorder.Leaf
	syncs   []chan struct{} // closed when what was added before is signed

	// The goroutine's own.
	t      *tree
	signed int64
}

var _ recorder.Retainer = (*Ledger)(nil)

// Open opens the log in the directory, and begins one where there is none. It
// fails with recorder.ErrCorrupt where the log contradicts its last checkpoint.
// A leaf that a crash cut off is taken away.
func Open(dir string, o Options) (*Ledger, error) {
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	l := &Ledger{dir: dir, o: o, failed: make(chan struct{}), urgent: make(chan struct{}, 1), quit: make(chan struct{}),
		done: make(chan struct{}), known: map[recorder.ID]recorder.Leaf{}, stored: map[recorder.ID]bool{},
		removed: map[recorder.ID]bool{}, held: map[recorder.ID]recorder.Leaf{}}
	if err := l.start(); err != nil {
		if l.f != nil {
			err = errors.Join(err, l.f.Close())
		}
		return nil, fmt.Errorf("open the log of transcripts: %w", err)
	}
	l.posts = newPosts(o.Witnesses)
	go l.run()
	return l, nil
}

func (l *Ledger) start() error {
	path := filepath.Join(l.dir, FileName)
	_, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	key := l.o.Key
	if l.signer = l.o.Signer; l.signer == nil {
		if l.signer, key, err = keys(l.dir, l.o.Name, fresh); err != nil {
			return err
		}
	}
	if c, cerr := agreed(l.dir, key, new(tree)); fresh && (c.Size > 0 || cerr != nil && !errors.Is(cerr, errNoCheckpoint)) {
		return fmt.Errorf("%w: there is a checkpoint over %d leaves, and no log", recorder.ErrCorrupt, c.Size)
	}
	if fresh {
		if err := l.begin(path, key); err != nil {
			return err
		}
	}
	leaves, t, whole, err := load(path)
	torn := errors.Is(err, recorder.ErrCorrupt) && whole > 0
	if err != nil && !torn {
		return err
	}
	c, cerr := agreed(l.dir, key, t)
	if cerr != nil {
		return errors.Join(cerr, err)
	}
	l.t, l.signed = t, c.Size
	for _, leaf := range leaves {
		l.learn(leaf)
	}
	if l.f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	if torn { // all that was signed is there: only unsigned leaves are given up, and the store has them
		return errors.Join(l.f.Truncate(whole), l.f.Sync())
	}
	return nil
}

// begin makes an empty log with a checkpoint, so that a missing checkpoint is
// never the crash of a beginner.
func (l *Ledger) begin(path, key string) error {
	if l.o.Signer != nil {
		if err := replace(filepath.Join(l.dir, PubFile), []byte(key+"\n"), 0o644); err != nil {
			return err
		}
	}
	l.t = new(tree)
	if err := l.sign(); err != nil {
		return err
	}
	return replace(path, []byte(magic), 0o600)
}

var errNoCheckpoint = fmt.Errorf("%w: the log has no checkpoint", recorder.ErrCorrupt)

// agreed returns the last checkpoint after it has found the tree to agree with it.
func agreed(dir, key string, t *tree) (Checkpoint, error) {
	msg, err := lastCheckpoint(dir)
	if err != nil {
		return Checkpoint{}, err
	}
	return t.opens(msg, key)
}

// lastCheckpoint reads the newest checkpoint. Who reads the leaves as well, of a
// log that may be written to, reads them afterwards: a checkpoint is never ahead
// of them.
func lastCheckpoint(dir string) ([]byte, error) {
	msg, err := ReadCheckpoint(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = errNoCheckpoint
	}
	return msg, err
}

// opens verifies a checkpoint and compares the tree with it.
func (t *tree) opens(msg []byte, key string) (Checkpoint, error) {
	c, err := OpenCheckpoint(msg, key)
	if err != nil {
		return c, err
	}
	return c, t.agrees(c)
}

// agrees says whether the tree is one that the checkpoint was signed over, or has
// grown from it.
func (t *tree) agrees(c Checkpoint) error {
	if c.Size > t.size {
		return fmt.Errorf("%w: the log has %d leaves, a checkpoint was signed over %d", recorder.ErrCorrupt, t.size, c.Size)
	}
	root, err := t.root(c.Size)
	if err == nil && root != c.Root {
		err = fmt.Errorf("%w: one of the log's first %d leaves is not what the checkpoint was signed over", recorder.ErrCorrupt, c.Size)
	}
	return err
}

// learn keeps what Known tells.
func (l *Ledger) learn(leaf recorder.Leaf) {
	switch leaf.Kind {
	case recorder.LeafRemoved:
		delete(l.known, leaf.ID)
		delete(l.stored, leaf.ID)
		delete(l.held, leaf.ID)
		l.removed[leaf.ID] = true
	case recorder.LeafHold:
		l.held[leaf.ID] = leaf
	case recorder.LeafRelease:
		delete(l.held, leaf.ID)
	case recorder.LeafStored:
		l.stored[leaf.ID] = true
	default:
		l.known[leaf.ID] = leaf
	}
}

// Add implements recorder.Log.
func (l *Ledger) Add(leaves ...recorder.Leaf) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if len(l.pending)+len(leaves) > maxPending {
		return fmt.Errorf("%d leaves wait for the disk", len(l.pending))
	}
	for _, leaf := range leaves {
		l.learn(leaf)
		if leaf.Kind == recorder.LeafEnd {
			l.hurry()
		}
	}
	l.pending = append(l.pending, leaves...)
	return nil
}

// Known implements recorder.Log.
func (l *Ledger) Known() map[recorder.ID]recorder.Leaf {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[recorder.ID]recorder.Leaf, len(l.known))
	for id, leaf := range l.known {
		out[id] = leaf
	}
	return out
}

// Stored implements recorder.Log.
func (l *Ledger) Stored(id recorder.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stored[id]
}

// Failed implements recorder.Log.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Err implements recorder.Log.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// run is the only goroutine that writes.
func (l *Ledger) run() {
	defer close(l.done)
	tick := time.NewTicker(l.o.Interval)
	defer tick.Stop()
	for {
		last := false
		select {
		case <-l.urgent:
		case <-tick.C:
		case <-l.quit:
			last = true
		}
		if err := l.flush(); err != nil {
			l.mu.Lock()
			l.err = fmt.Errorf("write the log of transcripts: %w", err)
			l.mu.Unlock()
			close(l.failed)
			return
		}
		if last {
			return
		}
	}
}

// flush makes the leaves that wait durable and signs over them.
func (l *Ledger) flush() error {
	l.mu.Lock()
	leaves, syncs := l.pending, l.syncs
	l.pending, l.syncs = nil, nil
	l.mu.Unlock()
	err := l.write(leaves)
	if err == nil {
		for _, done := range syncs {
			close(done)
		}
	}
	return err
}

func (l *Ledger) write(leaves []recorder.Leaf) error {
	var b []byte
	for _, leaf := range leaves {
		enc, h := appendRecord(b, leaf)
		if err := l.t.add(h); err != nil {
			return err
		}
		b = enc
	}
	if len(b) > 0 {
		if _, err := l.f.Write(b); err != nil {
			return err
		}
		if err := l.f.Sync(); err != nil {
			return err
		}
	}
	if l.t.size == l.signed {
		return nil
	}
	return l.sign()
}

// sign signs over the whole tree and keeps the checkpoint.
func (l *Ledger) sign() error {
	root, err := l.t.root(l.t.size)
	if err != nil {
		return err
	}
	c := Checkpoint{l.signer.Name(), l.t.size, root}
	msg, err := note.Sign(&note.Note{Text: c.text()}, l.signer)
	if err == nil {
		err = replace(filepath.Join(l.dir, CheckpointFile), msg, 0o600)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	l.signed = c.Size
	if l.posts != nil {
		l.posts.give(msg)
	}
	return nil
}

// Close signs over what was added and closes the log. Witnesses are waited for a
// little: those that do not answer have the checkpoint from before.
func (l *Ledger) Close() error {
	l.shut.Do(func() {
		close(l.quit)
		<-l.done
		ctx, cancel := context.WithTimeout(context.Background(), postTimeout)
		defer cancel()
		l.posts.close(ctx)
		err := l.f.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.err = err
		}
	})
	if err := l.Err(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
