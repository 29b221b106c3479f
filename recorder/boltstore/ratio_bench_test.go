//go:build linux

package boltstore

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/recorder"
)

// textSize is how much BenchmarkOpen has in its store; the target is over 1024.
var textSize = flag.Int("text", 32, "megabytes of text for BenchmarkOpen")

// BenchmarkDurable is what an operation waits for, against one fdatasync of a file that
// the same bytes are appended to, turn by turn in the same run.
func BenchmarkDurable(b *testing.B) {
	for _, sessions := range []int{1, 50} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			r, err := recorder.New(openWith(b, b.TempDir(), Options{Keys: &testKeys{}}), recorder.Options{})
			fatal(b, err)
			var all []*recorder.Transcript
			for range sessions {
				tr, err := r.Begin(b.Context(), recorder.Header{})
				fatal(b, err)
				all = append(all, tr)
			}
			f, err := os.OpenFile(filepath.Join(b.TempDir(), "plain"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			fatal(b, err)
			defer f.Close()
			op := recorder.Operation{Op: 1, Action: "sql", Text: strings.Repeat("select 1 ", 20)}
			line := bytes.Repeat([]byte("x"), 300*sessions)
			var recorded, plain time.Duration
			for b.Loop() {
				start := time.Now()
				var wg sync.WaitGroup
				for _, tr := range all {
					wg.Go(func() {
						if err := tr.Record(b.Context(), recorder.KindOperation, op); err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
				between := time.Now()
				_, err := f.Write(line)
				fatal(b, err)
				fatal(b, unix.Fdatasync(int(f.Fd())))
				recorded, plain = recorded+between.Sub(start), plain+time.Since(between)
			}
			b.ReportMetric(recorded.Seconds()/plain.Seconds(), "x-fdatasync")
			fatal(b, r.Close("done"))
		})
	}
}

// BenchmarkAmplification is how many bytes reach the disk for each byte of payload
// that 50 sessions stream: written pages, as the kernel counts them, packing and
// encryption included.
func BenchmarkAmplification(b *testing.B) {
	data := []byte(strings.Repeat("sallyport records this. ", 43)[:1024])
	for b.Loop() {
		r, err := recorder.New(openWith(b, b.TempDir(), Options{Keys: &testKeys{}}), recorder.Options{})
		fatal(b, err)
		before := writtenBytes(b)
		var payload atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				tr, err := r.Begin(b.Context(), recorder.Header{})
				for range 400 {
					if err == nil {
						payload.Add(int64(len(data)))
						err = tr.Stream(b.Context(), recorder.KindOutput, data)
					}
				}
				if err == nil {
					err = tr.End(b.Context(), recorder.End{Reason: "closed"})
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		durable := writtenBytes(b)
		fatal(b, r.Close("done"))
		b.ReportMetric(float64(durable-before)/float64(payload.Load()), "written/payload")
		b.ReportMetric(float64(writtenBytes(b)-before)/float64(payload.Load()), "packed-too/payload")
	}
}

// writtenBytes is what this process caused to be sent to storage.
func writtenBytes(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("the kernel does not count: ", err)
	}
	_, after, _ := strings.Cut(string(text), "\nwrite_bytes: ")
	var n int64
	_, err = fmt.Sscan(after, &n)
	fatal(b, err)
	return n
}

// BenchmarkOpen is how long it takes to open a store with -text megabytes, and to
// list it, out of the page cache as far as the system lets go of it.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openWith(b, dir, Options{Keys: &testKeys{}})
	r, err := recorder.New(s, recorder.Options{})
	fatal(b, err)
	text := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog; ", 800)[:32<<10])
	for range max(1, *textSize/8) {
		tr, err := r.Begin(b.Context(), recorder.Header{})
		fatal(b, err)
		for i := range 256 {
			copy(text, fmt.Sprintf("%08d", i))
			fatal(b, tr.Stream(b.Context(), recorder.KindOutput, text))
		}
		fatal(b, tr.End(b.Context(), recorder.End{}))
	}
	fatal(b, r.Close("done"))
	for b.Loop() {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		fatal(b, err)
		for _, path := range files {
			f, err := os.Open(path)
			fatal(b, err)
			fatal(b, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
			fatal(b, f.Close())
		}
		s := openWith(b, dir, Options{Keys: &testKeys{}})
		_, err = s.Heads(b.Context())
		fatal(b, err)
		fatal(b, s.db.Close()) // unsealed: sealing reads it all
		fatal(b, s.days.close(false))
	}
}
