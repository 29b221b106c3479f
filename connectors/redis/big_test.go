package redis

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// TestGigabyte reads an answer of 32 MiB, or of 1 GiB where SALLYPORT_BIG is set (make
// big), with detectors on every value, and looks at the heap on the way.
func TestGigabyte(t *testing.T) {
	rows := 32 << 10
	if os.Getenv("SALLYPORT_BIG") != "" {
		rows = 1 << 20
	}
	row := []byte(fmt.Sprintf("$1024\r\n%s\r\n", bytes.Repeat([]byte("words of a value "), 61)[:1024]))
	p, e := pretend(t, good)
	p.writes = func(command string, w io.Writer) bool {
		if command != "LRANGE a 0 -1" {
			return false
		}
		_, err := fmt.Fprintf(w, "*%d\r\n", rows)
		for i := 0; i < rows && err == nil; i++ {
			_, err = w.Write(row)
		}
		return true
	}
	plan, err := mask.NewPlan(nil, []string{"email", "card"})
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	r, err := conn.(connectors.Querier).Query(t.Context(), &connectortest.Guard{Discard: true, Seen: plan, Kept: plan}, connectors.Statement{Text: "LRANGE a 0 -1"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const allowed = 16 << 20
	var base uint64
	got := 0
	for batches := 0; ; batches++ {
		b, err := r.Batch(t.Context(), 500)
		if got += len(b); isEOF(err) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if batches%64 == 8 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if base == 0 {
				base = m.HeapAlloc
			}
			if m.HeapAlloc > base+allowed {
				t.Fatalf("after %d rows the heap holds %d MiB more", got, (m.HeapAlloc-base)>>20)
			}
		}
	}
	if got != rows {
		t.Errorf("%d rows, want %d", got, rows)
	}
}
