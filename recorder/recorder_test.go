package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

func newRecorder(t *testing.T, s recorder.Store, o recorder.Options) *recorder.Recorder {
	t.Helper()
	r, err := recorder.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func begin(t *testing.T, r *recorder.Recorder) *recorder.Transcript {
	t.Helper()
	tr, err := r.Begin(t.Context(), recorder.Header{Resource: "demo-host", Kind: "ssh", Action: "shell"})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func intact(t *testing.T, s recorder.Store) {
	t.Helper()
	r, err := recorder.Verify(context.Background(), s)
	if err != nil || len(r.Faults) > 0 {
		t.Errorf("verify: %v, faults %v", err, r.Faults)
	}
}

// events tells the durable events of a transcript as kind:payload, JSON cut off.
func events(t *testing.T, s recorder.Store, id recorder.ID) (told []string) {
	t.Helper()
	all, err := s.Read(context.Background(), id, 0, 1000)
	ok(t, err)
	for _, e := range all {
		data := e.Data
		if e.Kind == recorder.KindStart {
			data = nil
		}
		told = append(told, fmt.Sprintf("%d:%s", e.Kind, data))
	}
	return told
}

func TestLife(t *testing.T) {
	s := storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{})
	tr := begin(t, r)
	h, err := r.Head(t.Context(), tr.ID())
	ok(t, err)
	if h.Next != 1 || h.Header.Resource != "demo-host" || h.Header.ID != tr.ID() || h.Header.Started.IsZero() {
		t.Errorf("after Begin the head is %+v", h)
	}
	buf := []byte("typed")
	ok(t, tr.Stream(t.Context(), recorder.KindInput, buf))
	copy(buf, "XXXXX") // the caller's again
	ok(t, tr.Record(t.Context(), recorder.KindOperation, recorder.Operation{Op: 1, Text: "a < b & c"}))
	got := events(t, s, tr.ID())
	want := []string{"1:", "3:typed", `8:{"op":1,"action":"","text":"a < b & c","sha256":""}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a discrete event takes along what waits (-want +got):\n%s", diff)
	}
	exit := 3
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed", Exit: &exit}))
	ok(t, tr.End(t.Context(), recorder.End{Reason: "again"}))
	if err := tr.Record(t.Context(), recorder.KindNote, recorder.Note{}); !errors.Is(err, recorder.ErrEnded) {
		t.Errorf("Record after End: %v", err)
	}
	if err := tr.Stream(t.Context(), recorder.KindInput, []byte("x")); !errors.Is(err, recorder.ErrEnded) {
		t.Errorf("Stream after End: %v", err)
	}
	h, err = r.Head(t.Context(), tr.ID())
	ok(t, err)
	if h.Next != 4 || h.Operations != 1 || h.Ended == nil || h.Ended.Reason != "closed" || *h.Ended.Exit != 3 || h.EndedAt.IsZero() {
		t.Errorf("after End the head is %+v", h)
	}
	open := begin(t, r)
	ok(t, open.Stream(t.Context(), recorder.KindOutput, []byte("last words")))
	ok(t, r.Close("the bastion stops"))
	ok(t, r.Close("again"))
	want = []string{"1:", "4:last words", `2:{"reason":"the bastion stops"}`}
	if diff := cmp.Diff(want, events(t, s, open.ID())); diff != "" {
		t.Errorf("Close ends what is open (-want +got):\n%s", diff)
	}
	for what, err := range map[string]error{
		"Record": open.Record(t.Context(), recorder.KindNote, nil), "Stream": tr.Stream(t.Context(), recorder.KindInput, []byte("x")),
	} {
		if err == nil {
			t.Errorf("%s after Close succeeds", what)
		}
	}
	if _, err := r.Begin(t.Context(), recorder.Header{}); !errors.Is(err, recorder.ErrUnavailable) {
		t.Errorf("Begin after Close: %v", err)
	}
	if _, err := r.Heads(t.Context()); err == nil {
		t.Error("Heads after Close succeeds")
	}
	intact(t, s)
}

func TestInterrupted(t *testing.T) {
	s := storetest.NewMemory()
	c, g := storetest.Begin(t, "a")
	d, h := storetest.Begin(t, "b")
	ok(t, s.Append([]recorder.Group{g, h}))
	ok(t, s.Append([]recorder.Group{
		c.Group(t, storetest.Event{Kind: recorder.KindOutput, Data: []byte("x")}),
		d.Group(t, storetest.Event{Kind: recorder.KindEnd, Data: []byte(`{"reason":"closed"}`)}),
	}))
	r := newRecorder(t, s, recorder.Options{})
	for id, want := range map[recorder.ID]string{"a": "interrupted", "b": "closed"} {
		h, err := r.Head(t.Context(), id)
		ok(t, err)
		if h.Ended == nil || h.Ended.Reason != want {
			t.Errorf("transcript %q ended with %+v, want %q", id, h.Ended, want)
		}
	}
	ok(t, r.Close("stop"))
	intact(t, s)
	if _, err := recorder.New(&storetest.Faulty{Store: openEnded(t), FailAt: 1}, recorder.Options{}); !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("New on a store that cannot write: %v", err)
	}
}

// openEnded is a store with a transcript that a crash left open.
func openEnded(t *testing.T) recorder.Store {
	s := storetest.NewMemory()
	_, g := storetest.Begin(t, "a")
	ok(t, s.Append([]recorder.Group{g}))
	return s
}

// TestCommits: streams wait for the interval, discrete events do not, and what
// comes while a commit runs makes one group.
func TestCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storetest.Faulty{Store: storetest.NewMemory()}
		r := newRecorder(t, s, recorder.Options{})
		a, b := begin(t, r), begin(t, r)
		n := s.Appends()
		ok(t, a.Stream(t.Context(), recorder.KindOutput, []byte("1")))
		ok(t, b.Stream(t.Context(), recorder.KindOutput, []byte("2")))
		time.Sleep(19 * time.Millisecond)
		synctest.Wait()
		if got := s.Appends() - n; got != 0 {
			t.Errorf("%d commits of stream events before the interval has passed", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := s.Appends() - n; got != 1 {
			t.Errorf("%d commits for the streams of two transcripts, want 1", got)
		}
		start := time.Now()
		ok(t, a.Stream(t.Context(), recorder.KindOutput, []byte("3")))
		ok(t, b.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "now"}))
		if d := time.Since(start); d != 0 {
			t.Errorf("a discrete event waited %v", d)
		}
		if got := len(events(t, s, a.ID())); got != 3 {
			t.Errorf("%d events of the other transcript are durable, want 3: all that waits goes along", got)
		}
		release := make(chan struct{})
		n = s.Appends()
		s.Before = func(i int) {
			if i == n+1 {
				<-release
			}
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { ok(t, a.Record(t.Context(), recorder.KindNote, recorder.Note{Text: fmt.Sprint(i)})) })
			synctest.Wait()
		}
		close(release)
		wg.Wait()
		if got := s.Appends() - n; got != 2 {
			t.Errorf("%d commits, want 2: one that ran and one of all that came meanwhile", got)
		}
		ok(t, r.Close("done"))
		intact(t, s)
	})
}

// TestLead: a stream blocks when it leads by bytes, or by time, and goes on when
// the store does.
func TestLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storetest.Faulty{Store: storetest.NewMemory()}
		r := newRecorder(t, s, recorder.Options{})
		tr, other := begin(t, r), begin(t, r)
		release := make(chan struct{})
		s.Before = func(int) { <-release }
		data := bytes.Repeat([]byte("x"), 1<<20)
		done := make(chan error)
		go func() { done <- tr.Stream(t.Context(), recorder.KindOutput, data) }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("a stream of 1 MiB went ahead of a store that takes nothing")
		default:
		}
		ok(t, other.Stream(t.Context(), recorder.KindInput, []byte("k"))) // its own lead
		time.Sleep(51 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		blocked := make(chan error)
		go func() { blocked <- other.Stream(ctx, recorder.KindInput, []byte("l")) }()
		synctest.Wait()
		select {
		case <-blocked:
			t.Fatal("a stream leads by more than 50 ms")
		default:
		}
		cancel()
		if err := <-blocked; !errors.Is(err, context.Canceled) || errors.Is(err, recorder.ErrUnavailable) {
			t.Errorf("cancelled while blocked: %v", err)
		}
		close(release)
		ok(t, <-done)
		ok(t, tr.End(t.Context(), recorder.End{}))
		var got []byte
		all, err := s.Read(t.Context(), tr.ID(), 0, 1000)
		ok(t, err)
		for _, e := range all {
			if e.Kind == recorder.KindOutput {
				got = append(got, e.Data...)
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes recorded, %d streamed, or others", len(got), len(data))
		}
		ok(t, r.Close("done"))
		if diff := cmp.Diff([]string{"1:", "3:k", `2:{"reason":"done"}`}, events(t, s, other.ID())); diff != "" {
			t.Errorf("what was not accepted was recorded (-want +got):\n%s", diff)
		}
		intact(t, s)
	})
}

// TestSynchronous: with a negative lead a stream is durable when Stream returns.
func TestSynchronous(t *testing.T) {
	s := storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{LeadBytes: -1, Interval: time.Hour})
	tr := begin(t, r)
	ok(t, tr.Stream(t.Context(), recorder.KindInput, []byte("k")))
	if got := events(t, s, tr.ID()); len(got) != 2 {
		t.Errorf("durable: %v", got)
	}
	ok(t, r.Close("done"))
}

// TestCanceled: what was accepted is written in order, though nobody waits.
func TestCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storetest.Faulty{Store: storetest.NewMemory()}
		r := newRecorder(t, s, recorder.Options{})
		tr := begin(t, r)
		release := make(chan struct{})
		s.Before = func(int) { <-release }
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the client left")
		errs := make(chan error)
		go func() { errs <- tr.Record(ctx, recorder.KindNote, recorder.Note{Text: "1"}) }()
		synctest.Wait()
		go func() { errs <- tr.End(ctx, recorder.End{Reason: "closed"}) }()
		synctest.Wait()
		begun := make(chan error)
		go func() { _, err := r.Begin(ctx, recorder.Header{Kind: "late"}); begun <- err }()
		synctest.Wait()
		cancel(cause)
		for _, err := range []error{<-errs, <-errs, <-begun} {
			if !errors.Is(err, cause) {
				t.Errorf("cancelled: %v, want the cause", err)
			}
		}
		close(release)
		ok(t, tr.End(t.Context(), recorder.End{}))
		if diff := cmp.Diff([]string{"1:", `13:{"text":"1"}`, `2:{"reason":"closed"}`}, events(t, s, tr.ID())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ok(t, r.Close("done"))
		heads, err := s.Heads(t.Context())
		ok(t, err)
		for _, h := range heads {
			if h.Ended == nil || h.Header.Kind == "late" && h.Ended.Reason != "abandoned" {
				t.Errorf("transcript %q was left as %+v", h.ID, h.Ended)
			}
		}
		intact(t, s)
	})
}

// TestFailure: the first failure of any sort is final, known everywhere at once,
// and leaves readers alone.
func TestFailure(t *testing.T) {
	disk := errors.New("disk on fire")
	for name, breakStore := range map[string]func(*storetest.Faulty){
		"error": func(f *storetest.Faulty) { f.FailAt, f.Err = f.Appends()+1, disk },
		"full":  func(f *storetest.Faulty) { f.Room, f.Err = 1, disk },
		"panic": func(f *storetest.Faulty) { f.Before = func(int) { panic(disk) } },
		"hang":  func(f *storetest.Faulty) { f.Before = func(int) { time.Sleep(time.Minute) } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &storetest.Faulty{Store: storetest.NewMemory()}
				r := newRecorder(t, s, recorder.Options{})
				a, b := begin(t, r), begin(t, r)
				breakStore(s)
				start := time.Now()
				ok(t, b.Stream(t.Context(), recorder.KindOutput, []byte("x")))
				err := a.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "x"})
				if !errors.Is(err, recorder.ErrUnavailable) {
					t.Fatalf("Record: %v", err)
				}
				if name != "hang" && !strings.Contains(err.Error(), disk.Error()) {
					t.Errorf("Record does not tell the cause: %v", err)
				}
				if d := time.Since(start); name == "hang" && d != 5*time.Second || name != "hang" && d != 0 {
					t.Errorf("the failure was known after %v", d)
				}
				<-r.Failed()
				_, begun := r.Begin(t.Context(), recorder.Header{})
				for what, err := range map[string]error{
					"Err": r.Err(), "Record": a.Record(t.Context(), recorder.KindNote, nil), "Begin": begun,
					"Stream": b.Stream(t.Context(), recorder.KindInput, []byte("x")), "End": b.End(t.Context(), recorder.End{}),
				} {
					if !errors.Is(err, recorder.ErrUnavailable) {
						t.Errorf("%s after a failure: %v", what, err)
					}
				}
				if heads, err := r.Heads(t.Context()); err != nil || len(heads) != 2 {
					t.Errorf("Heads after a failure to write: %v, %v", heads, err)
				}
				if err := r.Close("done"); !errors.Is(err, recorder.ErrUnavailable) {
					t.Errorf("Close: %v", err)
				}
				time.Sleep(2 * time.Minute) // the store that hung comes back
				synctest.Wait()
				if r.Err() == nil {
					t.Error("the recorder recovered")
				}
				intact(t, s)
			})
		})
	}
}

// TestMemoryIsBounded: many sessions together may not wait for a stuck store
// with more than the recorder's own limit.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storetest.Faulty{Store: storetest.NewMemory()}
		r := newRecorder(t, s, recorder.Options{LeadBytes: 1 << 30, LeadTime: time.Hour})
		a, b := begin(t, r), begin(t, r)
		release := make(chan struct{})
		s.Before = func(int) { <-release }
		ok(t, a.Stream(t.Context(), recorder.KindOutput, make([]byte, 63<<20)))
		done := make(chan error, 2)
		go func() { done <- b.Stream(t.Context(), recorder.KindOutput, make([]byte, 2<<20)) }()
		go func() { done <- b.Record(t.Context(), recorder.KindRows, strings.Repeat("x", 2<<20)) }()
		synctest.Wait()
		if len(done) != 0 {
			t.Error("65 MiB were accepted without a commit")
		}
		close(release)
		ok(t, <-done)
		ok(t, <-done)
		ok(t, r.Close("done"))
		intact(t, s)
	})
}

func TestRefusals(t *testing.T) {
	s := storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{})
	tr := begin(t, r)
	ctx := t.Context()
	if err := tr.Record(ctx, recorder.KindRows, strings.Repeat("x", recorder.MaxData)); !errors.Is(err, recorder.ErrTooLarge) {
		t.Errorf("Record of 16 MiB: %v", err)
	}
	for what, err := range map[string]error{
		"an end by Record":           tr.Record(ctx, recorder.KindEnd, recorder.End{}),
		"a header by Record":         tr.Record(ctx, recorder.KindStart, recorder.Header{}),
		"a stream by Record":         tr.Record(ctx, recorder.KindInput, "x"),
		"a discrete event by Stream": tr.Stream(ctx, recorder.KindNote, []byte("x")),
		"what JSON cannot say":       tr.Record(ctx, recorder.KindNote, func() {}),
	} {
		if err == nil {
			t.Errorf("accepted: %s", what)
		}
	}
	ok(t, r.Close("done"))
	intact(t, s)
}

// TestConcurrent: many sessions, many goroutines each; every stream is whole and
// in order, every chain verifies, names are unique and ascend.
func TestConcurrent(t *testing.T) {
	s := storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{LeadBytes: 4096, Interval: time.Millisecond})
	var wg sync.WaitGroup
	trs := make([]*recorder.Transcript, 20)
	for i := range trs {
		trs[i] = begin(t, r)
		if i > 0 && trs[i].ID() <= trs[i-1].ID() {
			t.Errorf("names do not ascend: %q, %q", trs[i-1].ID(), trs[i].ID())
		}
		for _, k := range []recorder.Kind{recorder.KindInput, recorder.KindOutput} {
			wg.Go(func() {
				for n := range 200 {
					ok(t, trs[i].Stream(t.Context(), k, fmt.Appendf(nil, "%d,", n)))
				}
			})
		}
		wg.Go(func() {
			for n := range 20 {
				ok(t, trs[i].Record(t.Context(), recorder.KindNote, recorder.Note{Text: fmt.Sprint(n)}))
			}
		})
	}
	wg.Wait()
	ok(t, r.Close("done"))
	var want strings.Builder
	for n := range 200 {
		fmt.Fprintf(&want, "%d,", n)
	}
	for _, tr := range trs {
		got := map[recorder.Kind]string{}
		all, err := s.Read(t.Context(), tr.ID(), 0, 1000)
		ok(t, err)
		for _, e := range all {
			got[e.Kind] += string(e.Data)
		}
		if got[recorder.KindInput] != want.String() || got[recorder.KindOutput] != want.String() {
			t.Errorf("transcript %q: a stream is not what was streamed", tr.ID())
		}
	}
	intact(t, s)
}

// TestNames: names ascend though the clock stands or steps back a little.
func TestNames(t *testing.T) {
	now := time.Date(2026, 11, 23, 19, 15, 30, 999_999_999, time.UTC)
	s := storetest.NewMemory()
	r := newRecorder(t, s, recorder.Options{Now: func() time.Time { return now }})
	var last recorder.ID
	for i := range 50 {
		id := begin(t, r).ID()
		if id <= last || !id.Valid() {
			t.Errorf("name %q after %q", id, last)
		}
		if i == 0 && !strings.HasPrefix(string(id), "20261123T191530-vv") {
			t.Errorf("name %q does not tell its start", id)
		}
		last = id
		now = now.Add(-time.Millisecond)
	}
	ok(t, r.Close("done"))
	intact(t, s)
}
