package connectortest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
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
	t.Run("there and back", s.testTransfer)
	t.Run("each operation", s.testFileOperations)
	t.Run("the guard comes first", s.testFilesFirst)
	t.Run("a denied one never arrives", s.testFilesDenied)
	t.Run("what a path leads to", s.testLinks)
	t.Run("a link put in between", s.testSwappedLink)
	t.Run("in no order", s.testUnordered)
	t.Run("content that is refused", s.testContentRefused)
	t.Run("cancel", s.testFileCancel)
	t.Run("large file", s.testLargeFile)
	if s.Endpoint.Address != "" {
		t.Run("vanished", s.testFileVanished)
	}
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

// fileCalls is each operation once, in an order in which they can be done; what of
// them changes something, by the names that are then there or gone.
func fileCalls(dir string) []connectors.FileCall {
	mode := fs.FileMode(0o640)
	return []connectors.FileCall{
		{Do: connectors.MakeDir, Path: dir + "/d"},
		{Do: connectors.ListDir, Path: dir},
		{Do: connectors.StatFile, Path: dir + "/f"},
		{Do: connectors.LstatFile, Path: dir + "/f"},
		{Do: connectors.SetStat, Path: dir + "/f", Set: connectors.FileAttributes{Mode: &mode}},
		{Do: connectors.RenameFile, Path: dir + "/f", To: dir + "/d/g"},
		{Do: connectors.Hardlink, Path: dir + "/d/g", To: dir + "/h"},
		{Do: connectors.Symlink, Path: dir + "/l", To: "d/g"},
		{Do: connectors.ReadLink, Path: dir + "/l"},
		{Do: connectors.RemoveFile, Path: dir + "/d/g"},
		{Do: connectors.RenameFile, Path: dir + "/h", To: dir + "/d/k", Replace: true},
		{Do: connectors.RemoveFile, Path: dir + "/d/k"},
		{Do: connectors.RemoveDir, Path: dir + "/d"},
	}
}

func (s *suite) testFileOperations(t *testing.T) {
	dir, local := s.folder(t)
	if err := os.WriteFile(local+"/f", []byte("hello"), 0o666); err != nil {
		t.Fatal(err)
	}
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		for _, c := range fileCalls(dir) {
			a, err := s.file(t, conn, g, c)
			switch {
			case err != nil:
				t.Errorf("%s: %v", c.Do, err)
			case c.Do == connectors.StatFile && (a.Info == nil || a.Info.Size() != 5):
				t.Errorf("stat: %+v", a.Info)
			case c.Do == connectors.ListDir && len(a.Entries) != 2:
				t.Errorf("list: %v", a.Entries)
			case c.Do == connectors.ReadLink && a.Text != "d/g":
				t.Errorf("readlink: %q", a.Text)
			}
		}
		if _, err := s.file(t, conn, g, connectors.FileCall{Do: connectors.StatFile, Path: dir + "/nowhere"}); err == nil {
			t.Error("stat of what is not there")
		}
		if _, err := s.file(t, conn, g, connectors.FileCall{Do: connectors.StatFile, Path: dir + "/nowhere/at/all"}); err == nil {
			t.Error("stat below what is not there")
		}
	})
	for _, p := range g.Permits() {
		if n := len(p.Outcomes()); n != 1 {
			t.Errorf("%q has %d outcomes", p.Op.Text, n)
		}
		if len(p.Op.Facts.Files) == 0 || p.Op.Action != "file" {
			t.Errorf("%q has no files: %+v", p.Op.Text, p.Op.Facts)
		}
	}
	if left, err := os.ReadDir(local); err != nil || len(left) != 1 || left[0].Name() != "l" {
		t.Errorf("left at the target: %v, %v", left, err)
	}
}

