package recorder_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
)

const (
	// crashDir is the environment variable that makes this test binary the victim,
	// crashRounds that which says how often it is killed.
	crashDir    = "SALLYPORT_CRASH_DIR"
	crashRounds = "SALLYPORT_CRASH_ROUNDS"
	// crashQuiet makes a victim that only streams: nothing else hurries a commit.
	crashQuiet = "SALLYPORT_CRASH_QUIET"

	crashSessions = 50
	crashLead     = 50 * time.Millisecond // the default
	crashOpen     = 2 * time.Second
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, victim(dir))
		os.Exit(1) // it was to be killed
	}
	os.Exit(m.Run())
}

// openEvidence opens everything that a bastion records to.
func openEvidence(dir string) (*recorder.Recorder, *boltstore.Store, error) {
	keys, err := agekeys.Open(dir, agekeys.Options{})
	if err != nil {
		return nil, nil, err
	}
	s, err := boltstore.Open(dir, boltstore.Options{Keys: keys})
	if err != nil {
		return nil, nil, err
	}
	log, err := ledger.Open(dir, ledger.Options{Interval: 100 * time.Millisecond})
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	r, err := recorder.New(s, recorder.Options{Log: log})
	return r, s, err
}

// victim records in busy sessions without end and says on stdout what must be
// durable: "id note n" for each discrete event that was acknowledged, "id stream
// n" for what a stream has behind its lead.
func victim(dir string) error {
	ctx := context.Background()
	r, _, err := openEvidence(dir)
	if err != nil {
		return err
	}
	errs := make(chan error)
	var mu sync.Mutex // one line at a time
	say := func(id recorder.ID, what string, n int) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("%s %s %d\n", id, what, n)
	}
	for range crashSessions {
		go func() { errs <- busy(ctx, r, say) }()
	}
	return <-errs
}

// busy is one session of the victim, and another one when it has ended.
func busy(ctx context.Context, r *recorder.Recorder, say func(recorder.ID, string, int)) error {
	for {
		tr, err := r.Begin(ctx, recorder.Header{Resource: "demo-host", Kind: "ssh"})
		if err != nil {
			return err
		}
		typed := make(chan error, 1)
		go func() { typed <- streaming(ctx, tr, say) }()
		if os.Getenv(crashQuiet) != "" {
			return <-typed
		}
		for n := range 20 + rand.N(30) {
			if err := tr.Record(ctx, recorder.KindNote, recorder.Note{Text: fmt.Sprint(n)}); err != nil {
				return err
			}
			say(tr.ID(), "note", n+1)
		}
		if err := tr.End(ctx, recorder.End{Reason: "closed"}); err != nil {
			return err
		}
		say(tr.ID(), "end", 1)
		if err := <-typed; !errors.Is(err, recorder.ErrEnded) {
			return err
		}
	}
}

// streaming shows a number every 2 ms until the session has ended.
func streaming(ctx context.Context, tr *recorder.Transcript, say func(recorder.ID, string, int)) error {
	var accepted []time.Time
	behind := 0
	for {
		now := time.Now()
		if err := tr.Stream(ctx, recorder.KindOutput, fmt.Appendf(nil, "%d,", len(accepted))); err != nil {
			return err
		}
		for behind < len(accepted) && now.Sub(accepted[behind]) >= crashLead {
			behind++
		}
		say(tr.ID(), "stream", behind)
		accepted = append(accepted, time.Now())
		time.Sleep(2 * time.Millisecond) // as fast as a busy screen; faster only fills the disk
	}
}

// promised is what the victim said of one transcript.
type promised struct{ note, stream, end int }

