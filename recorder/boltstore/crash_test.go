package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// crashDir is the environment variable that makes this test binary the victim.
const crashDir = "SALLYPORT_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, victim(dir))
		os.Exit(1) // it was to be killed
	}
	os.Exit(m.Run())
}

// victim records in several sessions without end and says on stdout what it was
// told is durable, a line "id text" for each discrete event.
func victim(dir string) error {
	ctx := context.Background()
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	r, err := recorder.New(s, recorder.Options{})
	if err != nil {
		return err
	}
	var mu sync.Mutex // one line at a time
	errs := make(chan error)
	for range 4 {
		tr, err := r.Begin(ctx, recorder.Header{Resource: "demo-host", Kind: "ssh"})
		if err != nil {
			return err
		}
		go func() {
			for n := 0; ; n++ {
				if err := tr.Stream(ctx, recorder.KindOutput, fmt.Appendf(nil, "%d,", n)); err != nil {
					errs <- err
				}
				time.Sleep(200 * time.Microsecond) // as fast as a busy screen; faster only fills the disk
			}
		}()
		go func() {
			for n := 0; ; n++ {
				if err := tr.Record(ctx, recorder.KindNote, recorder.Note{Text: fmt.Sprint(n)}); err != nil {
					errs <- err
				}
				mu.Lock()
				fmt.Printf("%s %d\n", tr.ID(), n)
				mu.Unlock()
			}
		}()
	}
	return <-errs
}

// TestCrash kills a recorder at random moments, again and again over the same
// store: what it said is durable is there, streams have no holes, chains are
// whole, and open transcripts are ended as interrupted.
func TestCrash(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acked := map[recorder.ID]int{} // how many notes
	for range rounds {
		kill(t, dir, acked)
		s := open(t, dir)
		r, err := recorder.New(s, recorder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		afterCrash(t, s, acked)
		if err := r.Close("examined"); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) < rounds {
		t.Errorf("only %d transcripts in %d rounds: the victim hardly lived", len(acked), rounds)
	}
}

// kill runs the victim, notes what it says, and kills it while it works.
func kill(t *testing.T, dir string, acked map[recorder.ID]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			time.AfterFunc(time.Duration(rand.N(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		id, text, ok := strings.Cut(lines.Text(), " ")
		if ok && text == fmt.Sprint(acked[recorder.ID(id)]) { // the last line may be cut off
			acked[recorder.ID(id)]++
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the victim ended by itself: %v", err)
	}
}

func afterCrash(t *testing.T, s recorder.Store, acked map[recorder.ID]int) {
	t.Helper()
	r, err := recorder.Verify(t.Context(), s)
	if err != nil || len(r.Faults) > 0 || r.Sealed {
		t.Fatalf("after a crash: %v, faults %v, sealed %v", err, r.Faults, r.Sealed)
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[recorder.ID]bool{}
	for _, h := range heads {
		seen[h.ID] = true
		if h.Ended == nil || h.Ended.Reason != "interrupted" {
			t.Errorf("transcript %q ended with %+v", h.ID, h.Ended)
		}
		notes, stream := 0, 0
		read := func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
			return s.Read(ctx, h.ID, from, max)
		}
		for e, err := range recorder.Events(t.Context(), 0, read) {
			if err != nil {
				t.Fatal(err)
			}
			switch e.Kind {
			case recorder.KindNote:
				if want := fmt.Sprintf(`{"text":"%d"}`, notes); string(e.Data) != want {
					t.Fatalf("transcript %q: event %d is %s, want %s", h.ID, e.Seq, e.Data, want)
				}
				notes++
			case recorder.KindOutput:
				if want := fmt.Sprintf("%d,", stream); string(e.Data) != want {
					t.Fatalf("transcript %q: event %d is %q, want %q", h.ID, e.Seq, e.Data, want)
				}
				stream++
			}
		}
		if notes < acked[h.ID] {
			t.Errorf("transcript %q: %d notes are there, %d were acknowledged", h.ID, notes, acked[h.ID])
		}
	}
	for id := range acked {
		if !seen[id] {
			t.Errorf("transcript %q is gone", id)
		}
	}
}

// TestNoSealAfterFailure: a store that failed to append is not vouched for.
func TestNoSealAfterFailure(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c, g := storetest.Begin(t, "a")
	if err := s.Append([]recorder.Group{g}); err != nil {
		t.Fatal(err)
	}
	bad := c.Group(t, storetest.Event{Kind: recorder.KindOutput})
	bad.Events[0].Seq++
	if err := s.Append([]recorder.Group{bad}); err == nil {
		t.Fatal("a wrong group is taken")
	}
	storetest.Close(t, s)
	r, err := examine(t, dir)
	if err != nil || r.Sealed || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
