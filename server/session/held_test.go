package session

import (
	"testing"
)

// What has come is told by parts, whatever the order of its pieces: a byte is in them
// if it came, no two touch, and they are in order.
func FuzzJoined(f *testing.F) {
	f.Add([]byte{0, 4, 8, 4, 4, 4})
	f.Add([]byte{9, 1, 7, 1, 8, 1, 0, 20})
	f.Fuzz(func(t *testing.T, pieces []byte) {
		var parts []part
		var came [512]bool
		for ; len(pieces) > 1; pieces = pieces[2:] {
			at, n := int64(pieces[0]), int64(pieces[1])+1
			for i := at; i < at+n; i++ {
				came[i] = true
			}
			next, ok := joined(parts, part{at, at + n})
			if !ok {
				t.Fatal("there are few enough")
			}
			parts = next
		}
		for i := range came {
			in := false
			for k, p := range parts {
				in = in || p.from <= int64(i) && int64(i) < p.to
				if p.from >= p.to || k > 0 && parts[k-1].to >= p.from {
					t.Fatalf("%v", parts)
				}
			}
			if in != came[i] {
				t.Fatalf("byte %d: in %v is %t", i, parts, in)
			}
		}
	})
}
