package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/tui/widget"
)

// runTranscript reads the evidence of a stopped bastion.
func runTranscript(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript", io)
	data := f.String("data", "", "the data directory (default: the demo's)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return &usageError{"usage: sallyport transcript list|verify [--data DIR]", ""}
	}
	if *data == "" {
		if *data, err = demoDirectory(); err != nil {
			return err
		}
	}
	store, err := boltstore.Open(*data, boltstore.Options{ReadOnly: true})
	if err != nil {
		if errors.Is(err, recorder.ErrInUse) {
			return &hinted{err, "a running bastion has it: ssh BASTION transcripts, ssh BASTION replay ID"}
		}
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	switch f.Arg(0) {
	case "list":
		return listTranscripts(ctx, store, io)
	case "verify":
		return verifyTranscripts(ctx, store, io)
	}
	return &usageError{fmt.Sprintf("transcript has no %q", f.Arg(0)), "list or verify"}
}

func listTranscripts(ctx context.Context, s recorder.Store, io stdio) error {
	heads, err := s.Heads(ctx)
	if err != nil {
		return err
	}
	for _, h := range heads {
		state := "open"
		if h.Ended != nil {
			state = h.Ended.Reason
		}
		who := h.Header.Identity.Email
		if who == "" {
			who = h.Header.Identity.Subject
		}
		fmt.Fprintf(io.out, "%s  %s  %s  %s  %s  %d events  %s\n", h.ID, h.Header.Started.UTC().Format(time.RFC3339), widget.Escape(who),
			widget.Escape(h.Header.Kind), widget.Escape(h.Header.Resource), h.Next, widget.Escape(state))
	}
	return nil
}

// verifyTranscripts checks every chain and names what is broken.
func verifyTranscripts(ctx context.Context, s recorder.Store, io stdio) error {
	r, err := recorder.Verify(ctx, s)
	if err != nil {
		return err
	}
	for _, x := range r.Faults {
		if x.ID == "" {
			fmt.Fprintf(io.out, "broken: %s\n", widget.Escape(x.What))
			continue
		}
		fmt.Fprintf(io.out, "broken: transcript %s, event %d: %s\n", x.ID, x.Seq, widget.Escape(x.What))
	}
	seal := "sealed"
	if !r.Sealed {
		seal = "not sealed (the bastion runs, or did not stop cleanly)"
	}
	fmt.Fprintf(io.out, "%d transcripts, %d events, %s, %d faults\n", r.Transcripts, r.Events, seal, len(r.Faults))
	if len(r.Faults) > 0 {
		return errFound
	}
	fmt.Fprintln(io.out, "the chain is whole")
	return nil
}
