package ledger_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/recorder/storetest"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// evidence records three sessions over a log in dir and stops.
func evidence(t *testing.T, dir string, o ledger.Options) *storetest.Memory {
	t.Helper()
	s := storetest.NewMemory()
	more(t, dir, s, o, 3)
	return s
}

func more(t *testing.T, dir string, s recorder.Store, o ledger.Options, sessions int) {
	t.Helper()
	log, err := ledger.Open(dir, o)
	ok(t, err)
	r, err := recorder.New(s, recorder.Options{Log: log})
	ok(t, err)
	for i := range sessions {
		tr, err := r.Begin(t.Context(), recorder.Header{Resource: fmt.Sprint(i)})
		ok(t, err)
		ok(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "something"}))
		ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	}
	ok(t, r.Close("stop"))
}

// faults are what an auditor finds.
func faults(t *testing.T, dir string, s recorder.Store, key string, kept ...[]byte) string {
	t.Helper()
	p, err := ledger.Verify(dir, key, kept...)
	if err != nil {
		return err.Error()
	}
	r, err := recorder.Verify(t.Context(), s, p.Leaves...)
	ok(t, err)
	if len(p.Faults)+len(r.Faults) == 0 {
		return ""
	}
	return fmt.Sprint(p.Faults, r.Faults)
}

func TestLog(t *testing.T) {
	dir := t.TempDir()
	s := evidence(t, dir, ledger.Options{Name: "door 1"})
	p, err := ledger.Verify(dir, "")
	ok(t, err)
	if len(p.Leaves) != 6 || p.Covered != 6 || !strings.HasPrefix(p.Checkpoint.Origin, "sallyport/door1/") {
		t.Errorf("%d leaves, %d covered, %+v", len(p.Leaves), p.Covered, p.Checkpoint)
	}
	early, err := ledger.ReadCheckpoint(dir)
	ok(t, err)
	more(t, dir, s, ledger.Options{}, 2)
	if f := faults(t, dir, s, "", early); f != "" {
		t.Errorf("intact, with an early checkpoint: %s", f)
	}
	for file, mode := range map[string]os.FileMode{ledger.FileName: 0o600, ledger.KeyFile: 0o600, ledger.CheckpointFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, file))
		ok(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("mode of %s is %o", file, info.Mode().Perm())
		}
	}
}

// TestEveryByte flips each byte of each file of the log, and cuts them everywhere.
func TestEveryByte(t *testing.T) {
	dir := t.TempDir()
	s := evidence(t, dir, ledger.Options{})
	for _, file := range []string{ledger.FileName, ledger.CheckpointFile, ledger.PubFile} {
		path := filepath.Join(dir, file)
		content, err := os.ReadFile(path)
		ok(t, err)
		if file == ledger.PubFile {
			content = bytes.TrimSpace(content)
		}
		for at := range content {
			for _, bit := range []byte{1, 0x10, 0x80} {
				c := bytes.Clone(content)
				c[at] ^= bit
				ok(t, os.WriteFile(path, c, 0o600))
				if faults(t, dir, s, "") == "" {
					t.Errorf("%s: byte %d (^%#x): not found", file, at, bit)
				}
			}
			ok(t, os.WriteFile(path, content[:at], 0o600))
			if at == 0 || file != ledger.PubFile {
				if f := faults(t, dir, s, ""); f == "" {
					t.Errorf("%s cut to %d bytes: not found", file, at)
				}
			}
		}
		ok(t, os.WriteFile(path, content, 0o600))
	}
	if f := faults(t, dir, s, ""); f != "" {
		t.Errorf("put back: %s", f)
	}
}

// without hides a transcript of a store, or shows it as another.
type without struct {
	recorder.Store
	id recorder.ID
}

func (w without) heads(all []recorder.Head) (out []recorder.Head) {
	for _, h := range all {
		if h.ID != w.id {
			out = append(out, h)
		}
	}
	return out
}

