package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/recorder/search"
	"github.com/sallyport/sallyport/recorder/snapshots"
	"github.com/sallyport/sallyport/server/audit"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/tui/widget"
)

// evidence is what a bastion records to.
type evidence struct {
	*recorder.Recorder
	backups *backups
	stream  *audit.Stream
	dir     string
	// words and screens are nil where the bastion cannot read what it records.
	words   *search.Follower
	screens *snapshots.Follower
}

// Close ends backups, the audit stream, the index and the drawing of screens, and
// then all transcripts.
func (e *evidence) Close(reason string) error {
	var err error
	if e.words != nil {
		err = e.words.Close()
	}
	if e.screens != nil {
		e.screens.Close()
	}
	return errors.Join(err, e.backups.close(), e.stream.Close(), e.Recorder.Close(reason))
}

// Search implements session.Evidence.
func (e *evidence) Search(ctx context.Context, q search.Query) ([]search.Hit, bool, error) {
	if e.words == nil {
		return nil, false, recorder.ErrSealed
	}
	return e.words.Search(ctx, q)
}

// Snapshot implements session.Screens.
func (e *evidence) Snapshot(ctx context.Context, id recorder.ID, before uint64) (recorder.Snapshot, bool) {
	if e.screens == nil {
		return recorder.Snapshot{}, false
	}
	return e.screens.Snapshot(ctx, id, before)
}

// drawing draws what is kept of screens as a replay does.
var drawing = snapshots.Drawing{
	New:     func(width, height int) snapshots.Screen { return widget.NewScreen(width, height) },
	Restore: func(state []byte) (snapshots.Screen, error) { return widget.RestoreScreen(state) },
}

// Prove implements session.Evidence.
func (e *evidence) Prove(id recorder.ID) (ledger.Inclusion, error) { return ledger.Prove(e.dir, id) }

// openEvidence opens the transcripts of a bastion and starts its recorder on them,
// with the log over all of them.
func openEvidence(cfg *config.Config, log *slog.Logger) (*evidence, error) {
	c := cfg.Recording
	keys, err := agekeys.Open(cfg.Data, agekeys.Options{Recipients: c.Recipients, Sealed: c.Sealed})
	if err != nil {
		return nil, err
	}
	store, err := boltstore.Open(cfg.Data, boltstore.Options{Keys: keys})
	if err != nil {
		return nil, inUse(err)
	}
	tree, err := newLedger(cfg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	stream, err := newAudit(cfg, log)
	if err != nil {
		return nil, errors.Join(err, tree.Close(), store.Close())
	}
	var drawn atomic.Pointer[snapshots.Follower]      // what comes before it is drawn when somebody looks
	rec, err := recorder.New(store, recorder.Options{ // closes both where it fails
		LeadBytes: ahead(c.LeadBytes), LeadTime: ahead(time.Duration(c.LeadTime)), Interval: time.Duration(c.Interval), Log: tree,
		Durable: func(groups []recorder.Group) {
			stream.Durable(groups)
			if f := drawn.Load(); f != nil {
				f.Durable(groups)
			}
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start recorder: %w", err), stream.Close())
	}
	err = stream.Start(rec)
	var b *backups
	if err == nil {
		b, err = serveBackups(cfg.Data, store, log)
	}
	if err != nil {
		return nil, errors.Join(err, stream.Close(), rec.Close("the bastion did not start"))
	}
	e := &evidence{Recorder: rec, backups: b, stream: stream, dir: cfg.Data}
	if !c.Sealed {
		e.words = search.Follow(cfg.Data, keys, rec, log)
		e.screens = snapshots.Follow(cfg.Data, snapshots.Options{Source: rec, Box: store, Drawing: drawing, Log: log})
		drawn.Store(e.screens)
	}
	return e, nil
}

// ahead is a lead as the recorder takes it: there 0 is the default.
func ahead[T int | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// newLedger opens the log over all transcripts, after the store: its lock is the
// store's.
func newLedger(cfg *config.Config) (*ledger.Ledger, error) {
	c := cfg.Recording
	o := ledger.Options{Name: cfg.Name, Interval: time.Duration(c.Checkpoint)}
	if len(c.SignCommand) > 0 {
		signer, err := ledger.NewCommand(c.SignKey, c.SignCommand...)
		if err != nil {
			return nil, err
		}
		o.Signer, o.Key = signer, c.SignKey
	}
	if c.WitnessFile != "" {
		o.Witnesses = append(o.Witnesses, ledger.ToFile(c.WitnessFile))
	}
	if c.WitnessURL != "" {
		o.Witnesses = append(o.Witnesses, ledger.ToURL(c.WitnessURL))
	}
	return ledger.Open(cfg.Data, o)
}

// readingKeys are the identities given, or else the one beside the data, if there
// is one: without any, what is encrypted stays so.
func readingKeys(dir string, files []string) (*agekeys.Keys, error) {
	if len(files) > 0 {
		return agekeys.Read(files...)
	}
	k, err := agekeys.Read(filepath.Join(dir, agekeys.IdentityFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return agekeys.Read()
	}
	return k, err
}
