package connectors

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// FileVerb is what is asked of a file.
type FileVerb string

const (
	ReadFile   FileVerb = "read"   // open for reading
	WriteFile  FileVerb = "write"  // open for writing
	UpdateFile FileVerb = "update" // open for both
	ListDir    FileVerb = "list"
	StatFile   FileVerb = "stat"
	LstatFile  FileVerb = "lstat" // of a link itself
	ReadLink   FileVerb = "readlink"
	RemoveFile FileVerb = "remove"
	RemoveDir  FileVerb = "rmdir"
	MakeDir    FileVerb = "mkdir"
	RenameFile FileVerb = "rename"
	Symlink    FileVerb = "symlink" // Path is the link, To where it leads
	Hardlink   FileVerb = "link"    // Path is the file, To its new name
	SetStat    FileVerb = "set"
	StatVFS    FileVerb = "statvfs"
)

// FileCall is one operation on files, as it is asked for.
type FileCall struct {
	Do FileVerb
	// Path and To are absolute paths at the target. To of a symlink may be relative.
	Path, To string
	// How a file is opened.
	Create, Exclusive, Truncate, Append bool
	// Replace: a rename may replace what has the new name.
	Replace bool
	Set     FileAttributes
	// Content is what is to be written, where that is known before: people approve it
	// then, and nothing else is written. Filers take no notice of it.
	Content *FileContent
}

// FileContent is what a file is written with.
type FileContent struct {
	// From and Size are where its bytes go, SHA256 is theirs, in hex.
	From, Size int64
	SHA256     string
	// Mode and Cut are the permissions and the length that the file has at the end, nil
	// where they are left as they are.
	Mode *fs.FileMode
	Cut  *int64
}

// FileAttributes are those to be set; nil ones are left as they are.
type FileAttributes struct {
	Mode       *fs.FileMode // permissions with setuid, setgid and sticky
	Owner      *FileOwner
	Size       *int64
	Accessed   time.Time // both times are set where Modified is not zero
	Modified   time.Time
	Unreadable bool // something else was asked to be set, which nothing here knows
}

// FileOwner is a file's owner in the target's numbers.
type FileOwner struct{ User, Group int }

// Empty reports whether nothing is to be set.
func (a FileAttributes) Empty() bool {
	return a.Mode == nil && a.Owner == nil && a.Size == nil && a.Modified.IsZero() && !a.Unreadable
}

// FileAnswer is what an operation tells; which field is set depends on it.
type FileAnswer struct {
	Info    fs.FileInfo
	Entries []fs.FileInfo
	Text    string // where a link leads
	VFS     *FileSystem
}

// FileSystem is how full a file system is, in the words of statvfs(3).
type FileSystem struct {
	BlockSize, FragmentSize, Blocks, Free, Available, Files, FilesFree, FilesAvailable, ID, Flags, NameLength uint64
}

// Filer reads and changes files. Unlike other operations, any number of these may
// run at a time, beside each other.
//
// The path that is judged, recorded and used is the target's own, after links are
// resolved there; resolving is noted once per connection, before the first. What is
// judged is each file that an operation concerns. Between resolving and using a
// path somebody at the target may put a link in its place: opening a file is
// checked again before a byte is moved or cut off, a listing before it is shown, and
// what changes something by its path right before and right after.
type Filer interface {
	// File asks the guard (ActionFile), and does one operation that is over when it
	// returns. Errors are those of Querier.Query.
	File(ctx context.Context, g Guard, c FileCall) (FileAnswer, error)
	// OpenFile asks the guard (ActionFile), whose permit must be a FilePermit, and
	// opens a file for ReadFile, WriteFile or UpdateFile. The operation lasts until
	// the OpenFile is closed, or ctx ends.
	OpenFile(ctx context.Context, g Guard, c FileCall) (OpenFile, error)
}

// Copier has files that are listed, read and written whole, where there is no file
// service: those of containers.
type Copier interface {
	// Files is a Filer with a part of its contract. A path is judged and used as it is
	// asked for: one that leads through a link is refused, by the path that it leads to,
	// once the guard has let the operation pass; nothing is asked of the target before.
	// A file is read once, from its beginning to its end, and written whole, in
	// order: it appears when it is closed, or not at all. What else a Filer does is
	// ErrUnsupported.
	Files() Filer
}

// OpenFile is a file that is open at the target. It is safe for concurrent use.
type OpenFile interface {
	io.ReaderAt
	io.WriterAt
	// Stat asks the target.
	Stat() (fs.FileInfo, error)
	// Set changes attributes of the open file, as a part of its operation: permissions
	// without setuid and setgid, size (not of one that is appended to) and times. For
	// others it says ErrUnsupported.
	Set(a FileAttributes) error
	// Close ends the operation. Its error says that what was written may be lost.
	Close() error
	// Abort is Close for a requester who went away in the middle.
	Abort(why error) error
}

// FilePermit is leave for an operation that moves a file's content.
type FilePermit interface {
	Permit
	// Content returns the way of what is read to the requester: what is written to it
	// comes out at w, or the operation ends with the reason why it does not. A file
	// cannot be masked on its way, since its size is known before.
	Content(w io.Writer) Content
}

// Content is the way of a file's content to the requester. It is used by one
// goroutine at a time, but Count.
type Content interface {
	io.Writer
	// Flush hands on what is held back, at the end.
	Flush() error
	// Ordered reports whether all content must pass Write, in order; otherwise it may
	// be read in any, and is then told to Count.
	Ordered() bool
	// Count takes so many bytes off what the operation may move.
	Count(n int64) error
}
