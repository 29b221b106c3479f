package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

var (
	_ sftp.FileReader           = (*front)(nil)
	_ sftp.OpenFileWriter       = (*front)(nil)
	_ sftp.PosixRenameFileCmder = (*front)(nil)
	_ sftp.StatVFSFileCmder     = (*front)(nil)
	_ sftp.LstatFileLister      = (*front)(nil)
	_ sftp.ReadlinkFileLister   = (*front)(nil)
	_ sftp.NameLookupFileLister = (*front)(nil)
	_ sftp.TransferError        = (*handle)(nil)
)

// Fileread opens a file for reading.
func (f *front) Fileread(r *sftp.Request) (_ io.ReaderAt, err error) {
	defer f.recovered(&err)
	h, err := f.opened(r, connectors.ReadFile)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Filewrite opens a file for writing.
func (f *front) Filewrite(r *sftp.Request) (_ io.WriterAt, err error) {
	defer f.recovered(&err)
	h, err := f.opened(r, connectors.WriteFile)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// OpenFile opens a file for both.
func (f *front) OpenFile(r *sftp.Request) (_ sftp.WriterAtReaderAt, err error) {
	defer f.recovered(&err)
	h, err := f.opened(r, connectors.UpdateFile)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// createMode is the permissions with which a client wants a new file made. The
// library keeps the attributes of an open without their flags; permissions alone
// are the only ones of four bytes. Clients that send more set them again later.
func createMode(r *sftp.Request) (fs.FileMode, bool) {
	if len(r.Attrs) != 4 {
		return 0, false
	}
	return fs.FileMode(binary.BigEndian.Uint32(r.Attrs)) & fs.ModePerm, true
}

// attributes are those that a client wants set.
func attributes(r *sftp.Request) connectors.FileAttributes {
	var a connectors.FileAttributes
	flags, stat := r.AttrFlags(), r.Attributes()
	if stat == nil {
		return connectors.FileAttributes{Unreadable: true}
	}
	if flags.Permissions {
		mode := stat.FileMode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		a.Mode = &mode
	}
	if flags.UidGid {
		a.Owner = &connectors.FileOwner{User: int(stat.UID), Group: int(stat.GID)}
	}
	if flags.Size {
		size := int64(stat.Size)
		a.Size = &size
	}
	if flags.Acmodtime {
		a.Accessed, a.Modified = time.Unix(int64(stat.Atime), 0), time.Unix(int64(stat.Mtime), 0)
	}
	const extended = 0x80000000
	a.Unreadable = r.Flags&extended != 0
	return a
}

// Filecmd does what changes something and moves no content.
func (f *front) Filecmd(r *sftp.Request) (err error) {
	defer f.recovered(&err)
	switch r.Method {
	case "Setstat":
		return f.set(r)
	case "Rename":
		return f.two(r, connectors.FileCall{Do: connectors.RenameFile})
	case "Link":
		return f.two(r, connectors.FileCall{Do: connectors.Hardlink})
	case "Symlink":
		_, err := f.do(r.Target, connectors.FileCall{Do: connectors.Symlink, To: r.Filepath})
		return err
	}
	do, ok := map[string]connectors.FileVerb{"Rmdir": connectors.RemoveDir, "Mkdir": connectors.MakeDir, "Remove": connectors.RemoveFile}[r.Method]
	if !ok {
		return f.failed(r.Filepath, fmt.Errorf("%w: %s", connectors.ErrUnsupported, printable(r.Method)))
	}
	_, err = f.do(r.Filepath, connectors.FileCall{Do: do})
	return err
}

// PosixRename renames and replaces.
func (f *front) PosixRename(r *sftp.Request) (err error) {
	defer f.recovered(&err)
	return f.two(r, connectors.FileCall{Do: connectors.RenameFile, Replace: true})
}

// two does what has two paths, which must be of one resource.
func (f *front) two(r *sftp.Request, c connectors.FileCall) error {
	from, _ := resourceOf(r.Filepath)
	to, rest := resourceOf(r.Target)
	if from != to {
		return f.failed(r.Filepath, fmt.Errorf("%w: from one resource to another; copy it instead", connectors.ErrUnsupported))
	}
	c.To = rest
	_, err := f.do(r.Filepath, c)
	return err
}

// set changes attributes: of a file that the client writes as a part of that,
// otherwise as an operation of its own.
func (f *front) set(r *sftp.Request) error {
	a := attributes(r)
	if a.Empty() {
		return nil
	}
	if h := f.writing(r.Filepath); h != nil {
		if err := h.file.Set(a); !errors.Is(err, connectors.ErrUnsupported) {
			return f.failed(r.Filepath, err)
		}
	}
	_, err := f.do(r.Filepath, connectors.FileCall{Do: connectors.SetStat, Set: a})
	return err
}

// StatVFS tells how full the target's file system is.
func (f *front) StatVFS(r *sftp.Request) (_ *sftp.StatVFS, err error) {
	defer f.recovered(&err)
	a, err := f.do(r.Filepath, connectors.FileCall{Do: connectors.StatVFS})
	if err != nil {
		return nil, err
	}
	v := a.VFS
	return &sftp.StatVFS{Bsize: v.BlockSize, Frsize: v.FragmentSize, Blocks: v.Blocks, Bfree: v.Free, Bavail: v.Available, Files: v.Files,
		Ffree: v.FilesFree, Favail: v.FilesAvailable, Fsid: v.ID, Flag: v.Flags, Namemax: v.NameLength}, nil
}

// Filelist lists a directory, or tells of one file.
func (f *front) Filelist(r *sftp.Request) (_ sftp.ListerAt, err error) {
	defer f.recovered(&err)
	if r.Method == "List" {
		return f.list(r.Filepath)
	}
	return f.stat(r.Filepath, connectors.StatFile)
}

// Lstat tells of a link itself.
func (f *front) Lstat(r *sftp.Request) (_ sftp.ListerAt, err error) {
	defer f.recovered(&err)
	return f.stat(r.Filepath, connectors.LstatFile)
}

// maxListings is how many listings of directories a client has open at a time: each
// is held whole.
const maxListings = 16

// listing is one that gives its place back when it is closed.
type listing struct {
	entries
	f    *front
	once sync.Once
}

// Close is called when the client closes the directory.
func (l *listing) Close() error {
	l.once.Do(func() {
		l.f.mu.Lock()
		defer l.f.mu.Unlock()
		l.f.listings--
	})
	return nil
}

// list lists a directory, when there is room for it.
func (f *front) list(p string) (sftp.ListerAt, error) {
	f.mu.Lock()
	full := f.listings >= maxListings
	if !full {
		f.listings++
	}
	f.mu.Unlock()
	if full {
		return nil, f.failed(p, &policy.Refusal{Rule: "limits", Reason: fmt.Sprintf("%d directories are being listed already", maxListings)})
	}
	l := &listing{f: f}
	all, err := f.entries(p)
	if err != nil {
		_ = l.Close() // never fails
		return nil, err
	}
	l.entries = all
	return l, nil
}

// entries are the resources, or what is in a directory of one.
func (f *front) entries(p string) (entries, error) {
	name, _ := resourceOf(p)
	if name == "" {
		all := entries{}
		for _, t := range f.v.FileTargets() {
			all = append(all, folder(t.Name))
		}
		return all, nil
	}
	a, err := f.do(p, connectors.FileCall{Do: connectors.ListDir})
	if err != nil {
		return nil, err
	}
	all := entries{}
	for _, e := range a.Entries {
		if n := e.Name(); n != "" && n != "." && n != ".." && !strings.ContainsAny(n, "/\x00") { // a hostile target's names lead nowhere else
			all = append(all, entry{e, n})
		}
	}
	return all, nil
}

func (f *front) stat(p string, do connectors.FileVerb) (sftp.ListerAt, error) {
	name, rest := resourceOf(p)
	if name == "" {
		return entries{folder("/")}, nil
	}
	if rest == "/" {
		if _, err := f.session(name); err != nil {
			return nil, f.failed(p, err)
		}
		return entries{folder(name)}, nil
	}
	if h := f.writing(p); h != nil {
		info, err := h.file.Stat()
		if err != nil {
			return nil, f.failed(p, err)
		}
		return entries{entry{info, path.Base(p)}}, nil
	}
	a, err := f.do(p, connectors.FileCall{Do: do})
	if err != nil {
		return nil, err
	}
	return entries{entry{a.Info, path.Base(p)}}, nil
}

// Readlink tells where a link leads, in the target's own words.
func (f *front) Readlink(p string) (_ string, err error) {
	defer f.recovered(&err)
	a, err := f.do(p, connectors.FileCall{Do: connectors.ReadLink})
	return a.Text, err
}

// LookupUserName and LookupGroupName: owners are numbers of the target's, for which
// it gives no names.
func (f *front) LookupUserName(id string) string { return id }

// LookupGroupName is as LookupUserName.
func (f *front) LookupGroupName(id string) string { return id }

// entries are a listing.
type entries []fs.FileInfo

// ListAt copies entries from a place on.
func (l entries) ListAt(to []fs.FileInfo, at int64) (int, error) {
	if at >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[at:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

// entry is a file of the target's, whose owner the library finds by its methods.
type entry struct {
	fs.FileInfo
	name string
}

func (e entry) Name() string { return e.name }

// Uid is the owner in the target's numbers.
func (e entry) Uid() uint32 { return e.stat().UID }

// Gid is the group in the target's numbers.
func (e entry) Gid() uint32 { return e.stat().GID }

func (e entry) stat() *sftp.FileStat {
	switch s := e.Sys().(type) {
	case *sftp.FileStat:
		return s
	case *connectors.FileOwner:
		return &sftp.FileStat{UID: uint32(s.User), GID: uint32(s.Group)}
	}
	return &sftp.FileStat{}
}

// folder is a directory that is the bastion's own: the top, and a resource in it.
type folder string

func (d folder) Name() string       { return string(d) }
func (d folder) Size() int64        { return 0 }
func (d folder) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (d folder) ModTime() time.Time { return time.Time{}.AddDate(1969, 0, 0) }
func (d folder) IsDir() bool        { return true }
func (d folder) Sys() any           { return nil }
