package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/tui/widget"
)

// runVerify checks every chain and the log over them, and names what is broken.
func runVerify(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript verify", io)
	where := addArchiveFlags(f)
	key := f.String("key", "", "the log's public key, or a file with it, from elsewhere than the data")
	kept := f.StringArray("checkpoint", nil, "a file with a checkpoint that was kept elsewhere")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 1 {
		return &usageError{fmt.Sprintf("verify takes no %q", f.Arg(1)), ""}
	}
	public, checkpoints, err := trusted(*key, *kept)
	if err != nil {
		return err
	}
	if f.NArg() == 1 {
		return verifyBundle(f.Arg(0), public, checkpoints, io)
	}
	a, err := where.open(io)
	if err != nil {
		return err
	}
	defer a.close(&err)
	return a.verify(ctx, public, checkpoints)
}

// trusted reads what the auditor brings along.
func trusted(key string, kept []string) (public string, checkpoints [][]byte, err error) {
	public = key
	if key != "" && !strings.Contains(key, "+") {
		b, err := os.ReadFile(key)
		if err != nil {
			return "", nil, fmt.Errorf("public key: %w", err)
		}
		public = strings.TrimSpace(string(b))
	}
	for _, path := range kept {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", nil, fmt.Errorf("checkpoint: %w", err)
		}
		checkpoints = append(checkpoints, b)
	}
	return public, checkpoints, nil
}

func (a *archive) verify(ctx context.Context, key string, kept [][]byte) error {
	proof, err := ledger.Verify(a.dir, key, kept...)
	if errors.Is(err, fs.ErrNotExist) {
		proof.Faults = append(proof.Faults, recorder.Fault{What: "log: " + err.Error()})
	} else if err != nil {
		return err
	}
	r, err := recorder.Verify(ctx, a.store, append([]recorder.Leaf{}, proof.Leaves...)...)
	if err != nil {
		return err
	}
	if r.Sealed {
		proof.Faults = append(proof.Faults, proof.Stopped()...)
	}
	faults := append(proof.Faults, r.Faults...)
	for _, x := range faults {
		if x.ID == "" {
			fmt.Fprintf(a.io.out, "broken: %s\n", widget.Escape(x.What))
			continue
		}
		fmt.Fprintf(a.io.out, "broken: transcript %s, event %d: %s\n", x.ID, x.Seq, widget.Escape(x.What))
	}
	seal := "sealed"
	if !r.Sealed {
		seal = "not sealed (the bastion runs, or did not stop cleanly)"
	}
	fmt.Fprintf(a.io.out, "%d transcripts, %d events, %s, log of %d leaves, %d faults\n",
		r.Transcripts, r.Events, seal, len(proof.Leaves), len(faults))
	if r.Unread > 0 {
		fmt.Fprintf(a.io.out, "%d transcripts are encrypted for others: only their stored form was checked\n", r.Unread)
	}
	if r.Removed > 0 {
		fmt.Fprintf(a.io.out, "%d transcripts were removed by retention: the log has their tombstones\n", r.Removed)
	}
	if r.Unlogged > 0 {
		fmt.Fprintf(a.io.out, "%d transcripts have events that are newer than the log\n", r.Unlogged)
	}
	if len(faults) > 0 {
		return errFound
	}
	fmt.Fprintln(a.io.out, "the chain is whole")
	if key == "" && len(kept) == 0 {
		fmt.Fprintln(a.io.err, "checked by the key beside the data: --key or --checkpoint from elsewhere proves more")
	}
	return nil
}