func (w without) Heads(ctx context.Context) ([]recorder.Head, error) {
	all, err := w.Store.Heads(ctx)
	return w.heads(all), err
}

// TestTranscripts: removed, put in and computed anew.
func TestTranscripts(t *testing.T) {
	dir := t.TempDir()
	s := evidence(t, dir, ledger.Options{})
	heads, err := s.Heads(t.Context())
	ok(t, err)
	victim := heads[1].ID
	f := faults(t, dir, without{s, victim}, "")
	if !strings.Contains(f, string(victim)) || !strings.Contains(f, "whole transcript is missing") {
		t.Errorf("removed: %q", f)
	}
	log, err := ledger.Open(dir, ledger.Options{})
	ok(t, err)
	if _, err := recorder.New(without{s, victim}, recorder.Options{Log: log}); !errors.Is(err, recorder.ErrCorrupt) || !strings.Contains(err.Error(), string(victim)) {
		t.Errorf("started over a store without it: %v", err)
	}
	forged := storetest.NewMemory()
	for _, h := range heads {
		events, err := s.Read(t.Context(), h.ID, 0, 100)
		ok(t, err)
		if h.ID == victim {
			events[1].Data = []byte(`{"text":"nothing"}`)
		}
		next, hashes, err := recorder.Extend(recorder.Head{ID: h.ID}, nil, events...)
		ok(t, err)
		ok(t, forged.Append([]recorder.Group{{ID: h.ID, Events: events, Hashes: hashes, Head: next}}))
	}
	if f := faults(t, dir, forged, ""); !strings.Contains(f, string(victim)+": event 2: the log saw another event") {
		t.Errorf("computed anew: %q", f)
	}
	log, err = ledger.Open(dir, ledger.Options{})
	ok(t, err)
	if _, err := recorder.New(forged, recorder.Options{Log: log}); !errors.Is(err, recorder.ErrCorrupt) {
		t.Errorf("started over a forged store: %v", err)
	}
}

// TestRollback: an older state of everything agrees with itself; only a
// checkpoint kept elsewhere contradicts it.
func TestRollback(t *testing.T) {
	dir, old := t.TempDir(), t.TempDir()
	s := evidence(t, dir, ledger.Options{})
	ok(t, os.CopyFS(filepath.Join(old, "x"), os.DirFS(dir)))
	past := storetest.NewMemory()
	heads, err := s.Heads(t.Context())
	ok(t, err)
	for _, h := range heads {
		events, err := s.Read(t.Context(), h.ID, 0, 100)
		ok(t, err)
		next, hashes, err := recorder.Extend(recorder.Head{ID: h.ID}, nil, events...)
		ok(t, err)
		ok(t, past.Append([]recorder.Group{{ID: h.ID, Events: events, Hashes: hashes, Head: next}}))
	}
	more(t, dir, s, ledger.Options{}, 1)
	kept, err := ledger.ReadCheckpoint(dir)
	ok(t, err)
	if f := faults(t, filepath.Join(old, "x"), past, ""); f != "" {
		t.Errorf("the old state: %s", f)
	}
	if f := faults(t, filepath.Join(old, "x"), past, "", kept); !strings.Contains(f, "a checkpoint was signed over 8") {
		t.Errorf("against a kept checkpoint: %q", f)
	}
}

// TestRefusesToSign: a log that contradicts its checkpoint, or has lost it or its
// key, is not gone on with.
func TestRefusesToSign(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"leaf changed": func(dir string) error {
			b, err := os.ReadFile(filepath.Join(dir, ledger.FileName))
			b[60] ^= 1
			return errors.Join(err, os.WriteFile(filepath.Join(dir, ledger.FileName), b, 0o600))
		},
		"log cut":         func(dir string) error { return os.Truncate(filepath.Join(dir, ledger.FileName), 200) },
		"log gone":        func(dir string) error { return os.Remove(filepath.Join(dir, ledger.FileName)) },
		"checkpoint gone": func(dir string) error { return os.Remove(filepath.Join(dir, ledger.CheckpointFile)) },
		"key gone":        func(dir string) error { return os.Remove(filepath.Join(dir, ledger.KeyFile)) },
		"key readable":    func(dir string) error { return os.Chmod(filepath.Join(dir, ledger.KeyFile), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			evidence(t, dir, ledger.Options{})
			ok(t, change(dir))
			if l, err := ledger.Open(dir, ledger.Options{}); err == nil {
				t.Error("opened", l.Close())
			}
		})
	}
}

