package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/tui/widget"
)

// archive is what the subcommands of transcript work on.
type archive struct {
	dir   string
	store *boltstore.Store
	io    stdio
}

// transcriptCommand is one subcommand of transcript.
type transcriptCommand struct {
	name, usage string
	run         func(ctx context.Context, args []string, io stdio) error
}

func transcriptCommands() []transcriptCommand {
	return []transcriptCommand{
		{"list", "list [--data DIR]", runList},
		{"expire", "expire --config FILE [--dry-run]", runExpire},
		{"export", "export ID [--format text|cast|cast2|operations|bundle] [--output FILE] [--data DIR] [--identity FILE]", runExport},
		{"hold", "hold ID --reason WHY --config FILE", runHold},
		{"release", "release ID --reason WHY --config FILE", runRelease},
		{"rewrap", "rewrap --recipient age1... [--data DIR] [--identity FILE]", runRewrap},
		{"search", "search [WORDS] [--person P] [--resource R] [--since T] [--verdict V] [--destructive] [--json] [--data DIR] ...", runSearch},
		{"verify", "verify [BUNDLE] [--data DIR] [--identity FILE] [--key PUBLIC-KEY|FILE] [--checkpoint FILE]...", runVerify},
	}
}

// runTranscript reads the evidence of a stopped bastion, or of a copy.
func runTranscript(ctx context.Context, args []string, io stdio) error {
	all := transcriptCommands()
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		var lines []string
		for _, c := range all {
			lines = append(lines, "  sallyport transcript "+c.usage)
		}
		return &usageError{"usage:\n" + strings.Join(lines, "\n"), ""}
	}
	i := slices.Index(names, args[0])
	if i < 0 {
		return &usageError{fmt.Sprintf("transcript has no %q", args[0]), strings.Join(names, ", ")}
	}
	return all[i].run(ctx, args[1:], io)
}

// archiveFlags are those of every subcommand that reads a store.
type archiveFlags struct {
	data       *string
	identities *[]string
}

func addArchiveFlags(f *pflag.FlagSet) archiveFlags {
	return archiveFlags{
		f.String("data", "", "the data directory, or a backup's (default: the demo's)"),
		f.StringArray("identity", nil, "a file with an age identity that may read (default: the one beside the data)"),
	}
}

// directory is where the data is; the demo's where nothing was said.
func (f archiveFlags) directory() (string, error) {
	if *f.data == "" {
		return demoDirectory()
	}
	return *f.data, nil
}

// open opens the store, for reading.
func (f archiveFlags) open(io stdio) (*archive, error) {
	dir, err := f.directory()
	if err != nil {
		return nil, err
	}
	keys, err := readingKeys(dir, *f.identities)
	if err != nil {
		return nil, err
	}
	store, err := boltstore.Open(dir, boltstore.Options{ReadOnly: true, Keys: keys})
	if errors.Is(err, recorder.ErrInUse) {
		return nil, &hinted{err, "a running bastion has it: ssh BASTION transcripts, ssh BASTION replay ID"}
	}
	if err != nil {
		return nil, err
	}
	return &archive{dir, store, io}, nil
}

func (a *archive) close(err *error) { *err = errors.Join(*err, a.store.Close()) }

func runList(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript list", io)
	where := addArchiveFlags(f)
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{fmt.Sprintf("list takes no %q", f.Arg(0)), ""}
	}
	a, err := where.open(io)
	if err != nil {
		return err
	}
	defer a.close(&err)
	heads, err := a.store.Heads(ctx)
	if err != nil {
		return err
	}
	held := map[recorder.ID]recorder.Leaf{}
	if proof, err := ledger.Verify(a.dir, ""); err == nil { // else `verify` tells
		held = recorder.HeldBy(proof.Leaves)
	}
	for _, h := range heads {
		state := "open"
		if h.Ended != nil {
			state = h.Ended.Reason
		}
		if _, on := held[h.ID]; on {
			state += ", on hold"
		}
		fmt.Fprintf(io.out, "%s  %s  %s  %s  %s  %d events  %s\n", h.ID, h.Header.Started.UTC().Format(time.RFC3339),
			widget.Escape(who(h.Header.Identity)), widget.Escape(h.Header.Kind), widget.Escape(h.Header.Resource), h.Next, widget.Escape(state))
	}
	return nil
}

func who(p recorder.Person) string {
	if p.Email != "" {
		return p.Email
	}
	return p.Subject
}
