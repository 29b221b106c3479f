package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/snapshots"
	"github.com/sallyport/sallyport/tui/widget"
)

// filmed is a recorder with one long shell on it.
type filmed struct {
	dir   string
	store *boltstore.Store
	rec   *recorder.Recorder
	id    recorder.ID
	end   time.Time
}

// film records a shell of ten hours that shows about size bytes: real programs,
// logs, resizes.
func film(t testing.TB, size int) *filmed {
	t.Helper()
	f := &filmed{dir: t.TempDir()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, err := agekeys.Open(f.dir, agekeys.Options{})
	must(err)
	f.store, err = boltstore.Open(f.dir, boltstore.Options{Keys: keys})
	must(err)
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	f.rec, err = recorder.New(f.store, recorder.Options{Now: func() time.Time { return at }})
	must(err)
	tr, err := f.rec.Begin(t.Context(), recorder.Header{Kind: "ssh", Action: "shell", Resource: "host", Width: 80, Height: 24})
	must(err)
	f.id = tr.ID()
	var scenes [][][]byte
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "recordings", "*.rec"))
	must(err)
	for _, path := range files {
		b, err := os.ReadFile(path)
		must(err)
		var scene [][]byte
		for len(b) > 0 {
			n := 4 + int(binary.BigEndian.Uint32(b))
			scene, b = append(scene, b[4:n]), b[n:]
		}
		scenes = append(scenes, scene)
	}
	r := rand.New(rand.NewPCG(1, 2))
	tick := time.Duration(float64(10*time.Hour) / (float64(size) / 1200))
	shown := 0
	show := func(b []byte) {
		must(tr.Stream(t.Context(), recorder.KindOutput, b))
		shown += len(b)
		at = at.Add(tick * time.Duration(len(b)) / 1200)
	}
	for shown < size {
		switch n := r.IntN(12); {
		case n < 5:
			for _, b := range scenes[r.IntN(len(scenes))] {
				show(b)
			}
		case n < 11:
			for range 20 + r.IntN(100) {
				var b bytes.Buffer
				for range 1 + r.IntN(40) {
					fmt.Fprintf(&b, "\x1b[3%dm%s\x1b[m GET /orders/%d %d %x\r\n", r.IntN(8), at.Format(time.RFC3339), r.IntN(1e6), 200+r.IntN(300), r.Uint64())
				}
				show(b.Bytes())
			}
		default:
			must(tr.Record(t.Context(), recorder.KindResize, recorder.Resize{Width: 40 + r.IntN(100), Height: 10 + r.IntN(40)}))
		}
		must(tr.Stream(t.Context(), recorder.KindInput, []byte("ls\r")))
	}
	must(tr.End(t.Context(), recorder.End{Reason: "closed"}))
	f.end = at
	t.Cleanup(func() { must(f.rec.Close("done")) })
	return f
}

func (f *filmed) follow(o snapshots.Options) *snapshots.Follower {
	o.Source, o.Box, o.Drawing, o.Log, o.Busy = f.rec, f.store, drawing, slog.New(slog.DiscardHandler), true
	return snapshots.Follow(f.dir, o)
}

// events are those from a number on.
func (f *filmed) events(t testing.TB, from uint64) iter.Seq2[recorder.Event, error] {
	return recorder.Events(t.Context(), from, func(ctx context.Context, from uint64, n int) ([]recorder.Event, error) {
		return f.rec.Read(ctx, f.id, from, min(n, 256))
	})
}

// screen draws the screen after the events before a number, from the newest state.
func (f *filmed) screen(t testing.TB, s *snapshots.Follower, before uint64) *widget.Screen {
	t.Helper()
	screen, from := widget.NewScreen(80, 24), uint64(0)
	if snap, ok := s.Snapshot(t.Context(), f.id, before); ok {
		var err error
		if screen, err = widget.RestoreScreen(snap.State); err != nil || snap.Next > before {
			t.Fatal(err, snap.Next, before)
		}
		from = snap.Next
	}
	for e, err := range f.events(t, from) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq >= before {
			break
		}
		recorder.Draw(screen, e)
	}
	return screen
}

// moments are numbers of events, and the screens before them, drawn from the start.
func (f *filmed) moments(t testing.TB, next uint64, n int) (all []uint64, lines map[uint64][]string) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	lines = map[uint64][]string{}
	for range n {
		all = append(all, 1+r.Uint64N(next))
		lines[all[len(all)-1]] = nil
	}
	screen := widget.NewScreen(80, 24)
	for e, err := range f.events(t, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := lines[e.Seq]; ok {
			lines[e.Seq] = screen.Lines()
		}
		recorder.Draw(screen, e)
	}
	if _, ok := lines[next]; ok {
		lines[next] = screen.Lines()
	}
	return all, lines
}

