package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/recorder/storetest"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// taped records a session with everything in it, and returns the data directory
// with its log.
func taped(t *testing.T) (dir string, s recorder.Store, h recorder.Head) {
	t.Helper()
	dir = t.TempDir()
	s = storetest.NewMemory()
	log, err := ledger.Open(dir, ledger.Options{})
	ok(t, err)
	start := time.Date(2026, 11, 23, 19, 15, 30, 0, time.UTC)
	var ticks atomic.Int64
	clock := func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * 250 * time.Millisecond) }
	r, err := recorder.New(s, recorder.Options{Log: log, Now: clock})
	ok(t, err)
	tr, err := r.Begin(t.Context(), recorder.Header{Resource: "orders-db", Kind: "postgres", Width: 100, Height: 30, Term: "xterm",
		Identity: recorder.Person{Issuer: "https://idp.example", Subject: "u1", Email: "alice@example.com"}})
	ok(t, err)
	record := func(k recorder.Kind, v any) { t.Helper(); ok(t, tr.Record(t.Context(), k, v)) }
	stream := func(k recorder.Kind, b string) { t.Helper(); ok(t, tr.Stream(t.Context(), k, []byte(b))) }
	record(recorder.KindOperation, recorder.Operation{Op: 1, Action: "sql", Text: "select 'a\x1b[31m'\nfrom t"})
	record(recorder.KindDecision, recorder.Decision{Op: 1, Effect: "allow", Rule: "readers"})
	record(recorder.KindRun, recorder.Run{Op: 1})
	cell := "x\ty\x1b]0;evil\x07"
	record(recorder.KindRows, recorder.Rows{Op: 1, Columns: []recorder.RowColumn{{Name: "a"}, {Name: "b"}}, Rows: [][]*string{{&cell, nil}}})
	record(recorder.KindOutcome, recorder.Outcome{Op: 1, State: "ok", Tag: "SELECT 1", Rows: 1})
	stream(recorder.KindInput, "ls\r")
	stream(recorder.KindOutput, "caf\xc3") // a character in two halves
	stream(recorder.KindOutput, "\xa9 \xff\x1b[1mbold\x1b[0m\r\n\x1b]52;c;ZXZpbA==")
	stream(recorder.KindOutput, "\x07after\u202eleft\n")
	record(recorder.KindResize, recorder.Resize{Width: 80, Height: 24})
	exit := 3
	record(recorder.KindOperation, recorder.Operation{Op: 2, Action: "sql", Text: "drop table t"})
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed", Exit: &exit}))
	ok(t, r.Close("stop"))
	h, err = s.Head(t.Context(), tr.ID())
	ok(t, err)
	return dir, s, h
}

func events(s recorder.Store, id recorder.ID) export.Events {
	return recorder.Events(context.Background(), 0, func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return s.Read(ctx, id, from, max)
	})
}

func TestCast(t *testing.T) {
	_, s, h := taped(t)
	want := map[int][]string{
		2: {`"i","ls\r"]`, `"o","caf"]`, `"o","é �\u001b[1mbold`, `"r","80x24"]`, `"m","select 'a'\nfrom t"]`, `"width":100`},
		3: {`"i","ls\r"]`, `"o","caf"]`, `"o","é �\u001b[1mbold`, `"r","80x24"]`, `"x","3"]`, `"cols":100`},
	}
	for version, lines := range want {
		var b bytes.Buffer
		ok(t, export.Cast(&b, h, events(s, h.ID), version))
		for _, l := range lines {
			if !strings.Contains(b.String(), l) {
				t.Errorf("version %d lacks %s:\n%s", version, l, b.String())
			}
		}
		last, sum := 0.0, 0.0
		for i, line := range slices.Collect(strings.Lines(b.String())) {
			var e []any
			if i == 0 {
				continue
			}
			ok(t, json.Unmarshal([]byte(line), &e))
			if last = e[0].(float64); last < 0 {
				t.Errorf("version %d: time goes back: %s", version, line)
			}
			sum += last
		}
		if version == 3 {
			last = sum
		}
		want := h.EndedAt.Sub(h.Header.Started).Seconds()
		if version == 3 && math.Abs(last-want) > 1e-3 || version == 2 && (last > want || last < want-1) {
			t.Errorf("version %d: takes %.3f s, the session took %.3f", version, last, want)
		}
		stock(t, b.Bytes())
	}
	if err := export.Cast(new(bytes.Buffer), h, events(s, h.ID), 4); err == nil {
		t.Error("a cast of version 4")
	}
}

// missing skips what needs a program that is not here, aloud; where all must be there
// (CI), it fails. testdata/tools/need.sh installs it.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Errorf("%s is missing: the cast was not played", what)
	}
	t.Logf("%s is missing: the cast was not played", what)
}

