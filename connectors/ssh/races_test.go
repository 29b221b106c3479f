package ssh

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/mask"
)

// filesAt is a real host's files, in a directory whose path has no links.
func filesAt(t *testing.T) (connectors.Filer, string) {
	t.Helper()
	s := sshdtest.Start(t)
	c, err := New(Options{}).Open(t.Context(), endpoint(s), mask.NewSecret([]byte(s.PrivateKey)), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c.(connectors.Filer), dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// While an operation is judged, which may take as long as a person needs to say yes,
// somebody at the host puts a link to another directory in its path. It is not done
// there: what was judged is what is changed, or nothing.
func TestSwappedWhileJudged(t *testing.T) {
	f, root := filesAt(t)
	mode, size, owner := fs.FileMode(0o777), int64(0), connectors.FileOwner{User: os.Getuid(), Group: os.Getgid()}
	for name, call := range map[string]connectors.FileCall{
		"remove":      {Do: connectors.RemoveFile, Path: "/in/file"},
		"rmdir":       {Do: connectors.RemoveDir, Path: "/in/dir"},
		"mkdir":       {Do: connectors.MakeDir, Path: "/in/new"},
		"rename from": {Do: connectors.RenameFile, Path: "/in/file", To: "/kept"},
		"rename to":   {Do: connectors.RenameFile, Path: "/mine", To: "/in/new"},
		"rename over": {Do: connectors.RenameFile, Path: "/mine", To: "/in/file", Replace: true},
		"link":        {Do: connectors.Hardlink, Path: "/in/file", To: "/kept"},
		"symlink":     {Do: connectors.Symlink, Path: "/in/new", To: "file"},
		"mode":        {Do: connectors.SetStat, Path: "/in/file", Set: connectors.FileAttributes{Mode: &mode}},
		"size":        {Do: connectors.SetStat, Path: "/in/file", Set: connectors.FileAttributes{Size: &size}},
		"owner":       {Do: connectors.SetStat, Path: "/in/file", Set: connectors.FileAttributes{Owner: &owner}},
		"create":      {Do: connectors.WriteFile, Path: "/in/new", Create: true},
		"write":       {Do: connectors.WriteFile, Path: "/in/file", Truncate: true},
		"the file":    {Do: connectors.SetStat, Path: "/mine", Set: connectors.FileAttributes{Mode: &mode}},
		"new file":    {Do: connectors.WriteFile, Path: "/fresh", Create: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, strings.ReplaceAll(name, " ", "-"))
			in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
			for _, d := range []string{in, out} {
				must(t, os.MkdirAll(filepath.Join(d, "dir"), 0o700), os.WriteFile(filepath.Join(d, "file"), []byte("held"), 0o600))
			}
			must(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600))
			before := tree(t, out)
			g := &connectortest.Guard{OnPermit: func(connectors.Operation) {
				switch name {
				case "the file":
					must(t, os.Remove(filepath.Join(dir, "mine")), os.Symlink(filepath.Join(out, "file"), filepath.Join(dir, "mine")))
				case "new file":
					must(t, os.Symlink(filepath.Join(out, "elsewhere"), filepath.Join(dir, "fresh")))
				default:
					must(t, os.Rename(in, in+".away"), os.Symlink(out, in))
				}
			}}
			c := call
			c.Path = dir + c.Path
			if c.To != "" && c.Do != connectors.Symlink {
				c.To = dir + c.To
			}
			err := doFile(t.Context(), f, g, c)
			if err == nil {
				t.Error("it was done")
			}
			if after := tree(t, out); after != before && name != "create" { // an empty file is left behind; see the package's doc
				t.Errorf("elsewhere is\n%safter it was\n%s", after, before)
			}
			if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Err == nil {
				t.Errorf("outcomes: %+v", o)
			}
		})
	}
}

func doFile(ctx context.Context, f connectors.Filer, g connectors.Guard, c connectors.FileCall) error {
	if c.Do != connectors.WriteFile && c.Do != connectors.ReadFile {
		_, err := f.File(ctx, g, c)
		return err
	}
	o, err := f.OpenFile(ctx, g, c)
	if err == nil {
		err = o.Close()
	}
	return err
}