// TestSnapshots: at many moments of a long shell the screen from a state and what
// follows is the screen from the start. The states are sealed, change nothing of
// the record, and are made anew where they are damaged or gone.
func TestSnapshots(t *testing.T) {
	f := film(t, 2<<20)
	before, err := f.rec.Head(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	s := f.follow(snapshots.Options{Step: 32 << 10})
	defer func() { s.Close() }()
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.dir, snapshots.Dir, string(f.id))
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("orders")) {
		t.Error("a state is in clear")
	}
	if len(sealed) > 2<<20/16+64<<10 {
		t.Errorf("%d bytes of states", len(sealed))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	some := 60
	if testing.Short() {
		some = 20
	}
	moments, want := f.moments(t, before.Next, some)
	next := 0
	check := func(n int) (from int) {
		t.Helper()
		for range n {
			seq := moments[next%len(moments)]
			next++
			if snap, ok := s.Snapshot(t.Context(), f.id, seq); ok && snap.Next > 0 {
				from++
			}
			if got := f.screen(t, s, seq).Lines(); !slices.Equal(got, want[seq]) {
				t.Fatalf("before event %d:\n%q\nand not\n%q", seq, got, want[seq])
			}
		}
		return from
	}
	if n := check(60); n < 50 {
		t.Errorf("%d of 60 moments have a state before them", n)
	}
	after, err := f.rec.Head(t.Context(), f.id)
	if err != nil || after.Hash != before.Hash {
		t.Error("the record was changed", err)
	}
	report, err := recorder.Verify(t.Context(), f.store)
	if err != nil || len(report.Faults) > 0 {
		t.Error(err, report.Faults)
	}
	for at := 0; at < len(sealed); at += len(sealed)/40 + 1 { // found, or of no effect
		broken := bytes.Clone(sealed)
		broken[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		check(2)
	}
	if err := os.WriteFile(path, sealed[:len(sealed)/3], 0o600); err != nil { // a crash
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal(err)
	}
	if n := check(10); n < 5 {
		t.Errorf("made anew, %d of 10 moments have a state before them", n)
	}
	if err := s.Forget(f.id); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("not forgotten", err)
	}
}

// TestSnapshotsBroken: states that cannot be used are thrown away by whoever builds, not
// by the follower alone, which may not have come to them yet.
func TestSnapshotsBroken(t *testing.T) {
	f := film(t, 1<<20)
	s := f.follow(snapshots.Options{Step: 32 << 10})
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal(err)
	}
	s.Close()
	path := filepath.Join(f.dir, snapshots.Dir, string(f.id))
	broken, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken[len(broken)-1] ^= 1
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal("a broken state is not made anew:", err)
	}
	if snap, ok := s.Snapshot(t.Context(), f.id, 1<<40); !ok || snap.Next == 0 {
		t.Error("there is no state")
	}
}

// TestSnapshotsWhileRecording: what is recorded is drawn as it goes on, and what is
// left of a transcript that is no more goes with the next start.
func TestSnapshotsWhileRecording(t *testing.T) {
	f := film(t, 1<<10)
	s := f.follow(snapshots.Options{Step: 8 << 10})
	lost := filepath.Join(f.dir, snapshots.Dir, "20200101T000000-aaaaaa")
	h, err := f.rec.Head(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	g := recorder.Group{ID: f.id, Head: h, Events: []recorder.Event{{Kind: recorder.KindOutput, Data: make([]byte, 64<<10)}}}
	g.Head.Ended = nil
	s.Durable([]recorder.Group{g}) // queues it, which is all that may happen there
	if err := s.Build(t.Context(), f.id); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.MkdirAll(filepath.Dir(lost), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lost, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = f.follow(snapshots.Options{})
	defer s.Close()
	for limit := time.Now().Add(patience); time.Now().Before(limit); { // sweeping is the first that it does
		if _, err := os.Stat(lost); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("what is left of a removed transcript stays")
}

// BenchmarkDrawnScreen is how long it takes to have the drawn screen at a random
// moment of ten hours: SALLYPORT_BENCH_MB of them (64), by the clock and, since
// others may use the machine, by the processor; and how fast the states are made.
func BenchmarkDrawnScreen(b *testing.B) {
	size := 64
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_BENCH_MB")); err == nil {
		size = n
	}
	f := film(b, size<<20)
	s := f.follow(snapshots.Options{})
	defer s.Close()
	began := time.Now()
	if err := s.Build(b.Context(), f.id); err != nil {
		b.Fatal(err)
	}
	built := time.Since(began)
	info, err := os.Stat(filepath.Join(f.dir, snapshots.Dir, string(f.id)))
	if err != nil {
		b.Fatal(err)
	}
	h, err := f.rec.Head(b.Context(), f.id)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	var took, used []time.Duration
	for b.Loop() {
		before := processorTime(b)
		at := h.Header.Started.Add(time.Duration(r.Int64N(int64(f.end.Sub(h.Header.Started)))))
		began := time.Now()
		seq, err := f.rec.Seek(b.Context(), f.id, at)
		if err != nil {
			b.Fatal(err)
		}
		if lines := f.screen(b, s, seq).Lines(); len(lines) == 0 {
			b.Fatal("nothing drawn")
		}
		took, used = append(took, time.Since(began)), append(used, processorTime(b)-before)
	}
	slices.Sort(took)
	slices.Sort(used)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/worst")
	b.ReportMetric(float64(used[len(used)/2].Microseconds())/1000, "cpu-ms/median")
	b.ReportMetric(float64(used[len(used)-1].Microseconds())/1000, "cpu-ms/worst")
	b.ReportMetric(float64(size)/built.Seconds(), "MB/s-built")
	b.ReportMetric(float64(info.Size())/float64(size<<20)*100, "%-of-bytes")
}

// processorTime is what this process used so far, all of its goroutines.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
