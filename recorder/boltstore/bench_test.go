package boltstore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// BenchmarkAppend is events of 1 KiB a second, durable, against the same bytes
// appended to a plain file and fsynced. size/payload is the file's growth.
func BenchmarkAppend(b *testing.B) {
	data := bytes.Repeat([]byte("sallyport records this. "), 43)[:1024]
	for _, n := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("bolt/%d", n), func(b *testing.B) {
			dir := b.TempDir()
			s, err := Open(dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			c, g := storetest.Begin(b, "20261123T191530-7k2f9q")
			if err := s.Append([]recorder.Group{g}); err != nil {
				b.Fatal(err)
			}
			events := slices.Repeat([]storetest.Event{{Kind: recorder.KindOutput, Data: data}}, n)
			b.ResetTimer()
			for b.Loop() {
				if err := s.Append([]recorder.Group{c.Group(b, events...)}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			perSecond(b, n)
			var used int64
			if err := s.db.Sync(); err == nil {
				st := s.db.Stats()
				info, _ := os.Stat(filepath.Join(dir, FileName))
				used = info.Size() - int64(st.FreePageN)*int64(os.Getpagesize())
			}
			b.ReportMetric(float64(used)/float64(b.N*n*len(data)), "size/payload")
			storetest.Close(b, s)
		})
		b.Run(fmt.Sprintf("file/%d", n), func(b *testing.B) {
			f, err := os.OpenFile(filepath.Join(b.TempDir(), "plain"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			all := bytes.Repeat(data, n)
			b.ResetTimer()
			for b.Loop() {
				if _, err := f.Write(all); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, n)
		})
	}
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRecord is how long a discrete event takes to be durable, alone and
// beside streams of other sessions.
func BenchmarkRecord(b *testing.B) {
	for _, streams := range []int{0, 20} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			r, err := recorder.New(s, recorder.Options{})
			if err != nil {
				b.Fatal(err)
			}
			stop := make(chan struct{})
			done := make(chan error, streams)
			for range streams {
				tr, err := r.Begin(b.Context(), recorder.Header{})
				if err != nil {
					b.Fatal(err)
				}
				go func() { done <- typing(b, tr, stop) }()
			}
			tr, err := r.Begin(b.Context(), recorder.Header{})
			if err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			b.ResetTimer()
			for b.Loop() {
				start := time.Now()
				if err := tr.Record(b.Context(), recorder.KindNote, recorder.Note{Text: "select 1"}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			b.StopTimer()
			close(stop)
			for range streams {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			if err := r.Close("done"); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// typing is a session that shows 100 bytes every 5 ms.
func typing(b *testing.B, tr *recorder.Transcript, stop chan struct{}) error {
	data := bytes.Repeat([]byte("x"), 100)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			if err := tr.Stream(b.Context(), recorder.KindOutput, data); err != nil {
				return err
			}
		}
	}
}