// TestCrash kills a recorder at random moments under busy sessions, again and
// again over the same data: what it said is durable is there, streams have no
// holes, chains are whole and agree with the log, and open transcripts are ended
// as interrupted.
func TestCrash(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	if n, err := strconv.Atoi(os.Getenv(crashRounds)); err == nil {
		rounds = n
	}
	dir := t.TempDir()
	seen, slowest := 0, time.Duration(0)
	for round := range rounds {
		said := kill(t, dir, round%3 == 2)
		start := time.Now()
		r, s, err := openEvidence(dir)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		slowest = max(slowest, time.Since(start))
		for id, p := range said {
			kept(t, r, id, p)
		}
		seen += len(said)
		if round%20 == 19 || round == rounds-1 {
			whole(t, dir, s)
		}
		if err := r.Close("examined"); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d rounds, %d sessions, slowest start %v", rounds, seen, slowest)
	if seen < rounds {
		t.Errorf("only %d transcripts in %d rounds: the victim hardly lived", seen, rounds)
	}
	if slowest > crashOpen && rounds >= 200 { // not beside other tests
		t.Errorf("the slowest start took %v, want at most %v", slowest, crashOpen)
	}
}

// kill runs the victim, notes what it says, and kills it while it works.
func kill(t *testing.T, dir string, quiet bool) map[recorder.ID]promised {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	if quiet {
		cmd.Env = append(cmd.Env, crashQuiet+"=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := map[recorder.ID]promised{}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the last line may be cut off
		}
		if n == 0 {
			time.AfterFunc(time.Duration(rand.N(500))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		f := strings.Fields(line)
		p, id := said[recorder.ID(f[0])], recorder.ID(f[0])
		count, err := strconv.Atoi(f[2])
		if err != nil {
			t.Fatal(err)
		}
		switch f[1] {
		case "note":
			p.note = count
		case "stream":
			p.stream = max(p.stream, count)
		case "end":
			p.end = count
		}
		said[id] = p
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the victim ended by itself: %v", err)
	}
	return said
}

// kept checks one transcript against what was said of it.
func kept(t *testing.T, r *recorder.Recorder, id recorder.ID, p promised) {
	t.Helper()
	h, err := r.Head(t.Context(), id)
	if err != nil {
		t.Errorf("transcript %q is gone: %v", id, err)
		return
	}
	if h.Ended == nil || h.Ended.Reason != "interrupted" && h.Ended.Reason != "closed" || p.end == 1 && h.Ended.Reason != "closed" {
		t.Errorf("transcript %q ended with %+v", id, h.Ended)
	}
	notes, stream := 0, 0
	read := func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return r.Read(ctx, id, from, max)
	}
	for e, err := range recorder.Events(t.Context(), 0, read) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case recorder.KindNote:
			if want := fmt.Sprintf(`{"text":"%d"}`, notes); string(e.Data) != want {
				t.Fatalf("transcript %q: event %d is %s, want %s", id, e.Seq, e.Data, want)
			}
			notes++
		case recorder.KindOutput:
			if want := fmt.Sprintf("%d,", stream); string(e.Data) != want {
				t.Fatalf("transcript %q: event %d is %q, want %q", id, e.Seq, e.Data, want)
			}
			stream++
		}
	}
	if notes < p.note {
		t.Errorf("transcript %q: %d notes are there, %d were acknowledged", id, notes, p.note)
	}
	if stream < p.stream {
		t.Errorf("transcript %q: %d pieces of its stream are there, %d were behind the lead", id, stream, p.stream)
	}
}

// whole verifies everything.
func whole(t *testing.T, dir string, s recorder.Store) {
	t.Helper()
	p, err := ledger.Verify(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	report, err := recorder.Verify(t.Context(), s, p.Leaves...)
	if err != nil || len(report.Faults)+len(p.Faults) > 0 {
		t.Errorf("after a crash: %v, faults %v %v", err, p.Faults, report.Faults)
	}
}

// forgetful is a log that a crash keeps from hearing of stored forms.
type forgetful struct{ *ledger.Ledger }

func (f forgetful) Add(leaves ...recorder.Leaf) error {
	return f.Ledger.Add(slices.DeleteFunc(leaves, func(l recorder.Leaf) bool { return l.Kind == recorder.LeafStored })...)
}

// TestPackedButNotLogged: the next start tells the log what is packed.
func TestPackedButNotLogged(t *testing.T) {
	dir := t.TempDir()
	s, err := boltstore.Open(dir, boltstore.Options{})
	ok(t, err)
	log, err := ledger.Open(dir, ledger.Options{})
	ok(t, err)
	r, err := recorder.New(s, recorder.Options{Log: forgetful{log}})
	ok(t, err)
	tr := begin(t, r)
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	ok(t, r.Close("crash"))
	for range 2 {
		r, _, err = openEvidence(dir)
		ok(t, err)
		ok(t, r.Close("stop"))
	}
	p, err := ledger.Verify(dir, "")
	ok(t, err)
	stored := 0
	for _, l := range p.Leaves {
		if l.Kind == recorder.LeafStored && l.ID == tr.ID() {
			stored++
		}
	}
	if stored != 1 {
		t.Errorf("%d leaves about the stored form, want 1", stored)
	}
}
