package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"time"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/tui/widget"
)

func addConfigFlag(f *pflag.FlagSet) *string {
	return f.String("config", "", "the configuration of the bastion, which is stopped")
}

func loadConfig(what, path string) (*config.Config, error) {
	if path == "" {
		return nil, &usageError{what + " needs --config FILE: it says where the data is, how long it is kept and who signs", ""}
	}
	return config.Load(path)
}

// runExpire removes the transcripts that are past their keep, as a running bastion
// does by itself.
func runExpire(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript expire", io)
	path := addConfigFlag(f)
	dry := f.Bool("dry-run", false, "say what would be removed, and remove nothing")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{fmt.Sprintf("expire takes no %q", f.Arg(0)), ""}
	}
	cfg, err := loadConfig("expire", *path)
	if err != nil {
		return err
	}
	var gone []recorder.Removal
	done := "removed"
	if *dry {
		done = "would be removed"
		gone, err = wouldExpire(ctx, cfg)
	} else {
		err = withEvidence(cfg, func(e *evidence) (err error) {
			gone, err = e.Expire(ctx, keeping(cfg))
			return err
		})
	}
	for _, r := range gone {
		h := r.Head
		fmt.Fprintf(io.out, "%s  %s  %s  %s  ended %s  kept %s by %s\n", done, h.ID, widget.Escape(who(h.Header.Identity)), widget.Escape(h.Header.Resource),
			r.Ended.UTC().Format(time.RFC3339), r.Keep, widget.Escape(r.Rule))
	}
	if err == nil {
		fmt.Fprintf(io.out, "%d transcripts %s\n", len(gone), done)
	}
	return err
}

// wouldExpire reads a stopped store, and changes nothing.
func wouldExpire(ctx context.Context, cfg *config.Config) (gone []recorder.Removal, err error) {
	store, err := boltstore.Open(cfg.Data, boltstore.Options{ReadOnly: true})
	if err != nil {
		return nil, notOpened(cfg.Data, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	heads, err := store.Heads(ctx)
	if err != nil {
		return nil, err
	}
	proof, err := ledger.Verify(cfg.Data, "")
	if err != nil {
		return nil, err
	}
	return recorder.Due(heads, recorder.HeldBy(proof.Leaves), keeping(cfg), time.Now()), nil
}

// withEvidence opens the evidence of a stopped bastion to write.
func withEvidence(cfg *config.Config, f func(*evidence) error) error {
	if err := checkThere(cfg.Data); err != nil {
		return err
	}
	quiet := *cfg
	quiet.Audit = nil // the bastion goes on with it
	e, err := openEvidence(&quiet, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(f(e), e.Close("an administrator worked on the store"))
}

// checkThere refuses a directory without a store: opening it for writing would
// make one.
func checkThere(dir string) error {
	store, err := boltstore.Open(dir, boltstore.Options{ReadOnly: true})
	if err != nil {
		return notOpened(dir, err)
	}
	return store.Close()
}

func runHold(ctx context.Context, args []string, io stdio) error {
	return changeHold(ctx, "hold", args, io, (*recorder.Recorder).Hold)
}

func runRelease(ctx context.Context, args []string, io stdio) error {
	return changeHold(ctx, "release", args, io, (*recorder.Recorder).Release)
}

// changeHold puts a transcript under legal hold, or ends that.
func changeHold(ctx context.Context, name string, args []string, io stdio,
	change func(*recorder.Recorder, context.Context, recorder.ID, recorder.Hold) error) error {
	f := flags("transcript "+name, io)
	path := addConfigFlag(f)
	reason := f.String("reason", "", "why: it stands in the log, in clear")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 || *reason == "" {
		return &usageError{name + " needs the ID of a transcript, and a --reason", ""}
	}
	cfg, err := loadConfig(name, *path)
	if err != nil {
		return err
	}
	by := "administrator"
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	return withEvidence(cfg, func(e *evidence) error {
		return change(e.Recorder, ctx, recorder.ID(f.Arg(0)), recorder.Hold{By: by, Reason: *reason})
	})
}
