package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/server"
	"github.com/sallyport/sallyport/tui/widget"
)

// archive is what the subcommands of transcript work on.
type archive struct {
	dir   string
	store *boltstore.Store
	io    stdio
}

// transcriptCommands is the literal list of the commands under transcript, in the
// order of the usage text.
func transcriptCommands() []command {
	return []command{
		{"list", "transcript list [--json] [--data DIR]", "the transcripts that there are", runList},
		{"search", "transcript search [WORDS] [--person P] [--resource R] [--since T] [--verdict V] [--destructive] [--json] [--data DIR] ...",
			"where words stand in them", runSearch},
		{"export", "transcript export ID [--format text|cast|cast2|operations|bundle] [--output FILE] [--data DIR] [--identity FILE]",
			"all of one, for use elsewhere; a bundle proves itself", runExport},
		{"verify", "transcript verify [BUNDLE] [--data DIR] [--identity FILE] [--key PUBLIC-KEY|FILE] [--checkpoint FILE]...",
			"prove that nothing was changed, cut, removed or exchanged", runVerify},
		{"rewrap", "transcript rewrap --recipient age1... [--data DIR] [--identity FILE]", "give other people the keys to read them", runRewrap},
		{"hold", "transcript hold ID --reason WHY --config FILE", "keep one from retention", runHold},
		{"release", "transcript release ID --reason WHY --config FILE", "end that", runRelease},
		{"expire", "transcript expire --config FILE [--dry-run]", "remove what is past its keep, as a running bastion does once a day", runExpire},
	}
}

// runTranscript reads the evidence of a stopped bastion, or of a copy.
func runTranscript(ctx context.Context, args []string, io stdio) error {
	return group(ctx, "transcript", transcriptCommands(), args, io)
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
		return nil, notOpened(dir, err)
	}
	return &archive{dir, store, io}, nil
}

// notOpened says what to do about a store that did not open. One that is gone while
// its log is there is no mistaken path.
func notOpened(dir string, err error) error {
	if left, gerr := filepath.Glob(filepath.Join(dir, "transcripts*")); errors.Is(err, fs.ErrNotExist) && gerr == nil && len(left) == 0 {
		return noData(dir, "transcripts.db")
	}
	return inUse(err)
}

// noData is a directory that holds no bastion's data.
func noData(dir, file string) error {
	return &hinted{fmt.Errorf("there is no bastion's data in %q: it has no %s", dir, file),
		"--data names the directory that `data:` of the configuration names, or one that a backup was unpacked to; the demo prints its own"}
}

func (a *archive) close(err *error) { *err = errors.Join(*err, a.store.Close()) }

func runList(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript list", io)
	where := addArchiveFlags(f)
	asJSON := f.Bool("json", false, "print JSON")
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
	if *asJSON {
		return server.HeadsJSON(io.out, heads)
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
