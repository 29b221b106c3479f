package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// Files is what the suite asks of a Filer.
type Files struct {
	// Dir is an empty directory, as the target names it, links resolved; Local is the
	// same directory, seen beside the gate.
	Dir, Local string
}

func (s *suite) testFiles(t *testing.T) {
	t.Run("each operation", s.testFileOperations)
	t.Run("what is appended to is not cut off", s.testAppended)
	s.prove(t, ToFiles,
		proof{GateFirst, "", s.testFilesFirst, false},
		proof{GateFirst, "what a path leads to", s.testLinks, false},
		proof{Denied, "", s.testFilesDenied, false},
		proof{Denied, "a link put in between", s.testSwappedLink, false},
		proof{MasksHold, "content passes in order", s.testUnordered, false},
		proof{MasksHold, "content that is refused", s.testContentRefused, false},
		proof{RecordedShown, "", s.testTransfer, false},
		proof{Vanished, "while it is written", s.testFileVanished, s.Endpoint.Address == ""})
	s.prove(t, ToFiles, s.general(s.filesWork(t))...)
}

// folder makes a directory for one test.
func (s *suite) folder(t *testing.T) (dir, local string) {
	t.Helper()
	local, err := os.MkdirTemp(s.Files.Local, "t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(local, 0o777); err != nil { // the target's login may be another
		t.Fatal(err)
	}
	return path.Join(s.Files.Dir, filepath.Base(local)), local
}

func (s *suite) fileOpen(ctx context.Context, conn connectors.Conn, g *Guard, c connectors.FileCall) (connectors.OpenFile, error) {
	g.said = &s.said
	f, err := conn.(connectors.Filer).OpenFile(ctx, g, c)
	if err != nil {
		s.said.add(err.Error())
	}
	return f, err
}

func (s *suite) file(t testing.TB, conn connectors.Conn, g *Guard, c connectors.FileCall) (connectors.FileAnswer, error) {
	t.Helper()
	g.said = &s.said
	a, err := conn.(connectors.Filer).File(s.context(t), g, c)
	if err != nil {
		s.said.add(err.Error())
	}
	return a, err
}

func sample(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pieces does a piece of n bytes at a time, many at once, as clients do.
func pieces(size, n int, do func(from, to int)) {
	work := make(chan int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for at := range work {
				do(at, min(at+n, size))
			}
		})
	}
	for at := 0; at < size; at += n {
		work <- at
	}
	close(work)
	all.Wait()
}

func transfer(t *testing.T, g *Guard) connectors.Transfer {
	t.Helper()
	o := only(t, g).outcome(t)
	if o.File == nil {
		t.Fatalf("nothing was told of what was moved: %+v", o)
	}
	return *o.File
}

func (s *suite) testTransfer(t *testing.T) {
	dir, local := s.folder(t)
	data := sample(3<<20+777, 1)
	up := &Guard{}
	s.with(t, up, func(conn connectors.Conn) {
		f, err := s.fileOpen(s.context(t), conn, up, connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/a", Create: true, Truncate: true})
		if err != nil {
			t.Fatal(err)
		}
		pieces(len(data), 32<<10, func(from, to int) {
			if _, err := f.WriteAt(data[from:to], int64(from)); err != nil {
				t.Errorf("write: %v", err)
			}
		})
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if tr := transfer(t, up); tr.SHA256 != hashOf(data) || !tr.Whole || tr.Written != int64(len(data)) || tr.Size != int64(len(data)) || tr.Path != dir+"/a" {
		t.Errorf("recorded of the upload: %+v, want the hash %s", tr, hashOf(data))
	}
	if !bytes.Equal(contents(t, local+"/a"), data) {
		t.Error("the file at the target is another")
	}
	down := &Guard{}
	got := make([]byte, len(data))
	s.with(t, down, func(conn connectors.Conn) {
		f, err := s.fileOpen(s.context(t), conn, down, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/a"})
		if err != nil {
			t.Fatal(err)
		}
		pieces(len(data), 32<<10, func(from, to int) {
			if _, err := io.ReadFull(io.NewSectionReader(f, int64(from), int64(to-from)), got[from:to]); err != nil {
				t.Errorf("read: %v", err)
			}
		})
		if n, err := f.ReadAt(make([]byte, 10), int64(len(data))); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("read at the end: %d, %v", n, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if !bytes.Equal(got, data) {
		t.Error("what was read is another")
	}
	if tr := transfer(t, down); tr.SHA256 != hashOf(data) || !tr.Whole || tr.Read != int64(len(data)) {
		t.Errorf("recorded of the download: %+v", tr)
	}
}

func (s *suite) testUnordered(t *testing.T) {
	dir, local := s.folder(t)
	data := sample(12<<20, 2)
	if err := os.WriteFile(local+"/a", data, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, ordered := range []bool{false, true} {
		g := &Guard{Ordered: ordered}
		s.with(t, g, func(conn connectors.Conn) {
			f, err := s.fileOpen(s.context(t), conn, g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/a"})
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 1000)
			if _, err := f.ReadAt(b, 0); err != nil || !bytes.Equal(b, data[:1000]) {
				t.Errorf("the beginning: %v", err)
			}
			for _, at := range []int{11 << 20, 5 << 20, 100} {
				_, err := f.ReadAt(b, int64(at))
				if ordered != (err != nil) || err == nil && !bytes.Equal(b, data[at:at+1000]) {
					t.Errorf("from %d on, content in order %v: %v", at, ordered, err)
				}
			}
			_ = f.Close()
		})
		tr := transfer(t, g)
		if !ordered && (tr.SHA256 != "" || !tr.Unordered || tr.Read != 4000) || tr.Whole {
			t.Errorf("recorded: %+v", tr)
		}
	}
}

func (s *suite) testContentRefused(t *testing.T) {
	dir, local := s.folder(t)
	data := sample(1<<20, 3)
	if err := os.WriteFile(local+"/a", data, 0o666); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("refused by rule masks")
	g := &Guard{Ordered: true, ContentErr: refusal, ContentMost: 100_000}
	s.with(t, g, func(conn connectors.Conn) {
		f, err := s.fileOpen(s.context(t), conn, g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/a"})
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, int64(len(data))))
		if err == nil || n > g.ContentMost {
			t.Errorf("%d bytes came, and %v", n, err)
		}
		_ = f.Close()
		if tr := transfer(t, g); tr.Read != n || tr.Whole {
			t.Errorf("%d bytes came, recorded: %+v", n, tr)
		}
	})
}

func (s *suite) testFileVanished(t *testing.T) {
	dir, _ := s.folder(t)
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		f, err := s.fileOpen(s.context(t), conn, g, connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/a", Create: true})
		if err != nil {
			t.Fatal(err)
		}
		s.wire.cut()
		for range 1000 { // until the driver knows
			if _, err = f.WriteAt(make([]byte, 32<<10), 0); err != nil {
				break
			}
		}
		if !errors.Is(err, connectors.ErrVanished) {
			t.Errorf("write: %v, want %v", err, connectors.ErrVanished)
		}
		_ = f.Close()
		if o := only(t, g).outcome(t); !o.Unknown {
			t.Errorf("outcome: %+v, want unknown", o)
		}
		_ = conn.Close()
	})
}
