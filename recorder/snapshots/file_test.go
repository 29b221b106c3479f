package snapshots

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzPlaces: whatever a file holds, the records found in it lie inside of it, one
// after the other, and their numbers ascend.
func FuzzPlaces(f *testing.F) {
	rec := func(next uint64, n int) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(n))
		return append(binary.BigEndian.AppendUint64(b, next), make([]byte, n)...)
	}
	f.Add(append(rec(3, 20), rec(9, 5)...))
	f.Add(append(rec(3, 20), rec(3, 5)...))
	f.Add(rec(1, 4)[:14])
	f.Fuzz(func(t *testing.T, b []byte) {
		end, last := int64(0), uint64(0)
		for _, p := range places(bytes.NewReader(b), int64(len(b))) {
			if p.at != end+recordHeader || p.at+int64(p.size) > int64(len(b)) || p.size <= 0 || p.size > maxRecord || p.next <= last {
				t.Fatalf("%+v after %d and event %d, of %d bytes", p, end, last, len(b))
			}
			end, last = p.at+int64(p.size), p.next
		}
	})
}
