package demo

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
	gossh "golang.org/x/crypto/ssh"
)

// serveFiles serves SFTP on a channel: its root is the home, which nothing leads
// out of.
func (h *Host) serveFiles(ch gossh.Channel) {
	defer ch.Close()
	root, err := os.OpenRoot(h.home)
	if err != nil {
		return
	}
	defer root.Close()
	f := &homeFiles{h, root}
	server := sftp.NewRequestServer(ch, sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f})
	_ = server.Serve() // it ends with the channel
	_ = server.Close()
	_, _ = ch.SendRequest("exit-status", false, gossh.Marshal(struct{ Code uint32 }{0}))
}

// homeFiles are the files of the home. What is made belongs to the account of the
// shells.
type homeFiles struct {
	h    *Host
	root *os.Root
}

func inside(p string) string {
	if p = strings.TrimPrefix(path.Clean("/"+p), "/"); p != "" {
		return p
	}
	return "."
}

func (f *homeFiles) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return f.root.Open(inside(r.Filepath))
}

func (f *homeFiles) Filewrite(r *sftp.Request) (io.WriterAt, error) { return f.OpenFile(r) }

func (f *homeFiles) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	flags := os.O_RDWR
	p := r.Pflags()
	for flag, is := range map[int]bool{os.O_CREATE: p.Creat, os.O_TRUNC: p.Trunc, os.O_EXCL: p.Excl} {
		if is {
			flags |= flag
		}
	}
	name := inside(r.Filepath)
	_, missing := f.root.Lstat(name)
	file, err := f.root.OpenFile(name, flags, 0o644)
	if err == nil && missing != nil {
		err = f.h.account.own(filepath.Join(f.h.home, name))
	}
	return file, err
}

func (f *homeFiles) Filecmd(r *sftp.Request) error {
	name, to := inside(r.Filepath), inside(r.Target)
	switch r.Method {
	case "Setstat":
		return f.set(name, r)
	case "Rename":
		if _, err := f.root.Lstat(to); err == nil {
			return fs.ErrExist
		}
		return f.root.Rename(name, to)
	case "Mkdir":
		return errors.Join(f.root.Mkdir(name, 0o755), f.h.account.own(filepath.Join(f.h.home, name)))
	case "Rmdir", "Remove":
		return f.root.Remove(name)
	case "Link":
		return f.root.Link(name, to)
	case "Symlink":
		return f.root.Symlink(r.Filepath, to)
	}
	return sftp.ErrSSHFxOpUnsupported
}

func (f *homeFiles) PosixRename(r *sftp.Request) error {
	return f.root.Rename(inside(r.Filepath), inside(r.Target))
}

func (f *homeFiles) set(name string, r *sftp.Request) error {
	flags, want := r.AttrFlags(), r.Attributes()
	if want == nil || flags.UidGid {
		return sftp.ErrSSHFxOpUnsupported
	}
	var errs []error
	if flags.Size {
		file, err := f.root.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		errs = append(errs, file.Truncate(int64(want.Size)), file.Close())
	}
	if flags.Permissions {
		errs = append(errs, f.root.Chmod(name, want.FileMode().Perm()))
	}
	if flags.Acmodtime {
		errs = append(errs, f.root.Chtimes(name, time.Unix(int64(want.Atime), 0), time.Unix(int64(want.Mtime), 0)))
	}
	return errors.Join(errs...)
}

func (f *homeFiles) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name := inside(r.Filepath)
	if r.Method == "Stat" {
		return infos(f.root.Stat(name))
	}
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.Readdir(-1)
	return list(all), err
}

func (f *homeFiles) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	return infos(f.root.Lstat(inside(r.Filepath)))
}

func (f *homeFiles) Readlink(p string) (string, error) { return f.root.Readlink(inside(p)) }

func infos(info fs.FileInfo, err error) (sftp.ListerAt, error) {
	if err != nil {
		return nil, err
	}
	return list{info}, nil
}

type list []fs.FileInfo

func (l list) ListAt(to []fs.FileInfo, at int64) (int, error) {
	if at >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[at:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
