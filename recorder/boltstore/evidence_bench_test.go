package boltstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// BenchmarkSessions is events of 1 KiB a second that sessions stream, durable in
// the end, encrypted and packed beside.
func BenchmarkSessions(b *testing.B) {
	data := bytes.Repeat([]byte("sallyport records this. "), 43)[:1024]
	for _, n := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, err := recorder.New(openWith(b, b.TempDir(), Options{Keys: &testKeys{}}), recorder.Options{})
			fatal(b, err)
			var all []*recorder.Transcript
			for range n {
				tr, err := r.Begin(b.Context(), recorder.Header{})
				fatal(b, err)
				all = append(all, tr)
			}
			b.SetBytes(int64(len(data)))
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, tr := range all {
				wg.Go(func() {
					for j := i; j < b.N; j += n {
						if err := tr.Stream(b.Context(), recorder.KindOutput, data); err != nil {
							b.Error(err)
							return
						}
					}
					if err := tr.Record(b.Context(), recorder.KindNote, recorder.Note{}); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			perSecond(b, 1)
			fatal(b, r.Close("done"))
		})
	}
}

// BenchmarkStored is the bytes that an hour of typing takes, pages and all,
// against the same as asciicast in zstd.
func BenchmarkStored(b *testing.B) {
	for b.Loop() {
		s := openWith(b, b.TempDir(), Options{Keys: &testKeys{}})
		events := typist(b, s, someDay, 25_000)
		pack(b, s, someDay)
		used := 0
		fatal(b, s.days.view("20261123", func(c, _ *bolt.Bucket) error {
			st := c.Stats()
			used = st.LeafAlloc + st.LeafOverflowN*os.Getpagesize() + st.BranchAlloc
			return nil
		}))
		var cast strings.Builder
		for _, e := range events {
			code := map[recorder.Kind]string{recorder.KindInput: "i", recorder.KindOutput: "o"}[e.Kind]
			text, err := json.Marshal(string(e.Data))
			fatal(b, err)
			fmt.Fprintf(&cast, "[%.6f, %q, %s]\n", e.At.Sub(events[0].At).Seconds(), code, text)
		}
		enc, err := zstd.NewWriter(nil)
		fatal(b, err)
		packed := enc.EncodeAll([]byte(cast.String()), nil)
		b.ReportMetric(float64(used)/float64(len(events)), "B/event")
		b.ReportMetric(float64(len(packed))/float64(len(events)), "asciicast-zstd-B/event")
		fatal(b, s.Close())
	}
}

// BenchmarkSeek is how long it takes to have the bytes of a minute of ten hours and
// 256 MB.
func BenchmarkSeek(b *testing.B) {
	dir := b.TempDir()
	s := openWith(b, dir, Options{Keys: &testKeys{}})
	line := strings.Repeat("the quick brown fox jumps over the lazy dog; ", 20)
	const n, each = 36_000, 8 << 10
	head := recorder.Head{ID: someDay}
	start := time.Date(2026, 11, 23, 19, 15, 30, 0, time.UTC)
	for seq := 0; seq < n; {
		var events []recorder.Event
		for range 100 {
			e := recorder.Event{Seq: uint64(seq), At: start.Add(time.Duration(seq) * time.Second), Kind: recorder.KindOutput,
				Data: []byte(strings.Repeat(fmt.Sprint(seq, line), each/len(line)))}
			if seq == 0 {
				e.Kind, e.Data = recorder.KindStart, fmt.Appendf(nil, `{"id":%q}`, someDay)
			}
			events = append(events, e)
			seq++
		}
		next, hashes, err := recorder.Extend(head, nil, events...)
		fatal(b, err)
		fatal(b, s.Append([]recorder.Group{{ID: someDay, Events: events, Hashes: hashes, Head: next}}))
		head = next
		if seq%4000 == 0 {
			pack(b, s, someDay)
		}
	}
	b.ResetTimer()
	i := 0
	for b.Loop() {
		i++
		at := start.Add(time.Duration(i*7919%n) * time.Second)
		seq, err := s.Seek(b.Context(), someDay, at)
		fatal(b, err)
		events, err := s.Read(b.Context(), someDay, seq, 60)
		if err != nil || len(events) == 0 || events[0].At.Before(at) {
			b.Fatal(err, len(events))
		}
	}
	b.StopTimer()
	fatal(b, s.Close())
}

// BenchmarkList is how long it takes to list 100,000 transcripts.
func BenchmarkList(b *testing.B) {
	s := openWith(b, b.TempDir(), Options{})
	const n = 100_000
	for i := 0; i < n; {
		var groups []recorder.Group
		for range 5000 {
			id := recorder.ID(fmt.Sprintf("20261123T191530-%08d", i))
			text, err := json.Marshal(recorder.Header{ID: id, Resource: "orders-db", Kind: "postgres", Identity: recorder.Person{Subject: "u1", Email: "alice@example.com"}})
			fatal(b, err)
			e := recorder.Event{Kind: recorder.KindStart, Data: text, At: time.Unix(1, 0)}
			h, hashes, err := recorder.Extend(recorder.Head{ID: id}, nil, e)
			fatal(b, err)
			groups = append(groups, recorder.Group{ID: id, Events: []recorder.Event{e}, Hashes: hashes, Head: h})
			i++
		}
		fatal(b, s.Append(groups))
	}
	b.ResetTimer()
	for b.Loop() {
		heads, err := s.Heads(b.Context())
		if err != nil || len(heads) != n {
			b.Fatal(err, len(heads))
		}
	}
	b.StopTimer()
	fatal(b, s.Close())
}