// tree is what a directory holds.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b.WriteString(strings.TrimPrefix(p, dir) + " " + info.Mode().String())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			b.WriteString(" " + string(text))
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// A file that held nothing when it was judged, and holds something when it is opened,
// is not written over: that was judged as no loss.
func TestFilledWhileJudged(t *testing.T) {
	f, dir := filesAt(t)
	for name, there := range map[string]bool{"empty": true, "not there": false} {
		file := filepath.Join(dir, name)
		if there {
			must(t, os.WriteFile(file, nil, 0o600))
		}
		g := &connectortest.Guard{OnPermit: func(op connectors.Operation) {
			if op.Facts.Destructive {
				t.Errorf("%s: writing it is judged a loss", name)
			}
			must(t, os.WriteFile(file, []byte("a day's work"), 0o600))
		}}
		err := doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.WriteFile, Path: file, Create: true, Truncate: true})
		got, rerr := os.ReadFile(file)
		must(t, rerr)
		if err == nil || string(got) != "a day's work" {
			t.Errorf("%s: %v, it holds %q", name, err, got)
		}
	}
}

// swapped is a file service behind which somebody swaps a file twice: its path leads to
// a file of the user 1000 when it is looked at, and to another's while it is opened.
// And once it has removed a file, the directory is another's.
type swapped struct {
	owner atomic.Uint32
	moved atomic.Bool
}

func (s *swapped) Filecmd(*sftp.Request) error {
	s.moved.Store(true)
	return nil
}

func (s *swapped) RealPath(p string) (string, error) {
	if s.moved.Load() {
		return "/elsewhere", nil
	}
	return p, nil
}

func (*swapped) Fileread(*sftp.Request) (io.ReaderAt, error) { return strings.NewReader("held"), nil }
func (*swapped) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	return theFile{sftp.FileStat{Mode: modeFor(r), Size: 4, UID: 1000}}, nil
}
func (s *swapped) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	return theFile{sftp.FileStat{Mode: modeFor(r), Size: 4, UID: s.owner.Load()}}, nil
}

func modeFor(r *sftp.Request) uint32 {
	if r.Filepath == "/" {
		return 0o040755
	}
	return 0o100640
}

// theFile is a file's attributes.
type theFile struct{ sftp.FileStat }

func (f theFile) ListAt(to []fs.FileInfo, at int64) (int, error) {
	return copy(to, []fs.FileInfo{f}), io.EOF
}
func (f theFile) Name() string       { return "file" }
func (f theFile) Size() int64        { return int64(f.FileStat.Size) }
func (f theFile) Mode() fs.FileMode  { return f.FileStat.FileMode() }
func (f theFile) ModTime() time.Time { return time.Unix(0, 0) }
func (f theFile) IsDir() bool        { return f.Mode().IsDir() }
func (f theFile) Sys() any           { return nil }
func (f theFile) Uid() uint32        { return f.UID }
func (f theFile) Gid() uint32        { return 0 }

// An open file that is not the one that the path leads to, by its owner, moves no byte.
func TestSwappedTwice(t *testing.T) {
	at := &swapped{}
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			_ = r.Reply(r.Type == "subsystem", nil)
			if r.Type == "subsystem" {
				break
			}
		}
		_ = sftp.NewRequestServer(ch, sftp.Handlers{FileGet: at, FileCmd: at, FileList: at}).Serve()
	}}
	f.passwords()
	f.start(t)
	c := f.open(t, Options{})
	for uid, want := range map[uint32]bool{1000: true, 0: false} {
		at.owner.Store(uid)
		err := doFile(t.Context(), c.(connectors.Filer), &connectortest.Guard{}, connectors.FileCall{Do: connectors.ReadFile, Path: "/file"})
		if (err == nil) != want {
			t.Errorf("the open file is of %d: %v", uid, err)
		}
	}

	// Where it was done while a link was there, the record does not say that it was done.
	g := &connectortest.Guard{}
	err := doFile(t.Context(), c.(connectors.Filer), g, connectors.FileCall{Do: connectors.RemoveFile, Path: "/file"})
	if o := g.Permits()[0].Outcomes(); err == nil || len(o) != 1 || !o[0].Unknown || !strings.Contains(o[0].Err.Error(), "something else") {
		t.Errorf("%v, %+v", err, o)
	}
}

