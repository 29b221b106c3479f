package search

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// spoken is transcripts of shells that show about so many MB of logs, a statement
// among every few hundred lines.
func spoken(b *testing.B, mb int) recorder.Store {
	b.Helper()
	s := storetest.NewMemory()
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for i := range words {
		w := make([]byte, 3+r.IntN(9))
		for j := range w {
			w[j] = byte('a' + r.IntN(26)*r.IntN(26)/25)
		}
		words[i] = string(w)
	}
	line := func(i int) string {
		var l strings.Builder
		fmt.Fprintf(&l, "2026-11-23T19:%02d:%02d host app[%d]: ", i/60%60, i%60, r.IntN(32768))
		for range 4 + r.IntN(8) {
			l.WriteString(words[int(float64(len(words))*r.Float64()*r.Float64())] + " ")
		}
		fmt.Fprintf(&l, "id=%x\r\n", r.Uint32())
		return l.String()
	}
	total, n := 0, 0
	for t := 0; total < mb<<20; t++ {
		c, g := storetest.Begin(b, recorder.ID(fmt.Sprintf("20261123T191530-%06d", t)))
		groups := []recorder.Group{g}
		for size := 0; size < 4<<20 && total < mb<<20; {
			var text strings.Builder
			for range 60 {
				text.WriteString(line(n))
				n++
			}
			size, total = size+text.Len(), total+text.Len()
			events := []storetest.Event{{Kind: recorder.KindOutput, Data: []byte(text.String())}}
			if r.IntN(5) == 0 {
				events = append(events, storetest.Event{Kind: recorder.KindOperation, Data: fmt.Appendf(nil, `{"op":%d,"action":"exec","text":"grep %s app.log"}`, n, words[r.IntN(len(words))])})
			}
			groups = append(groups, c.Group(b, events...))
		}
		if t == 0 {
			groups = append(groups, c.Group(b, storetest.Event{Kind: recorder.KindOutput, Data: []byte("the needle of 4711\r\n")}))
		}
		if err := s.Append(groups); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkSearch builds the index of SALLYPORT_BENCH_MB (16) of shown text, and
// asks it: for what is there once, for what is everywhere, for what is nowhere, for
// three words that meet. What is everywhere costs most: the newest come first.
func BenchmarkSearch(b *testing.B) {
	mb := 16
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_BENCH_MB")); err == nil {
		mb = n
	}
	s := spoken(b, mb)
	dir := b.TempDir()
	x, err := Open(dir, keys(b))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	began := time.Now()
	if err := x.Update(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	built := time.Since(began)
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("build-%dMB", mb), func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(mb)/built.Seconds(), "MB/s")
		b.ReportMetric(float64(info.Size())/float64(mb<<20), "index-B/text-B")
	})
	for _, q := range []struct {
		name string
		Query
		hits bool
	}{
		{"once", Query{Text: "needle 4711"}, true}, {"everywhere", Query{Text: "host"}, true}, {"nowhere", Query{Text: "zebra-crossing"}, false},
		{"three", Query{Text: `host app 2026-11-23T19:05`}, true}, {"command", Query{Text: "grep", What: "command"}, true},
	} {
		b.Run(q.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				hits, err := x.Search(b.Context(), q.Query)
				if err != nil || (len(hits) > 0) != q.hits {
					b.Fatal(err, len(hits))
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/worst")
		})
	}
}
