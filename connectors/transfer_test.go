package connectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Pieces in any order have the hash of the file where each byte came once, and none
// where one came twice or not at all.
func FuzzOrdered(f *testing.F) {
	f.Add(uint64(1), uint16(1000), uint8(0))
	f.Add(uint64(2), uint16(300), uint8(1))
	f.Add(uint64(3), uint16(300), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, size uint16, fault uint8) {
		r := rand.New(rand.NewPCG(seed, 1))
		data := make([]byte, int(size)+2)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		type cut struct{ from, to int }
		var cuts []cut
		for at := 0; at < len(data); {
			n := min(1+r.IntN(100), len(data)-at)
			cuts = append(cuts, cut{at, at + n})
			at += n
		}
		whole := true
		switch fault % 3 {
		case 1: // a piece twice
			cuts, whole = append(cuts, cuts[r.IntN(len(cuts))]), false
		case 2: // one is missing before another
			if len(cuts) < 2 {
				return
			}
			cuts, whole = cuts[1:], false
		}
		r.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
		o := newOrdered(0, nil)
		for _, c := range cuts {
			o.add(int64(c.from), data[c.from:c.to])
		}
		var got Transfer
		o.tell(&got)
		if whole && got.SHA256 != hashOf(data) || !whole && got.SHA256 != "" || got.Unordered == whole {
			t.Errorf("%d pieces, whole: %v: %+v", len(cuts), whole, got)
		}
	})
}

// A piece that reaches into what is hashed already is no order, also where it waited
// behind a gap.
func TestOrderedOverlap(t *testing.T) {
	for name, pieces := range map[string][]piece{
		"behind":         {{0, []byte("abc")}, {2, []byte("cd")}},
		"beyond a gap":   {{5, []byte("xy")}, {0, []byte("abcdef")}},
		"the same ahead": {{5, []byte("xy")}, {5, []byte("xyz")}},
	} {
		o := newOrdered(0, nil)
		for _, p := range pieces {
			o.add(p.at, p.data)
		}
		var got Transfer
		if o.tell(&got); !got.Unordered || got.SHA256 != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	o := newOrdered(0, nil)
	o.add(10, make([]byte, maxAhead))
	o.add(maxAhead+20, []byte("x"))
	if !o.broken || len(o.ahead) > 0 {
		t.Error("what waits for a gap is not bounded")
	}
}

// memory is a file that comes in pieces.
type memory struct {
	data []byte
	cut  int
	fail error // in place of the end
}

func (m memory) ReadAt(b []byte, at int64) (int, error) { return bytes.NewReader(m.data).ReadAt(b, at) }

func (m memory) Stream(from int64, w io.Writer) error {
	for rest := m.data[min(from, int64(len(m.data))):]; len(rest) > 0; {
		n := min(m.cut, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return m.fail
}

type straight struct {
	io.Writer
	ordered bool
}

func (straight) Flush() error      { return nil }
func (s straight) Ordered() bool   { return s.ordered }
func (straight) Count(int64) error { return nil }

type filePermit struct {
	Permit
	ordered bool
}

func (p filePermit) Content(w io.Writer) Content { return straight{w, p.ordered} }

// Whatever is read, in whatever order: it is the file's, it is counted, and a hash is
// told only of what was taken once, in order, from where it says.
func FuzzDownload(f *testing.F) {
	f.Add(uint64(1), uint32(100_000), uint16(4096), false, uint8(0))
	f.Add(uint64(2), uint32(9<<20), uint16(50_000), false, uint8(3))
	f.Add(uint64(3), uint32(5<<20), uint16(32_768), true, uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, size uint32, cut uint16, ordered bool, jumps uint8) {
		size %= 10 << 20
		r := rand.New(rand.NewPCG(seed, 2))
		data := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(data)
		d := NewDownload(memory{data, int(cut) + 1, nil}, filePermit{ordered: ordered}, nil)
		var read int64
		taken := make([]bool, len(data))
		take := func(at, n int) error {
			b := make([]byte, n)
			got, err := d.ReadAt(b, int64(at))
			if got > 0 && (at+got > len(data) || !bytes.Equal(b[:got], data[at:at+got])) {
				t.Fatalf("%d bytes at %d are not the file's", got, at)
			}
			for i := range got {
				taken[at+i] = true
			}
			read += int64(got)
			return err
		}
		for range jumps % 4 {
			if err := take(r.IntN(len(data)+10), 1+r.IntN(1000)); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("jump: %v", err)
			}
		}
		var err error
		for at := 0; err == nil && at < len(data)+1; at += 32 << 10 {
			err = take(at, 32<<10)
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
		d.Close(t.Context())
		tr := d.Transfer("/x", int64(size))
		if tr.Read != read {
			t.Errorf("%d bytes were read, told are %d", read, tr.Read)
		}
		if jumps%4 == 0 && (!tr.Whole || tr.SHA256 != hashOf(data)) {
			t.Errorf("read from beginning to end: %+v", tr)
		}
		if tr.Whole && tr.SHA256 != hashOf(data) {
			t.Errorf("the whole file has another hash: %+v", tr)
		}
		for i := range taken {
			if tr.Whole && !taken[i] {
				t.Fatalf("byte %d was never read, and the file is said to be whole", i)
			}
		}
	})
}

// What the target fails with comes behind what came before.
func TestDownloadFails(t *testing.T) {
	gone := errors.New("the disk is on fire")
	d := NewDownload(memory{[]byte("hello"), 2, gone}, filePermit{}, nil)
	b := make([]byte, 10)
	if n, err := d.ReadAt(b, 0); n != 5 || !errors.Is(err, gone) {
		t.Errorf("%d, %v", n, err)
	}
	d.Close(t.Context())
	if tr := d.Transfer("/x", -1); tr.Whole || tr.Read != 5 || tr.SHA256 != hashOf([]byte("hello")) || !errors.Is(d.Err(), gone) {
		t.Errorf("%+v, %v", tr, d.Err())
	}
}

// The gate never looks at content that nobody asked for.
func TestDownloadUntouched(t *testing.T) {
	d := NewDownload(memory{[]byte(strings.Repeat("x", 100)), 10, nil}, filePermit{}, nil)
	d.Close(t.Context())
	if tr := d.Transfer("/x", 100); tr.Read != 0 || tr.SHA256 != "" || tr.Whole {
		t.Errorf("%+v", tr)
	}
}