// A link that is renamed is judged by what it leads to at its new place, as if it were
// made there: a relative one leads elsewhere then. A hard link to one is not made.
func TestRenamedLink(t *testing.T) {
	f, dir := filesAt(t)
	must(t, os.MkdirAll(filepath.Join(dir, "srv/a/b"), 0o700), os.Mkdir(filepath.Join(dir, "keys"), 0o700), os.Mkdir(filepath.Join(dir, "srv/keys"), 0o700),
		os.WriteFile(filepath.Join(dir, "keys/key"), []byte("secret"), 0o600))
	secret := filepath.Join(dir, "keys/key")
	refused := errors.New("refused")
	g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
		for _, a := range op.Facts.Files {
			if a.Path == secret {
				return refused
			}
		}
		return nil
	}}
	link, at := filepath.Join(dir, "srv/a/l"), filepath.Join(dir, "srv/l")
	must(t, doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.Symlink, Path: link, To: "../keys/key"}))
	if err := doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.Symlink, Path: at, To: "../keys/key"}); !errors.Is(err, refused) {
		t.Fatalf("a link to it: %v", err)
	}
	if err := doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.RenameFile, Path: link, To: at}); !errors.Is(err, refused) {
		t.Errorf("a link is renamed to lead to it: %v", err)
	}
	if err := doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.Hardlink, Path: link, To: at}); err == nil {
		t.Error("a link has two names")
	}
	if text, err := os.ReadFile(at); err == nil {
		t.Errorf("it leads to %q", text)
	}
	must(t, doFile(t.Context(), f, g, connectors.FileCall{Do: connectors.RenameFile, Path: link, To: filepath.Join(dir, "srv/a/m")}))
}

// Evidence says that a file holds what was moved only where it does: not where it was
// cut off and made longer again, nor where it was written, or exchanged, beside.
func TestWholeIsWhatItHolds(t *testing.T) {
	f, dir := filesAt(t)
	size := func(n int64) connectors.FileAttributes { return connectors.FileAttributes{Size: &n} }
	for name, tt := range map[string]struct {
		whole  bool
		beside func(o connectors.OpenFile, file string) error
	}{
		"alone":             {true, func(connectors.OpenFile, string) error { return nil }},
		"as long as it is":  {true, func(o connectors.OpenFile, _ string) error { return o.Set(size(10)) }},
		"cut and made long": {false, func(o connectors.OpenFile, _ string) error { return errors.Join(o.Set(size(5)), o.Set(size(10))) }},
		"by its path": {false, func(_ connectors.OpenFile, file string) error {
			return errors.Join(doFile(t.Context(), f, &connectortest.Guard{}, connectors.FileCall{Do: connectors.SetStat, Path: file, Set: size(5)}),
				doFile(t.Context(), f, &connectortest.Guard{}, connectors.FileCall{Do: connectors.SetStat, Path: file, Set: size(10)}))
		}},
		"another handle": {false, func(_ connectors.OpenFile, file string) error {
			o, err := f.OpenFile(t.Context(), &connectortest.Guard{}, connectors.FileCall{Do: connectors.WriteFile, Path: file})
			if err != nil {
				return err
			}
			_, err = o.WriteAt([]byte("9876543210"), 0)
			return errors.Join(err, o.Close())
		}},
		"exchanged": {false, func(_ connectors.OpenFile, file string) error {
			return errors.Join(os.WriteFile(file+".new", []byte("9876543210"), 0o600),
				doFile(t.Context(), f, &connectortest.Guard{}, connectors.FileCall{Do: connectors.RenameFile, Path: file + ".new", To: file, Replace: true}))
		}},
	} {
		g := &connectortest.Guard{}
		file := filepath.Join(dir, name)
		o, err := f.OpenFile(t.Context(), g, connectors.FileCall{Do: connectors.WriteFile, Path: file, Create: true})
		must(t, err)
		_, err = o.WriteAt([]byte("0123456789"), 0)
		must(t, err, tt.beside(o, file), o.Close())
		out := g.Permits()[0].Outcomes()
		if len(out) != 1 || out[0].File == nil || out[0].File.Whole != tt.whole {
			t.Errorf("%s: %+v", name, out[0].File)
		}
	}
}
