package connectors

import (
	"errors"
	"io"
	"runtime"
	"testing"
)

// endless is a file that has no end.
type endless struct{}

func (endless) ReadAt(b []byte, _ int64) (int, error)  { return len(b), nil }
func (endless) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (endless) Stream(_ int64, w io.Writer) error {
	for b := make([]byte, 32<<10); ; {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
}

func held() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// However many files a requester has open, and however they read and write them, what is
// held for it is bounded, and given back.
func TestRoomOfManyFiles(t *testing.T) {
	const files = 64
	for name, use := range map[string]func(*Room) func(){
		"read ahead": func(room *Room) func() {
			d := NewDownload(endless{}, filePermit{}, room)
			if _, err := d.ReadAt(make([]byte, 1), 0); err != nil {
				t.Fatal(err)
			}
			return func() { d.Close(t.Context()) }
		},
		"behind a gap": func(room *Room) func() {
			u := NewUpload(endless{}, false, room)
			for at := int64(1); at < 15<<20; at += 1 << 20 {
				if _, err := u.WriteAt(make([]byte, 1<<20), at); err != nil {
					t.Fatal(err)
				}
			}
			return func() { u.Close(t.Context()) }
		},
		"crumbs": func(room *Room) func() {
			u := NewUpload(endless{}, false, room)
			for at := range int64(20_000) {
				if _, err := u.WriteAt([]byte("x"), 2*at+1); err != nil {
					t.Fatal(err)
				}
			}
			return func() { u.Close(t.Context()) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			room, before := NewRoom(), held()
			var closes []func()
			for range files {
				closes = append(closes, use(room))
			}
			if more := held() - before; more > forFiles+files*smallWindow+(8<<20) {
				t.Errorf("%d files hold %d MiB", files, more>>20)
			}
			for _, c := range closes {
				c()
			}
			if room.left != forFiles {
				t.Errorf("%d bytes are not given back", forFiles-room.left)
			}
		})
	}
}

// Who reads a byte here and a byte there does not make the next one dearer.
func TestReadInCrumbs(t *testing.T) {
	d := NewDownload(endless{}, filePermit{}, nil)
	for at := range int64(3_000) {
		if _, err := d.ReadAt(make([]byte, 1), 2*at); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.taken) > maxSpans+1 {
		t.Errorf("%d places are remembered", len(d.taken))
	}
	d.Close(t.Context())
	if tr := d.Transfer("/x", -1); !tr.Unordered || tr.Read != 3_000 {
		t.Errorf("%+v", tr)
	}
	d = NewDownload(endless{}, filePermit{ordered: true}, nil)
	var err error
	for at := int64(0); at < 3_000 && err == nil; at++ {
		_, err = d.ReadAt(make([]byte, 1), 2*at)
	}
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("what masks look into: %v", err)
	}
	d.Close(t.Context())
}