// TestTorn: leaves past the checkpoint that a crash cut off are the recorder's to
// bring again.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	s := evidence(t, dir, ledger.Options{})
	early, err := ledger.ReadCheckpoint(dir)
	ok(t, err)
	more(t, dir, s, ledger.Options{}, 1)
	path := filepath.Join(dir, ledger.FileName)
	info, err := os.Stat(path)
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, ledger.CheckpointFile), early, 0o600))
	ok(t, os.Truncate(path, info.Size()-7))
	more(t, dir, s, ledger.Options{}, 0)
	p, err := ledger.Verify(dir, "", early)
	ok(t, err)
	if f := faults(t, dir, s, "", early); f != "" || len(p.Leaves) != 8 || p.Covered != 8 {
		t.Errorf("%s, %d leaves, %d covered", f, len(p.Leaves), p.Covered)
	}
}

func TestWitnesses(t *testing.T) {
	got := make(chan []byte, 100)
	refuse := true
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- b
		if refuse {
			refuse = false
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer web.Close()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "checkpoint")
	evidence(t, dir, ledger.Options{Witnesses: []ledger.Witness{ledger.ToFile(file), ledger.ToURL(web.URL)}})
	want, err := ledger.ReadCheckpoint(dir)
	ok(t, err)
	kept, err := os.ReadFile(file)
	ok(t, err)
	if !bytes.Equal(kept, want) {
		t.Errorf("the file has %q, want %q", kept, want)
	}
	key, err := ledger.PublicKey(dir)
	ok(t, err)
	if _, err := ledger.OpenCheckpoint(<-got, key); err != nil {
		t.Error(err)
	}
}

// TestCommand signs with a program, which stands for a KMS.
func TestCommand(t *testing.T) {
	pub, private, err := ed25519.GenerateKey(nil)
	ok(t, err)
	key, err := note.NewEd25519VerifierKey("sallyport/kms", pub)
	ok(t, err)
	// The program cannot sign for real: it prints what it was given beforehand, so
	// it signs the empty log alone.
	empty := "sallyport/kms\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	sig := base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(empty)))
	signer, err := ledger.NewCommand(key, "echo", sig)
	ok(t, err)
	dir := t.TempDir()
	l, err := ledger.Open(dir, ledger.Options{Signer: signer, Key: key})
	ok(t, err)
	if p, err := ledger.Verify(dir, key); err != nil || len(p.Faults) > 0 {
		t.Errorf("%v, %v", err, p.Faults)
	}
	ok(t, l.Add(recorder.Leaf{Kind: recorder.LeafEnd, ID: "a", Next: 2, At: time.Unix(1, 0)}))
	<-l.Failed()
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "no signature by its key") {
		t.Errorf("a wrong signature: %v", err)
	}
}

func FuzzDecodeLeaf(f *testing.F) {
	f.Add(recorder.AppendLeaf(nil, recorder.Leaf{Kind: recorder.LeafEnd, ID: "a", Next: 7, At: time.Unix(5, 6)}))
	f.Add(recorder.AppendLeaf(nil, recorder.Leaf{Kind: recorder.LeafRemoved, ID: "a", Next: 7, At: time.Unix(5, 6), Note: `{"rule":"r"}`}))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, rest, err := recorder.DecodeLeaf(b)
		if err != nil {
			if !errors.Is(err, recorder.ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		if got := recorder.AppendLeaf(nil, l); !bytes.Equal(got, b[:len(b)-len(rest)]) {
			t.Errorf("%x comes back as %x", b, got)
		}
	})
}