// stock plays a cast of version 2 in asciinema, and all in asciinema's web player:
// they show what was recorded.
func stock(t *testing.T, cast []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.cast")
	ok(t, os.WriteFile(path, cast, 0o600))
	var shown string
	for line := range bytes.Lines(cast) {
		var e []any
		if json.Unmarshal(line, &e) == nil && e[1] == "o" {
			shown += e[2].(string)
		}
	}
	if player, err := exec.LookPath("asciinema"); err != nil {
		missing(t, "asciinema")
	} else if !bytes.Contains(cast, []byte(`"version":3`)) { // 2.2 knows no others
		cmd := exec.Command(player, "cat", path)
		tty, err := pty.Start(cmd) // it wants a terminal
		ok(t, err)
		out, _ := io.ReadAll(tty)                                                                               // ends with EIO when the player does
		lines := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r", ""), "\n", "") } // the terminal's
		if err := errors.Join(cmd.Wait(), tty.Close()); err != nil || lines(string(out)) != lines(shown) {
			t.Errorf("asciinema: %v: %q and not %q", err, out, shown)
		}
	}
	home, err := os.UserCacheDir()
	ok(t, err)
	home = filepath.Join(home, "sallyport-test", "asciinema")
	node, err := exec.LookPath("node")
	if _, serr := os.Stat(filepath.Join(home, "node_modules")); err != nil || serr != nil {
		missing(t, "asciinema-player")
		return
	}
	cmd := exec.Command(node, filepath.Join("..", "..", "testdata", "tools", "asciinema", "play.mjs"), home, path)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var played string
	for line := range bytes.Lines(out) {
		var all []json.RawMessage
		ok(t, json.Unmarshal(line, &all))
		var texts []string
		if string(all[0]) == `"o"` && json.Unmarshal(all[1], &texts) == nil {
			played += strings.Join(texts, "")
		}
	}
	if err != nil || played != shown || !bytes.Contains(out, []byte(`["m","drop table t"]`)) || !bytes.Contains(out, []byte(`["r",80,24]`)) {
		t.Errorf("asciinema-player: %v %s: shows\n%q\nand not\n%q", err, errs.String(), played, shown)
	}
}

func TestText(t *testing.T) {
	_, s, h := taped(t)
	var b bytes.Buffer
	ok(t, export.Text(&b, h, events(s, h.ID)))
	for _, want := range []string{"person     alice@example.com", "> select 'a'\n", "> from t\n", "x y\tNULL\n", "# allow by readers", "café \ufffdbold\nafterleft\n", "# ended: closed"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
	harmless(t, b.String())
}

func harmless(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Errorf("%U is in %q", r, s)
			return
		}
	}
}

func TestOperations(t *testing.T) {
	_, s, h := taped(t)
	var b bytes.Buffer
	ok(t, export.Operations(&b, h, events(s, h.ID)))
	var got []string
	for line := range strings.Lines(b.String()) {
		var o export.Operation
		ok(t, json.Unmarshal([]byte(line), &o))
		state := "none"
		if o.Outcome != nil {
			state = o.Outcome.State
		}
		got = append(got, fmt.Sprint(o.Operation.Op, " ", len(o.Decisions), " ", o.Ran != nil, " ", state, " ", o.Person.Email, " ", o.Event))
	}
	if diff := cmp.Diff([]string{"1 1 true ok alice@example.com 1", "2 0 false none alice@example.com 11"}, got); diff != "" {
		t.Error(diff)
	}
}

func bundled(t *testing.T) (dir string, bundle []byte, h recorder.Head) {
	t.Helper()
	dir, s, h := taped(t)
	p, err := ledger.Prove(dir, h.ID)
	ok(t, err)
	var b bytes.Buffer
	ok(t, export.Bundle(&b, h, events(s, h.ID), p))
	return dir, b.Bytes(), h
}

// TestBundle: each byte of a bundle matters.
func TestBundle(t *testing.T) {
	dir, b, h := bundled(t)
	key, err := ledger.PublicKey(dir)
	ok(t, err)
	kept, err := ledger.ReadCheckpoint(dir)
	ok(t, err)
	v, err := export.VerifyBundle(b, key, kept)
	if err != nil || v.Head.ID != h.ID || v.Head.Hash != h.Hash || v.Covered != h.Next {
		t.Fatalf("%+v, %v", v, err)
	}
	for at := range b {
		c := bytes.Clone(b)
		c[at] ^= 1 << (at % 8)
		if _, err := export.VerifyBundle(c, ""); err == nil {
			t.Errorf("byte %d (%q): not found", at, b[at])
		}
		if at%37 == 0 {
			if _, err := export.VerifyBundle(b[:at], ""); !errors.Is(err, recorder.ErrCorrupt) {
				t.Errorf("cut to %d bytes: %v", at, err)
			}
		}
	}
	if _, err := export.VerifyBundle(append(bytes.Clone(b), 'x'), ""); err == nil {
		t.Error("a byte more: not found")
	}
}

// TestBundleForged: a bundle of another log does not open with this one's key,
// and an event changed with a chain computed anew contradicts the leaf.
func TestBundleForged(t *testing.T) {
	dir, _, _ := bundled(t)
	_, other, _ := bundled(t)
	key, err := ledger.PublicKey(dir)
	ok(t, err)
	if _, err := export.VerifyBundle(other, key); !errors.Is(err, recorder.ErrCorrupt) {
		t.Errorf("another log's: %v", err)
	}
	i := bytes.LastIndex(other, []byte("drop table t"))
	other[i+11] = 'x'
	if _, err := export.VerifyBundle(other, ""); err == nil || !strings.Contains(err.Error(), "not what the log saw") {
		t.Errorf("an event changed: %v", err)
	}
}

// FuzzStrip: nothing but text comes out, whatever goes in and however it is cut.
func FuzzStrip(f *testing.F) {
	for _, s := range []string{"a\x1b[31mb", "\x1b]0;t\x07x", "\x1bP1$r\x1b\\y", "\u009b31mz", "é\xc3", "\x1b(0q", "\x1b]52;c;\x18k"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, parts export.Stripper
		want := whole.Strip(b)
		harmless(t, want)
		cut = min(max(cut, 0), len(b))
		if got := parts.Strip(b[:cut]) + parts.Strip(b[cut:]); got != want {
			t.Errorf("cut at %d: %q, in one %q", cut, got, want)
		}
	})
}

func FuzzVerifyBundle(f *testing.F) {
	f.Add([]byte("sallyport bundle 1\n-- text 1\na\n-- key 1\na\n-- checkpoint 1\na\n-- proof 2\n{}\n-- events 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := export.VerifyBundle(b, ""); err == nil {
			t.Error("a bundle that nobody signed")
		}
	})
}
