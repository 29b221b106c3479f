package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/server/config"
)

// recorded is the data of a stopped bastion with one session, recorded as the
// configuration says.
func recorded(t *testing.T, change func(*config.Config)) (data string, id recorder.ID) {
	t.Helper()
	cfg := config.Defaults()
	cfg.Data = t.TempDir()
	change(&cfg)
	r, err := openEvidence(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Begin(t.Context(), recorder.Header{Resource: "orders-db", Kind: "postgres", Identity: recorder.Person{Subject: "u1", Email: "alice@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		k recorder.Kind
		v any
	}{
		{recorder.KindOperation, recorder.Operation{Op: 1, Action: "sql", Text: "delete from orders"}},
		{recorder.KindDecision, recorder.Decision{Op: 1, Effect: "approve", Rule: "two-people"}},
		{recorder.KindOutcome, recorder.Outcome{Op: 1, State: "ok", Rows: 3}},
	} {
		if err := tr.Record(t.Context(), e.k, e.v); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.End(t.Context(), recorder.End{Reason: "closed"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close("stop"); err != nil {
		t.Fatal(err)
	}
	return cfg.Data, tr.ID()
}

// said runs `sallyport transcript` and returns what it printed on both.
func said(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	if got := run(t.Context(), append([]string{"transcript"}, args...), stdio{strings.NewReader(""), &out, &err}); got != code {
		t.Fatalf("transcript %q: exit %d, want %d: %s%s", args, got, code, out.String(), err.String())
	}
	return out.String() + err.String()
}

func TestTranscriptCommands(t *testing.T) {
	witness := filepath.Join(t.TempDir(), "checkpoint")
	data, id := recorded(t, func(c *config.Config) { c.Recording.WitnessFile = witness })
	in := func(code int, want string, args ...string) {
		t.Helper()
		if got := said(t, code, args...); !strings.Contains(got, want) {
			t.Errorf("transcript %q lacks %q:\n%s", args, want, got)
		}
	}
	in(0, "alice@example.com", "list", "--data", data)
	in(0, "the chain is whole", "verify", "--data", data)
	in(0, "the chain is whole", "verify", "--data", data, "--key", filepath.Join(data, ledger.PubFile), "--checkpoint", witness)
	in(0, string(id)+"@1", "search", "--data", data, "ETE FROM ord", "--verdict", "approve")
	if got := said(t, 0, "search", "--data", data, "nowhere"); got != "" {
		t.Errorf("found %q", got)
	}
	in(0, "> delete from orders", "export", string(id), "--data", data)
	in(0, `"rule":"two-people"`, "export", string(id), "--data", data, "--format", "operations")
	in(0, "play it, do not print it", "export", string(id), "--data", data, "--format", "cast")
	in(2, "no format", "export", string(id), "--data", data, "--format", "nonsense")
	in(1, "no such transcript", "export", "nonsense", "--data", data)
	in(2, "transcript has no", "nonsense")
	bundle := filepath.Join(t.TempDir(), "bundle")
	in(0, "", "export", string(id), "--data", data, "--format", "bundle", "-o", bundle)
	in(0, "the bundle is whole", "verify", bundle, "--key", filepath.Join(data, ledger.PubFile))
	b, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-20] ^= 1
	if err := os.WriteFile(bundle, b, 0o600); err != nil {
		t.Fatal(err)
	}
	in(1, "broken: ", "verify", bundle)
	if err := os.Remove(filepath.Join(data, ledger.FileName)); err != nil {
		t.Fatal(err)
	}
	in(1, "broken: log", "verify", "--data", data)
}

// TestSealedTranscripts: the bastion cannot read what it recorded; an auditor
// can, and after a change of recipients another one.
func TestSealedTranscripts(t *testing.T) {
	auditor, second := t.TempDir(), t.TempDir()
	public := func(dir string) string {
		k, err := agekeys.Open(dir, agekeys.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return k.Recipients()[0]
	}
	data, id := recorded(t, func(c *config.Config) { c.Recording.Recipients, c.Recording.Sealed = []string{public(auditor)}, true })
	first, next := filepath.Join(auditor, agekeys.IdentityFile), filepath.Join(second, agekeys.IdentityFile)
	if got := said(t, 1, "export", string(id), "--data", data); !strings.Contains(got, "encrypted for others") {
		t.Errorf("read without an identity: %s", got)
	}
	if got := said(t, 0, "verify", "--data", data); !strings.Contains(got, "1 transcripts are encrypted for others") {
		t.Errorf("verify without an identity: %s", got)
	}
	if got := said(t, 0, "search", "--data", data, "orders", "--identity", first); !strings.Contains(got, string(id)) {
		t.Errorf("search by the auditor: %s", got)
	}
	said(t, 0, "rewrap", "--data", data, "--identity", first, "--recipient", public(second))
	said(t, 1, "export", string(id), "--data", data, "--identity", first)
	if got := said(t, 0, "export", string(id), "--data", data, "--identity", next); !strings.Contains(got, "delete from orders") {
		t.Errorf("read by the second auditor: %s", got)
	}
	if got := said(t, 0, "verify", "--data", data, "--identity", next); !strings.Contains(got, "5 events") {
		t.Errorf("verify by the second auditor: %s", got)
	}
}

// TestBackup: a copy made while sessions record is whole, has all that was
// acknowledged before, and a bastion can go on from it.
func TestBackup(t *testing.T) {
	cfg := config.Defaults()
	cfg.Data = t.TempDir()
	e, err := openEvidence(&cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 4)
	for range cap(ended) {
		go func() { ended <- keepBusy(ctx, e.Recorder) }()
	}
	file, copied := filepath.Join(t.TempDir(), "backup.tar"), t.TempDir()
	for len(ended) == 0 { // some have been packed, some are written
		if heads, err := e.Heads(ctx); err != nil || len(heads) > 30 {
			break
		}
	}
	acked, err := e.Heads(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(ctx, []string{"backup", file, "--data", cfg.Data}, stdio{strings.NewReader(""), &out, &out}); code != 0 {
		t.Fatal(out.String())
	}
	cancel()
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := e.Close("stop"); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command("tar", "-xf", file, "-C", copied).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	identity := filepath.Join(cfg.Data, agekeys.IdentityFile)
	if got := said(t, 0, "verify", "--data", copied, "--identity", identity); !strings.Contains(got, "the chain is whole") {
		t.Error(got)
	}
	list := said(t, 0, "list", "--data", copied)
	for _, h := range acked {
		if !strings.Contains(list, string(h.ID)) {
			t.Errorf("%s is not in the backup", h.ID)
		}
	}
	for _, f := range []string{ledger.KeyFile, agekeys.IdentityFile} {
		if _, err := os.Stat(filepath.Join(copied, f)); err == nil {
			t.Errorf("%s is in the backup", f)
		}
		if b, err := exec.Command("cp", "-p", filepath.Join(cfg.Data, f), copied).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	}
	cfg.Data = copied
	if e, err = openEvidence(&cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if err := e.Close("stop"); err != nil {
		t.Fatal(err)
	}
	said(t, 0, "verify", "--data", copied)
}

// keepBusy records one session after the other.
func keepBusy(ctx context.Context, r *recorder.Recorder) error {
	for ctx.Err() == nil {
		tr, err := r.Begin(context.WithoutCancel(ctx), recorder.Header{Resource: "x"})
		if err != nil {
			return err
		}
		for range 10 {
			if err := tr.Record(context.WithoutCancel(ctx), recorder.KindNote, recorder.Note{Text: "x"}); err != nil {
				return err
			}
		}
		if err := tr.End(context.WithoutCancel(ctx), recorder.End{Reason: "closed"}); err != nil {
			return err
		}
	}
	return nil
}