// tree is all that is below a directory, with sizes.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			_, _ = b.WriteString(p + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// changing calls of fileCalls and those that open a file, which all could be done.
func (s *suite) changing(t *testing.T) (calls []connectors.FileCall, local string) {
	dir, local := s.folder(t)
	for _, name := range []string{"f", "h"} {
		if err := os.WriteFile(filepath.Join(local, name), []byte("hello"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(local+"/e", 0o777); err != nil {
		t.Fatal(err)
	}
	mode := fs.FileMode(0o600)
	return []connectors.FileCall{
		{Do: connectors.MakeDir, Path: dir + "/d"},
		{Do: connectors.SetStat, Path: dir + "/f", Set: connectors.FileAttributes{Mode: &mode}},
		{Do: connectors.Hardlink, Path: dir + "/f", To: dir + "/k"},
		{Do: connectors.Symlink, Path: dir + "/l", To: "f"},
		{Do: connectors.RenameFile, Path: dir + "/f", To: dir + "/g"},
		{Do: connectors.RemoveFile, Path: dir + "/h"},
		{Do: connectors.RemoveDir, Path: dir + "/e"},
		{Do: connectors.WriteFile, Path: dir + "/new", Create: true},
		{Do: connectors.UpdateFile, Path: dir + "/newer", Create: true},
	}, local
}

// do runs a call, whichever it is.
func (s *suite) do(t *testing.T, conn connectors.Conn, g *Guard, c connectors.FileCall) error {
	t.Helper()
	switch c.Do {
	case connectors.ReadFile, connectors.WriteFile, connectors.UpdateFile:
		f, err := s.fileOpen(s.context(t), conn, g, c)
		if err == nil {
			err = f.Close()
		}
		return err
	}
	_, err := s.file(t, conn, g, c)
	return err
}

func (s *suite) testFilesFirst(t *testing.T) {
	calls, local := s.changing(t)
	for _, c := range calls {
		before := tree(t, local)
		g := &Guard{OnCheck: func(connectors.Operation) {
			if now := tree(t, local); now != before {
				t.Errorf("%s: the target changed before the guard was asked", c.Do)
			}
		}}
		s.with(t, g, func(conn connectors.Conn) {
			if err := s.do(t, conn, g, c); err != nil {
				t.Errorf("%s: %v", c.Do, err)
			}
		})
		if tree(t, local) == before {
			t.Errorf("%s had no effect once permitted", c.Do)
		}
	}
}

func (s *suite) testFilesDenied(t *testing.T) {
	calls, local := s.changing(t)
	calls = append(calls, connectors.FileCall{Do: connectors.ReadFile, Path: path.Dir(calls[0].Path) + "/f"},
		connectors.FileCall{Do: connectors.ListDir, Path: path.Dir(calls[0].Path)})
	refusal := errors.New("refused by rule no-files")
	var written int64
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	before := tree(t, local)
	s.with(t, g, func(conn connectors.Conn) {
		for _, c := range calls {
			if err := s.do(t, conn, g, c); !errors.Is(err, refusal) {
				t.Errorf("%s: %v, want the guard's refusal as it is", c.Do, err)
			}
			if n := s.wire.written.Load() - written; n != 0 {
				t.Errorf("%s: %d bytes went to the target after it was denied", c.Do, n)
			}
		}
	})
	if now := tree(t, local); now != before {
		t.Errorf("the target changed: %s, then %s", before, now)
	}
}

func (s *suite) testLinks(t *testing.T) {
	dir, local := s.folder(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(local+"/shut/deep", 0o777))
	must(os.MkdirAll(local+"/open", 0o777))
	must(os.WriteFile(local+"/shut/deep/f", []byte("x"), 0o666))
	must(os.Symlink("../shut", local+"/open/away"))
	must(os.Symlink("away/deep/f", local+"/open/file"))
	must(os.Symlink("../shut/new", local+"/open/dangling"))
	for _, tt := range []struct {
		call connectors.FileCall
		want string
	}{
		{connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/open/away/deep/f"}, "/shut/deep/f"},
		{connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/open/file"}, "/shut/deep/f"},
		{connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/open/../open/./file"}, "/shut/deep/f"},
		{connectors.FileCall{Do: connectors.StatFile, Path: dir + "/open/file"}, "/shut/deep/f"},
		{connectors.FileCall{Do: connectors.LstatFile, Path: dir + "/open/file"}, "/open/file"},
		{connectors.FileCall{Do: connectors.ListDir, Path: dir + "/open/away"}, "/shut"},
		{connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/open/dangling", Create: true}, "/shut/new"},
		{connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/open/away/deep/new", Create: true}, "/shut/deep/new"},
		{connectors.FileCall{Do: connectors.MakeDir, Path: dir + "/open/away/deep/d"}, "/shut/deep/d"},
		{connectors.FileCall{Do: connectors.RemoveFile, Path: dir + "/open/file"}, "/open/file"},
		{connectors.FileCall{Do: connectors.RemoveFile, Path: dir + "/open/away/deep/f"}, "/shut/deep/f"},
	} {
		g := &Guard{Judge: func(connectors.Operation) error { return ErrDenied }}
		s.with(t, g, func(conn connectors.Conn) { _ = s.do(t, conn, g, tt.call) })
		ops := g.Operations()
		if len(ops) != 1 || ops[0].Facts.Files[0].Path != dir+tt.want {
			t.Errorf("%s %s was judged as %+v, want %s", tt.call.Do, tt.call.Path, ops, dir+tt.want)
		}
	}
	g := &Guard{Judge: func(connectors.Operation) error { return ErrDenied }}
	s.with(t, g, func(conn connectors.Conn) {
		_ = s.do(t, conn, g, connectors.FileCall{Do: connectors.Symlink, Path: dir + "/open/l", To: "../open/away/deep"})
	})
	if ops := g.Operations(); len(ops) != 1 || !concerns(ops[0], dir+"/shut/deep") {
		t.Errorf("a link to a link was judged as %+v", ops)
	}
}

func concerns(op connectors.Operation, p string) bool {
	for _, f := range op.Facts.Files {
		if f.Path == p {
			return true
		}
	}
	return false
}

// Between the decision and the open, a directory becomes a link to elsewhere: not a
// byte is moved, and nothing is cut off.
func (s *suite) testSwappedLink(t *testing.T) {
	for _, c := range []connectors.FileCall{{Do: connectors.ReadFile}, {Do: connectors.WriteFile, Truncate: true, Create: true}} {
		dir, local := s.folder(t)
		for _, d := range []string{"d", "shut"} {
			if err := errors.Join(os.Mkdir(filepath.Join(local, d), 0o777), os.WriteFile(filepath.Join(local, d, "f"), []byte("of "+d), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		g := &Guard{OnPermit: func(connectors.Operation) {
			if err := errors.Join(os.Rename(local+"/d", local+"/gone"), os.Symlink("shut", local+"/d")); err != nil {
				t.Error(err)
			}
		}}
		c.Path = dir + "/d/f"
		s.with(t, g, func(conn connectors.Conn) {
			if f, err := s.fileOpen(s.context(t), conn, g, c); err == nil {
				t.Errorf("%s: it was opened", c.Do)
				_ = f.Close()
			}
		})
		if b := contents(t, local+"/shut/f"); string(b) != "of shut" {
			t.Errorf("%s: the file that the link led to holds %q", c.Do, b)
		}
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

func (s *suite) testFileCancel(t *testing.T) {
	dir, local := s.folder(t)
	if err := os.WriteFile(local+"/a", sample(8<<20, 4), 0o666); err != nil {
		t.Fatal(err)
	}
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		ctx, cancel := context.WithCancel(s.context(t))
		f, err := s.fileOpen(ctx, conn, g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(make([]byte, 1000), 0); err != nil {
			t.Errorf("read: %v", err)
		}
		cancel()
		if !eventually(func() bool { return len(only(t, g).Outcomes()) > 0 }) {
			t.Error("the operation did not end")
		}
		if n, err := f.ReadAt(make([]byte, 1000), 2000); err == nil {
			t.Errorf("%d bytes were read after the operation was cancelled", n)
		}
		if o := only(t, g).outcome(t); !errors.Is(o.Err, connectors.ErrCanceled) || o.File == nil || o.File.Read != 1000 {
			t.Errorf("outcome: %+v", o)
		}
	})
}

func (s *suite) testLargeFile(t *testing.T) {
	const size, allowed = 64 << 20, 32 << 20
	dir, local := s.folder(t)
	data := sample(size, 5)
	if err := os.WriteFile(local+"/a", data, 0o666); err != nil {
		t.Fatal(err)
	}
	want := hashOf(data)
	data = nil
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		f, err := s.fileOpen(s.context(t), conn, g, connectors.FileCall{Do: connectors.ReadFile, Path: dir + "/a"})
		if err != nil {
			t.Fatal(err)
		}
		m := &meter{base: heapInUse()}
		if _, err := io.CopyBuffer(struct{ io.Writer }{m}, struct{ io.Reader }{io.NewSectionReader(f, 0, size)}, make([]byte, 32<<10)); err != nil {
			t.Errorf("read: %v", err)
		}
		if m.worst > m.base+allowed {
			t.Errorf("the heap grew by %d MiB", (m.worst-m.base)>>20)
		}
		_ = f.Close()
	})
	if tr := transfer(t, g); tr.SHA256 != want || !tr.Whole {
		t.Errorf("recorded: %+v", tr)
	}
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
