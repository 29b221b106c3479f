package connectortest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

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
	before := ""
	g := &Guard{OnCheck: func(op connectors.Operation) {
		if now := tree(t, local); now != before {
			t.Errorf("%s: the target changed before the guard was asked", op.Text)
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		for _, c := range calls {
			before = tree(t, local)
			if err := s.do(t, conn, g, c); err != nil {
				t.Errorf("%s: %v", c.Do, err)
			}
			if tree(t, local) == before {
				t.Errorf("%s had no effect once permitted", c.Do)
			}
		}
	})
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
	s.with(t, &Guard{}, func(conn connectors.Conn) { s.leads(t, conn, dir) })
}

// leads: what is judged is what a path leads to.
func (s *suite) leads(t *testing.T, conn connectors.Conn, dir string) {
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
		{connectors.FileCall{Do: connectors.Symlink, Path: dir + "/open/l", To: "../open/away/deep"}, "/shut/deep"},
	} {
		g := &Guard{Judge: func(connectors.Operation) error { return ErrDenied }}
		if !errors.Is(s.do(t, conn, g, tt.call), ErrDenied) {
			t.Errorf("%s %s was not asked about", tt.call.Do, tt.call.Path)
			continue
		}
		if op := g.Operations()[0]; !concerns(op, dir+tt.want) || concerns(op, tt.call.Path) && tt.call.Path != dir+tt.want && tt.call.Do != connectors.Symlink {
			t.Errorf("%s %s was judged as %+v, want %s", tt.call.Do, tt.call.Path, op.Facts.Files, dir+tt.want)
		}
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
